/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "former.h"

#include "scratch-fs.h"
#include "scratch-who.h"

typedef struct Place Place;

struct Place {
	ScratchFs scratch;
	Fs *fs;     /* its */
	Node *root; /* its */
	int fd;     /* its */
	dev_t dev;
	Who who;
};

static struct stat stat_of(Place *place, const char *name)
{
	struct stat st;

	g_assert_cmpint(fstatat(place->fd, name, &st, 0), ==, 0);
	return st;
}

static void place_set_up(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_begin(&place->scratch);
	place->fd = place->scratch.fd;
	place->fs = place->scratch.fs;
	place->root = place->fs->root;
	place->dev = stat_of(place, ".").st_dev;
	who_begin(&place->who);
}

static void place_tear_down(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	who_end(&place->who);
	scratch_fs_end(&place->scratch);
}

static void take_away(Place *place, const char *name)
{
	ASSERT_OK(former_remove(place->fs, place->root, place->fd, name));
	g_assert_cmpint(faccessat(place->fd, name, F_OK, 0), <, 0);
}

/* How many versions of f, of four bytes, may come back for this one. */
static unsigned n_for(Place *place, int who)
{
	g_autoptr(GPtrArray) all = former_candidates(
		place->fs, place->root, "f", S_IFREG, 4, who < 0 ? NULL : place->who.who[who]);

	return all->len;
}

static void looks(Place *place, int who, LookKind kind)
{
	former_look(place->fs, place->root, "f", place->who.who[who], kind, true);
}

static void test_back(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) all = NULL;
	ino_t ino = scratch_make(&place->scratch, "f", "abcd"), later;
	struct stat st;
	autofd fd = -1;

	g_assert_false(former_watches(place->fs, place->root, "f"));
	take_away(place, "f");
	later = scratch_make(&place->scratch, "f", "wxyz");
	take_away(place, "f");
	g_assert_true(former_watches(place->fs, place->root, "f"));
	g_assert_false(former_watches(place->fs, place->root, "g"));
	g_assert_true(former_watches_below(place->fs, place->root));
	g_assert_cmpuint(former_count(place->fs), ==, 2);
	g_assert_cmpuint(former_bytes(place->fs), ==, 8);
	g_assert_cmpuint(
		kept_n_links(place->fs,
			&(struct stat){.st_dev = place->dev, .st_ino = ino, .st_nlink = 1}),
		==, 0);
	g_assert_cmpuint(
		kept_n_links(place->fs,
			&(struct stat){.st_dev = place->dev, .st_ino = ino, .st_nlink = 3}),
		==, 2);
	all = former_candidates(place->fs, place->root, "f", S_IFREG, 4, place->who.who[ONE]);
	g_assert_cmpuint(all->len, ==, 2);
	ASSERT_OK(former_open(place->fs, all->pdata[0], &fd));
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	g_assert_cmpuint(st.st_ino, ==, later);

	/* the first one comes back, and the one that left after it is forgotten */
	ASSERT_OK(former_put_back(place->fs, all->pdata[1], place->fd));
	g_assert_cmpint(fstatat(place->fd, "f", &st, 0), ==, 0);
	g_assert_cmpuint(st.st_ino, ==, ino);
	g_assert_cmpuint(st.st_nlink, ==, 1);
	g_assert_false(former_may_return(all->pdata[0], place->who.who[ONE]));
	ASSERT_ERROR(former_open(place->fs, all->pdata[0], &fd), ESTALE);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	g_assert_cmpuint(former_bytes(place->fs), ==, 0);
	g_assert_false(former_watches(place->fs, place->root, "f"));
}

/* Renames f to name: it is a former version of f from then on. */
static void rename_away(Place *place, const char *name)
{
	Node *node = node_get(place->fs, place->root, name);
	struct stat st;

	g_assert_cmpint(fstatat(place->fd, "f", &st, 0), ==, 0);
	g_assert_true(former_is_wanted(place->fs, &st));
	g_assert_cmpint(renameat(place->fd, "f", place->fd, name), ==, 0);
	former_moved(place->fs, place->root, "f", &st.st_mtim, node);
	node_unref(place->fs, node);
}

/* The only version of a name that may come back. */
static Former *only(Place *place, const char *name)
{
	g_autoptr(GPtrArray) all =
		former_candidates(place->fs, place->root, name, S_IFREG, 4, place->who.who[ONE]);

	g_assert_cmpuint(all->len, ==, 1);
	return all->pdata[0];
}

