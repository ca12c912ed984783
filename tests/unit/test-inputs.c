/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What steps have read, told by processes that stand for steps of their own: without a build driver
 * above it each process is one. */

#include "inputs.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "util.h"

typedef struct Place Place;

struct Place {
	Inputs *inputs;
	Steps *steps;
	pid_t child;         /* waits */
	Process *me, *other; /* this process, and the child */
};

static void set_up(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	place->inputs = inputs_new();
	place->steps = steps_new(NULL, 0);
	place->child = fork();
	if (place->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	g_assert_cmpint(place->child, >, 0);
	g_assert_cmpint(step_process_new(place->steps, getpid(), &place->me), ==, 0);
	g_assert_cmpint(step_process_new(place->steps, place->child, &place->other), ==, 0);
}

static void tear_down(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	kill(place->child, SIGKILL);
	waitpid(place->child, NULL, 0);
	step_process_unref(place->me);
	step_process_unref(place->other);
	steps_free(place->steps);
	inputs_free(place->inputs);
}

static struct stat file(ino_t ino, time_t mtime)
{
	return (struct stat){.st_dev = 1, .st_ino = ino, .st_mtim = {.tv_sec = mtime}};
}

static void reads_as(Place *place, Process *reader, ino_t ino, time_t mtime, const char *path)
{
	const struct stat st = file(ino, mtime);
	const unsigned name = g_str_hash(path);

	if (inputs_read(place->inputs, 0, reader, &st, &st.st_mtim, name))
		inputs_name_read(place->inputs, 0, reader, &st, name, path);
}

static void reads(Place *place, Process *reader, ino_t ino, time_t mtime)
{
	g_autofree char *path = g_strdup_printf("/m/%d", (int)ino);

	reads_as(place, reader, ino, mtime, path);
}

static void writes(Place *place, Process *writer, ino_t ino, time_t mtime)
{
	const struct stat st = file(ino, mtime);

	inputs_wrote(place->inputs, writer, &st);
}

/* The newest that the step of writer has read after mtime; 0: nothing. */
static time_t newest(Place *place, Process *writer, time_t mtime)
{
	const struct timespec time = {.tv_sec = mtime};
	struct timespec found;

	return inputs_are_newer(place->inputs, writer, &time, &found) ? found.tv_sec : 0;
}

static void test_the_newest(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_assert_cmpint(newest(place, place->me, 1), ==, 0);
	reads(place, place->me, 1, 10);
	reads(place, place->me, 2, 30);
	reads(place, place->me, 3, 20);
	g_assert_cmpint(newest(place, place->me, 29), ==, 30);
	g_assert_cmpint(newest(place, place->me, 30), ==, 0);
	g_assert_cmpint(newest(place, place->me, 31), ==, 0);
	/* another step's, and nobody's */
	g_assert_cmpint(newest(place, place->other, 1), ==, 0);
	g_assert_cmpint(newest(place, NULL, 1), ==, 0);
	reads(place, NULL, 4, 40);
	g_assert_cmpint(newest(place, place->me, 30), ==, 0);
}

static void test_own_files(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	writes(place, place->other, 1, 10);
	reads(place, place->other, 1, 10);
	g_assert_cmpint(newest(place, place->other, 1), ==, 0);
	/* nor is it an input of whoever started that process */
	reads(place, place->me, 1, 10);
	g_assert_cmpint(newest(place, place->me, 1), ==, 0);
	/* somebody else has written it since, nobody knows who */
	reads(place, place->other, 1, 11);
	g_assert_cmpint(newest(place, place->other, 1), ==, 11);
	/* what was written further out is one */
	writes(place, place->me, 2, 20);
	reads(place, place->other, 2, 20);
	g_assert_cmpint(newest(place, place->other, 11), ==, 20);
	writes(place, NULL, 3, 30);
	reads(place, place->other, 3, 30);
	g_assert_cmpint(newest(place, place->other, 20), ==, 30);
}

static void test_known_threads(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	const struct stat st = file(1, 10), later = file(2, 20);
	pid_t tid = getpid();

	g_assert_false(inputs_know(place->inputs, tid));
	g_assert_false(inputs_know(place->inputs, 0));
	inputs_read(place->inputs, tid, place->me, &st, &st.st_mtim, 1);
	g_assert_true(inputs_know(place->inputs, tid));
	/* the same place in the table */
	g_assert_false(inputs_know(place->inputs, tid + 512));
	inputs_read(place->inputs, tid, NULL, &later, &later.st_mtim, 1);
	g_assert_cmpint(newest(place, place->me, 10), ==, 20);
}

static void check_names(Place *place, Process *writer, const char *want, bool more)
{
	bool got_more = !more;
	g_autoptr(GPtrArray) names = inputs_take_names(place->inputs, writer, &got_more);
	g_autoptr(GString) got = g_string_new(NULL);

	for (unsigned i = 0; names && i < names->len; i++)
		g_string_append_printf(got, "%s%s", i ? " " : "", (char *)names->pdata[i]);
	g_assert_cmpstr(got->str, ==, want);
	g_assert_cmpint(got_more, ==, more);
}

/* Each once, in order; nothing that the step has written itself. */
static void test_file_names(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	check_names(place, place->me, "", false);
	reads(place, place->me, 1, 10);
	reads(place, place->me, 3, 10);
	reads(place, place->me, 1, 12);
	writes(place, place->me, 2, 10);
	reads(place, place->me, 2, 10);
	reads(place, place->other, 4, 10);
	check_names(place, place->me, "/m/1 /m/3", false);
	/* once each */
	check_names(place, place->me, "", false);
	reads(place, place->me, 5, 10);
	reads(place, place->me, 1, 13);
	check_names(place, place->me, "/m/5", false);
	check_names(place, place->other, "/m/4", false);
	check_names(place, NULL, "", false);
	/* by another name it is told once more */
	reads_as(place, place->me, 5, 10, "/m/other");
	reads_as(place, place->me, 5, 10, "/m/other");
	check_names(place, place->me, "/m/other", false);
}

static unsigned count_names(Place *place, Process *writer, bool *ret_more)
{
	g_autoptr(GPtrArray) names = inputs_take_names(place->inputs, writer, ret_more);

	return names ? names->len : 0;
}

static void test_many_names(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	bool more;

	for (ino_t ino = 1; ino <= 1024; ino++)
		reads(place, place->me, ino, 10);
	g_assert_cmpuint(count_names(place, place->me, &more), ==, 1024);
	g_assert_false(more);
	reads(place, place->me, 1025, 20);
	g_assert_cmpuint(count_names(place, place->me, &more), ==, 0);
	g_assert_true(more);
	/* What is newest is known all the same. */
	g_assert_cmpint(newest(place, place->me, 10), ==, 20);
}

/* What is forgotten is forgotten for the oldest first. */
static void test_bounded(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	for (ino_t ino = 1; ino <= 20000; ino++)
		writes(place, place->me, ino, 10);
	reads(place, place->me, 20000, 10);
	g_assert_cmpint(newest(place, place->me, 1), ==, 0);
	reads(place, place->me, 1, 10);
	g_assert_cmpint(newest(place, place->me, 1), ==, 10);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/inputs/the-newest", Place, NULL, set_up, test_the_newest, tear_down);
	g_test_add("/inputs/own-files", Place, NULL, set_up, test_own_files, tear_down);
	g_test_add("/inputs/known-threads", Place, NULL, set_up, test_known_threads, tear_down);
	g_test_add("/inputs/file-names", Place, NULL, set_up, test_file_names, tear_down);
	g_test_add("/inputs/many-names", Place, NULL, set_up, test_many_names, tear_down);
	g_test_add("/inputs/bounded", Place, NULL, set_up, test_bounded, tear_down);
	return g_test_run();
}
