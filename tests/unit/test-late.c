/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "late.h"

#include "node.h"
#include "scratch-fs.h"
#include "scratch-who.h"
#include "version.h"

/* Two that are called git, and one that is not. */
enum { FIRST, SECOND, OTHER, N_KIDS };

typedef struct Place Place;

struct Place {
	ScratchFs scratch;
	Fs *fs;     /* its */
	Node *root; /* its */
	int fd;     /* its */
	pid_t pids[N_KIDS];
	Process *who[N_KIDS];
	/* f, which has been removed and written again by FIRST */
	Node *node;
	ino_t before, now;
};

static ino_t ino_of(Place *place, const char *name)
{
	struct stat st;

	g_assert_cmpint(fstatat(place->fd, name, &st, 0), ==, 0);
	return st.st_ino;
}

static Former *former_of(Place *place, const char *name)
{
	g_autoptr(GPtrArray) all =
		former_candidates(place->fs, place->root, name, S_IFREG, 4, place->who[FIRST]);

	g_assert_cmpuint(all->len, ==, 1);
	return former_ref(all->pdata[0]);
}

static void place_set_up(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Steps *steps = steps_new(NULL, 0);
	Former *former;

	scratch_fs_begin(&place->scratch);
	place->fd = place->scratch.fd;
	place->fs = place->scratch.fs;
	place->root = place->fs->root;
	for (int i = 0; i < N_KIDS; i++) {
		place->pids[i] = child_new(i == OTHER ? "other" : "git");
		ASSERT_OK(step_process_new(steps, place->pids[i], &place->who[i]));
	}
	steps_free(steps);
	place->before = scratch_make(&place->scratch, "f", "abcd");
	ASSERT_OK(former_remove(place->fs, place->root, place->fd, "f"));
	place->now = scratch_make(&place->scratch, "f", "abcd");
	place->node = node_get(place->fs, place->root, "f");
	former = former_of(place, "f");
	g_assert_true(late_is_needed(place->fs, place->who[FIRST]));
	late_note(place->fs, place->node, former, place->who[FIRST]);
	former_unref(former);
}

static void end(Place *place, int who)
{
	if (place->pids[who] == 0)
		return;
	kill(place->pids[who], SIGKILL);
	waitpid(place->pids[who], NULL, 0);
	place->pids[who] = 0;
}

static void place_tear_down(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	for (int i = 0; i < N_KIDS; i++) {
		end(place, i);
		place->who[i] = step_process_unref(place->who[i]);
	}
	node_unref(place->fs, place->node);
	scratch_fs_end(&place->scratch);
}

static void look(Place *place)
{
	late_settle(place->fs, place->root, "f");
}

static void test_back(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	look(place);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->now);
	end(place, SECOND);
	look(place);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->now);
	end(place, FIRST);
	/* not before somebody looks */
	g_assert_cmpuint(ino_of(place, "f"), ==, place->now);
	late_settle(place->fs, place->root, "g");
	g_assert_cmpuint(ino_of(place, "f"), ==, place->now);
	look(place);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->before);
	g_assert_cmpuint(former_count(place->fs), ==, 0);
	look(place);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->before);
}

/* Only git is told so early, and only who lives can be mistaken. */
static void test_needed(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_assert_false(late_is_needed(place->fs, place->who[OTHER]));
	g_assert_false(late_is_needed(place->fs, NULL));
	g_assert_true(late_is_needed(place->fs, place->who[SECOND]));
	end(place, FIRST);
	g_assert_false(late_is_needed(place->fs, place->who[FIRST]));
	end(place, SECOND);
	g_assert_false(late_is_needed(place->fs, place->who[SECOND]));
}

/* When another git begins, what is left of the one before comes back. */
static void test_next(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	end(place, FIRST);
	g_assert_true(late_is_needed(place->fs, place->who[SECOND]));
	g_assert_cmpuint(ino_of(place, "f"), ==, place->before);
}

static void test_end(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	place->fs->lates = lates_free(place->fs);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->before);
}

static void test_seen(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	former_look(place->fs, place->root, "f", place->who[OTHER], LOOK_TIMES, true);
	end(place, FIRST);
	look(place);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->now);
}

static void test_changed(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	autofd fd = openat(place->fd, "f", O_WRONLY | O_CLOEXEC);

	scratch_write(fd, "wxyz", 4, 0);
	end(place, FIRST);
	look(place);
	g_assert_cmpuint(ino_of(place, "f"), ==, place->now);
	g_assert_false(late_give_way(place->fs, place->node));
}

/* What goes again is remembered already. */
static void test_goes(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Former *former;

	g_assert_true(late_give_way(place->fs, place->node));
	g_assert_false(late_give_way(place->fs, place->node));
	ASSERT_OK(former_discard(place->fs, place->fd, "f"));
	g_assert_cmpuint(former_count(place->fs), ==, 1);
	former = former_of(place, "f");
	ASSERT_OK(former_restore(place->fs, former, place->fd));
	g_assert_cmpuint(ino_of(place, "f"), ==, place->before);
	former_unref(former);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
	g_test_add("/late/" name, Place, NULL, place_set_up, function, place_tear_down)
	ADD("back", test_back);
	ADD("needed", test_needed);
	ADD("next", test_next);
	ADD("end", test_end);
	ADD("seen", test_seen);
	ADD("changed", test_changed);
	ADD("goes", test_goes);
	return g_test_run();
}