static void test_renamed_away(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1000}};
	ino_t ino = scratch_make(&place->scratch, "f", "abcd");
	struct timespec ctime;
	struct stat st;
	autofd fd = -1;

	g_assert_cmpint(utimensat(place->fd, "f", old, 0), ==, 0);
	rename_away(place, "g");
	st = stat_of(place, "g");
	g_assert_cmpuint(st.st_nlink, ==, 1);
	ctime = st.st_ctim;
	ASSERT_OK(former_open(place->fs, only(place, "f"), &fd));
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	g_assert_cmpuint(st.st_ino, ==, ino);

	/* it is g's file, so only the mtime comes back, and g's is not touched */
	scratch_make(&place->scratch, "f", "abcd");
	g_assert_false(former_is_whole(place->fs, only(place, "f")));
	ASSERT_ERROR(former_put_back(place->fs, only(place, "f"), place->fd), EMLINK);
	ASSERT_OK(former_restore(place->fs, only(place, "f"), place->fd));
	st = stat_of(place, "f");
	g_assert_cmpint(st.st_mtim.tv_sec, ==, 1000);
	g_assert_cmpuint(st.st_ino, !=, ino);
	st = stat_of(place, "g");
	g_assert_true(time_equal(&st.st_ctim, &ctime));

	/* once g is gone, it is the file; also when it was given another mtime on its way */
	rename_away(place, "g");
	g_assert_cmpint(utimensat(place->fd, "g", NULL, 0), ==, 0);
	st = stat_of(place, "g");
	kept_note_mtime(place->fs, &st);
	take_away(place, "g");
	former_forget(place->fs, place->root, "g", false);
	g_assert_true(former_is_whole(place->fs, only(place, "f")));
	ASSERT_OK(former_put_back(place->fs, only(place, "f"), place->fd));
	g_assert_cmpint(stat_of(place, "f").st_mtim.tv_sec, ==, 1000);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
}

/* One file may be kept for several names: the one that it left last gets it, and the others are
 * forgotten then; before, they get its mtime. */
static void test_shared(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	ino_t ino = scratch_make(&place->scratch, "f", "abcd");
	struct stat st;
	autofd fd = -1;

	rename_away(place, "g");
	take_away(place, "g");
	g_assert_cmpuint(former_count(place->fs), ==, 2);
	g_assert_cmpuint(
		kept_n_links(place->fs,
			&(struct stat){.st_dev = place->dev, .st_ino = ino, .st_nlink = 1}),
		==, 0);
	g_assert_false(former_is_whole(place->fs, only(place, "f")));
	g_assert_true(former_is_whole(place->fs, only(place, "g")));
	ASSERT_ERROR(former_put_back(place->fs, only(place, "f"), place->fd), EMLINK);
	ASSERT_OK(former_put_back(place->fs, only(place, "g"), place->fd));
	st = stat_of(place, "g");
	g_assert_cmpuint(st.st_ino, ==, ino);
	g_assert_cmpuint(kept_n_links(place->fs, &st), ==, 1);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	g_assert_false(former_watches(place->fs, place->root, "f"));

	/* the other name comes first: the file stays for the one that it left last */
	g_assert_cmpint(unlinkat(place->fd, "g", 0), ==, 0);
	ino = scratch_make(&place->scratch, "f", "abcd");
	rename_away(place, "g");
	take_away(place, "g");
	scratch_make(&place->scratch, "f", "abcd");
	ASSERT_OK(former_restore(place->fs, only(place, "f"), place->fd));
	g_assert_cmpuint(stat_of(place, "f").st_ino, !=, ino);
	g_assert_cmpuint(former_count(place->fs), ==, 1);
	ASSERT_OK(former_put_back(place->fs, only(place, "g"), place->fd));
	g_assert_cmpuint(stat_of(place, "g").st_ino, ==, ino);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	g_assert_cmpint(unlinkat(place->fd, "g", 0), ==, 0);

	/* what is replaced goes to the store for all that want it */
	rename_away(place, "g");
	scratch_make(&place->scratch, "t", "wxyz");
	kept_save(place->fs, place->fd, "g");
	g_assert_cmpint(renameat(place->fd, "t", place->fd, "g"), ==, 0);
	g_assert_true(former_is_whole(place->fs, only(place, "f")));

	/* what is lost cannot be taken for another file with its number */
	former_forget(place->fs, place->root, "f", false);
	scratch_make(&place->scratch, "f", "abcd");
	rename_away(place, "g");
	st = stat_of(place, "g");
	kept_lose(place->fs, &st);
	g_assert_null(kept_find(place->fs, &st));
	ASSERT_ERROR(former_open(place->fs, only(place, "f"), &fd), ESTALE);
	g_assert_false(former_is_whole(place->fs, only(place, "f")));
	former_forget(place->fs, place->root, "f", false);
	ino = scratch_make(&place->scratch, "f", "abcd");
	rename_away(place, "h");

	/* who changes it in place makes all of them forgotten */
	former_release(place->fs, &(struct stat){.st_dev = place->dev, .st_ino = ino});
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	g_assert_false(former_watches(place->fs, place->root, "f"));
}

