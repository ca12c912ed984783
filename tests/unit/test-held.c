/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of mtimes that were held back, in a directory without a mount. */

#include "held.h"

#include "backing.h"
#include "scratch-fs.h"

static void set_up(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_begin(place);
}

static void tear_down(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_end(place);
}

/* A file with an mtime of so many seconds. */
static struct stat make(ScratchFs *place, const char *name, time_t mtime)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = mtime}};
	autofd fd = openat(place->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	struct stat st;

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(futimens(fd, times), ==, 0);
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return st;
}

static time_t mtime_of(ScratchFs *place, const char *name)
{
	struct stat st;

	ASSERT_OK(backing_stat(place->fd, name, &st));
	return st.st_mtim.tv_sec;
}

static void test_stamp(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat st = make(place, "f", 1000);

	g_assert_false(held_has(place->fs, &st));
	g_assert_false(held_stamp(place->fs, place->fd, "f", NULL));
	g_assert_cmpint(mtime_of(place, "f"), ==, 1000);
	g_assert_cmpuint(held_count(place->fs), ==, 0);
	held_note(place->fs, &st);
	g_assert_true(held_has(place->fs, &st));
	g_assert_cmpuint(held_count(place->fs), ==, 1);
	g_assert_true(held_stamp(place->fs, place->fd, "f", NULL));
	g_assert_cmpint(mtime_of(place, "f"), >, 1000);
	/* dated by hand */
	ASSERT_OK(backing_stat(place->fd, "f", &st));
	held_note(place->fs, &st);
	held_forget(place->fs, &st);
	g_assert_false(held_has(place->fs, &st));
	g_assert_cmpuint(held_count(place->fs), ==, 0);
	/* once */
	g_assert_false(held_stamp(place->fs, place->fd, "f", NULL));
}

/* What has been written or dated since is another matter. */
static void test_changed(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat st = make(place, "f", 1000);

	held_note(place->fs, &st);
	st = make(place, "f", 2000);
	g_assert_false(held_has(place->fs, &st));
	g_assert_false(held_stamp(place->fs, place->fd, "f", NULL));
	g_assert_cmpint(mtime_of(place, "f"), ==, 2000);
	/* and is held back for itself */
	held_note(place->fs, &st);
	g_assert_true(held_stamp(place->fs, place->fd, "f", NULL));
}

static void test_below(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	GPtrArray *nodes;
	struct stat st;

	g_assert_cmpint(mkdirat(place->fd, "d", 0755), ==, 0);
	g_assert_cmpint(mkdirat(place->fd, "d/e", 0755), ==, 0);
	st = make(place, "d/e/f", 1000);
	held_note(place->fs, &st);
	st = make(place, "d/g", 1000);
	held_note(place->fs, &st);
	make(place, "d/other", 1000);
	make(place, "beside", 1000);
	nodes = held_move_below(place->fs, place->fs->root);
	/* nobody has looked them up */
	g_assert_cmpuint(nodes->len, ==, 0);
	held_free_nodes(place->fs, nodes);
	g_assert_cmpint(mtime_of(place, "d/e/f"), >, 1000);
	g_assert_cmpint(mtime_of(place, "d/g"), >, 1000);
	g_assert_cmpint(mtime_of(place, "d/other"), ==, 1000);
	g_assert_cmpint(mtime_of(place, "beside"), ==, 1000);
	/* what was not held back has arrived, whatever its mtime */
	ASSERT_OK(backing_stat(place->fd, "beside", &st));
	g_assert_true(held_has_arrived(place->fs, &st));
	ASSERT_OK(backing_stat(place->fd, "d/g", &st));
	g_assert_false(held_has_arrived(place->fs, &st));
}

/* What does not fit is not lost: all of its age counts. */
static void test_full(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat st, other = make(place, "other", 1000);
	char name[8];

	place->fs->held = held_free(place->fs->held);
	place->fs->held = held_new(4);
	for (int i = 0; i < 4; i++) {
		g_snprintf(name, sizeof(name), "f%d", i);
		st = make(place, name, 1000);
		held_note(place->fs, &st);
	}
	g_assert_false(held_has(place->fs, &other));
	st = make(place, "f4", 1000);
	held_note(place->fs, &st);
	g_assert_true(held_has(place->fs, &st));
	g_assert_true(held_has(place->fs, &other));
	g_assert_true(held_has_arrived(place->fs, &other));
	ASSERT_OK(backing_stat(place->fd, "f0", &st));
	g_assert_true(held_has(place->fs, &st));
	/* but not what is younger */
	st = make(place, "young", time(NULL) + 1000);
	g_assert_false(held_has(place->fs, &st));
}

static void test_arrived(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	time_t soon = time(NULL) + 1000;
	struct stat old = make(place, "old", 1000), later = make(place, "later", soon);
	struct stat latest = make(place, "latest", soon + 1);

	/* what is older than the mount, or than what it has replaced */
	held_note_arrival(place->fs, &old, NULL);
	g_assert_true(held_has_arrived(place->fs, &old));
	g_assert_false(held_has(place->fs, &old));
	held_note_arrival(place->fs, &later, NULL);
	held_note_arrival(place->fs, &latest, &later);
	g_assert_false(held_has_arrived(place->fs, &later));
	g_assert_false(held_has_arrived(place->fs, &latest));
	held_note_arrival(place->fs, &later, &latest);
	g_assert_true(held_has_arrived(place->fs, &later));
	/* until it is written */
	old = make(place, "old", 2000);
	g_assert_false(held_has_arrived(place->fs, &old));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/held/" name, ScratchFs, NULL, set_up, function, tear_down)
	ADD("stamp", test_stamp);
	ADD("changed", test_changed);
	ADD("below", test_below);
	ADD("arrived", test_arrived);
	ADD("full", test_full);
	return g_test_run();
}