static void test_looks(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_make(&place->scratch, "f", "abcd");
	take_away(place, "f");
	g_assert_cmpuint(n_for(place, -1), ==, 0);
	g_assert_cmpuint(n_for(place, ONE), ==, 1);
	looks(place, DRIVER, LOOK_TIMES);
	g_assert_cmpuint(n_for(place, ONE), ==, 1);
	g_assert_cmpuint(n_for(place, TWO), ==, 1);
	looks(place, ONE, LOOK_BYTES);
	looks(place, ONE, LOOK_TIMES);
	g_assert_cmpuint(n_for(place, ONE), ==, 1);
	g_assert_cmpuint(n_for(place, TWO), ==, 0);
	/* a second step: nobody can bring it back any more */
	looks(place, TWO, LOOK_TIMES);
	g_assert_false(former_watches(place->fs, place->root, "f"));

	/* a driver is excused for times and names alone */
	scratch_make(&place->scratch, "f", "abcd");
	take_away(place, "f");
	looks(place, DRIVER, LOOK_BYTES);
	g_assert_cmpuint(n_for(place, ONE), ==, 0);
	looks(place, ONE, LOOK_TIMES);
	g_assert_cmpuint(former_count(place->fs), ==, 0);

	/* somebody unknown */
	scratch_make(&place->scratch, "f", "abcd");
	take_away(place, "f");
	former_look(place->fs, place->root, "f", NULL, LOOK_TIMES, false);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
}

static void test_vain(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	const pid_t tid = place->who.pids[ONE];

	scratch_make(&place->scratch, "f", "abcd");
	take_away(place, "f");
	/* counts when somebody asks again */
	former_look_in_vain(place->fs, place->root, "f", place->who.who[ONE], tid);
	g_assert_cmpuint(n_for(place, TWO), ==, 0);
	g_assert_cmpuint(n_for(place, ONE), ==, 1);
	/* not if it was part of making a directory; but that takes the place of the file */
	former_look_in_vain(place->fs, place->root, "f", place->who.who[TWO], place->who.pids[TWO]);
	former_made(place->fs, place->root, "f", place->who.pids[TWO]);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
}

static void test_below(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	const pid_t tid = place->who.pids[TWO];
	g_autoptr(GPtrArray) one = NULL, two = NULL;
	Node *dir = node_get(place->fs, place->root, "d");
	autofd fd = -1;

	g_assert_cmpint(mkdirat(place->fd, "d", 0755), ==, 0);
	scratch_make(&place->scratch, "d/f", "abcd");
	fd = openat(place->fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ASSERT_OK(former_remove(place->fs, dir, fd, "f"));
	/* the directory goes, and another takes its name */
	g_assert_cmpint(unlinkat(place->fd, "d", AT_REMOVEDIR), ==, 0);
	node_unlink(place->fs, dir);
	g_assert_true(former_watches(place->fs, place->root, "d"));
	former_look_in_vain(place->fs, place->root, "d", place->who.who[TWO], tid);
	former_made(place->fs, place->root, "d", tid);
	node_unref(place->fs, dir);
	dir = node_get(place->fs, place->root, "d");
	one = former_candidates(place->fs, dir, "f", S_IFREG, 4, place->who.who[ONE]);
	g_assert_cmpuint(one->len, ==, 1);
	/* whoever misses the directory misses what was in it */
	former_look_in_vain(place->fs, place->root, "d", place->who.who[TWO], tid);
	two = former_candidates(place->fs, dir, "f", S_IFREG, 4, place->who.who[ONE]);
	g_assert_cmpuint(two->len, ==, 0);
	former_forget(place->fs, place->root, "d", true);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	g_assert_false(former_watches(place->fs, place->root, "d"));
	node_unref(place->fs, dir);
}

static void test_list(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Keep keep;

	/* what is there is not missed */
	scratch_make(&place->scratch, "f", "abcd");
	g_assert_true(former_keep(place->fs, place->fd, "f", &keep));
	g_assert_cmpint(unlinkat(place->fd, "f", 0), ==, 0);
	former_kept(place->fs, place->root, "f", &keep);
	scratch_make(&place->scratch, "f", "wxyz");
	former_list(place->fs, place->root, place->who.who[TWO]);
	g_assert_cmpuint(n_for(place, ONE), ==, 1);
	g_assert_cmpint(unlinkat(place->fd, "f", 0), ==, 0);
	former_list(place->fs, place->root, place->who.who[TWO]);
	g_assert_cmpuint(n_for(place, ONE), ==, 0);
	g_assert_cmpuint(n_for(place, TWO), ==, 1);
	former_list(place->fs, place->root, place->who.who[DRIVER]);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
}

static void test_bounds(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};

	place->scratch.options.keep = 3;
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		scratch_make(&place->scratch, names[i], "abcd");
		take_away(place, names[i]);
	}
	g_assert_cmpuint(former_count(place->fs), ==, 3);
	g_assert_false(former_watches(place->fs, place->root, "b"));
	g_assert_true(former_watches(place->fs, place->root, "c"));
	place->scratch.options.keep_bytes = 10;
	scratch_make(&place->scratch, "f", "abcd");
	take_away(place, "f");
	g_assert_cmpuint(former_bytes(place->fs), ==, 8);
	scratch_make(&place->scratch, "f", "larger than ten bytes");
	take_away(place, "f");
	g_assert_cmpuint(n_for(place, ONE), ==, 1);
	/* an empty file is kept, for git may bring it back; what has two names is not */
	scratch_make(&place->scratch, "i", "");
	take_away(place, "i");
	g_assert_true(former_watches(place->fs, place->root, "i"));
	scratch_make(&place->scratch, "g", "abcd");
	g_assert_cmpint(linkat(place->fd, "g", place->fd, "h", 0), ==, 0);
	take_away(place, "g");
	g_assert_false(former_watches(place->fs, place->root, "g"));
	g_assert_true(former_give_up(place->fs));
	g_assert_false(former_give_up(place->fs));
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	place->scratch.options.keep = 0;
	take_away(place, "h");
	g_assert_cmpuint(former_count(place->fs), ==, 0);
}

static void test_changed(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	const struct timespec then[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	g_autoptr(GPtrArray) all = NULL;
	struct timespec mtime;
	struct stat st;
	autofd fd = -1;

	scratch_make(&place->scratch, "f", "abcd");
	take_away(place, "f");
	all = former_candidates(place->fs, place->root, "f", S_IFREG, 4, place->who.who[ONE]);
	g_assert_cmpuint(all->len, ==, 1);
	ASSERT_OK(former_open(place->fs, all->pdata[0], &fd));
	mtime = *former_mtime(all->pdata[0]);
	/* it lends its mtime to another file with its bytes */
	scratch_make(&place->scratch, "f", "abcd");
	ASSERT_OK(former_restore_mtime(place->fs, all->pdata[0], place->fd));
	g_assert_cmpint(fstatat(place->fd, "f", &st, 0), ==, 0);
	g_assert_true(time_equal(&st.st_mtim, &mtime));
	g_assert_cmpuint(former_count(place->fs), ==, 0);

	/* what has been changed behind our back does not come back */
	fd_clear(&fd);
	take_away(place, "f");
	g_ptr_array_unref(all);
	all = former_candidates(place->fs, place->root, "f", S_IFREG, 4, place->who.who[ONE]);
	ASSERT_OK(former_open(place->fs, all->pdata[0], &fd));
	g_assert_cmpint(futimens(fd, then), ==, 0);
	fd_clear(&fd);
	ASSERT_ERROR(former_open(place->fs, all->pdata[0], &fd), ESTALE);
}

/* Whether what is there now is of no use to anybody if this one replaces it. */
static bool passes(Place *place, int who)
{
	return former_is_passing(
		place->fs, place->root, "f", place->fd, who < 0 ? NULL : place->who.who[who]);
}

static void test_passing(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat st;

	/* nothing is known of what was before */
	scratch_make(&place->scratch, "f", "abcd");
	st = stat_of(place, "f");
	inputs_wrote(place->fs->inputs, place->who.who[ONE], &st);
	g_assert_false(passes(place, ONE));

	take_away(place, "f");
	scratch_make(&place->scratch, "f", "wxyz");
	g_assert_false(passes(place, ONE)); /* who has written that? */
	st = stat_of(place, "f");
	inputs_wrote(place->fs->inputs, place->who.who[ONE], &st);
	g_assert_true(passes(place, ONE));
	g_assert_false(passes(place, TWO));
	g_assert_false(passes(place, -1));

	/* make looks at its target, which may be why another step runs, but not this one */
	looks(place, DRIVER, LOOK_TIMES);
	g_assert_true(passes(place, ONE));
	looks(place, TWO, LOOK_TIMES);
	g_assert_false(passes(place, ONE));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
	g_test_add("/former/" name, Place, NULL, place_set_up, function, place_tear_down)
	ADD("back", test_back);
	ADD("renamed-away", test_renamed_away);
	ADD("shared", test_shared);
	ADD("looks", test_looks);
	ADD("vain", test_vain);
	ADD("below", test_below);
	ADD("list", test_list);
	ADD("bounds", test_bounds);
	ADD("changed", test_changed);
	ADD("passing", test_passing);
	return g_test_run();
}
