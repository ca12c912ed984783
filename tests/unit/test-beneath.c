/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Walking to a directory below a root, at once and name by name. */

#include "beneath.h"

#include <limits.h>
#include <stdio.h>

#include "scratch.h"

typedef struct {
	char *dir;   /* root and outside are in it */
	int root_fd; /* O_PATH: dir/root */
	int dir_fd;
	bool whole;
} Place;

static void run(const char *command, const char *dir)
{
	g_autofree char *line = g_strdup_printf("cd %s && %s", dir, command);

	g_assert_cmpint(system(line), ==, 0);
}

static void set_up(Place *place, const void *data)
{
	char dir[] = "unit-XXXXXX";

	g_assert_nonnull(mkdtemp(dir));
	place->dir = g_strdup(dir);
	place->whole = GPOINTER_TO_INT(data);
	run("mkdir -p root/a/b/c outside/b && touch root/a/file && ln -s b root/a/to-b && "
	    "ln -s ../../outside root/a/out && ln -s /proc/self/cwd root/a/magic",
		dir);
	place->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	place->root_fd = openat(place->dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(place->root_fd, >=, 0);
	if (place->whole && !beneath_is_possible(place->root_fd))
		g_test_skip("the kernel has no openat2, or forbids it");
}

static void tear_down(Place *place, const void *data)
{
	(void)data;
	run("rm -rf root outside", place->dir);
	g_assert_cmpint(rmdir(place->dir), ==, 0);
	close(place->root_fd);
	close(place->dir_fd);
	g_free(place->dir);
}

static int look(Place *place, const char *path)
{
	autofd fd = -1;

	return beneath_open_dir(place->root_fd, path, place->whole, &fd);
}

static void test_open(Place *place, const void *data)
{
	struct stat want, got;
	autofd fd = -1;

	(void)data;
	ASSERT_OK(beneath_open_dir(place->root_fd, "a/b/c", place->whole, &fd));
	g_assert_cmpint(fstatat(place->root_fd, "a/b/c", &want, 0), ==, 0);
	g_assert_cmpint(fstat(fd, &got), ==, 0);
	g_assert_cmpuint(got.st_ino, ==, want.st_ino);
	g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
	g_assert_cmpint(fcntl(fd, F_GETFL) & O_PATH, ==, O_PATH);
}

/* Not there, no directory, or a link, at the end or in the middle. */
static void test_stale(Place *place, const void *data)
{
	const char *paths[] = {"none", "a/none", "none/b", "a/file", "a/file/b", "a/to-b",
		"a/to-b/c", "a/out", "a/out/b", "a/magic", "a/magic/root"};

	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		ASSERT_ERROR(look(place, paths[i]), ESTALE);
	run("rm -r root/a/b && ln -s ../../outside/b root/a/b", place->dir);
	ASSERT_ERROR(look(place, "a/b"), ESTALE);
}

static void test_moved_out(Place *place, const void *data)
{
	(void)data;
	ASSERT_OK(look(place, "a/b/c"));
	run("mv root/a outside/a", place->dir);
	ASSERT_ERROR(look(place, "a/b/c"), ESTALE);
	run("mv outside/a root/a", place->dir);
	ASSERT_OK(look(place, "a/b/c"));
}

/* The kernel takes no path that is so long. */
static void test_deep(Place *place, const void *data)
{
	enum { N_LEVELS = 30 };
	g_autofree char *name = g_strnfill(200, 'n');
	g_autoptr(GString) path = g_string_new("a");
	struct stat want, got;
	autofd deep_fd = openat(place->root_fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	(void)data;
	for (unsigned i = 0; i < N_LEVELS; i++) {
		int next;

		g_assert_cmpint(mkdirat(deep_fd, name, 0755), ==, 0);
		next = openat(deep_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(deep_fd);
		deep_fd = next;
		g_string_append_printf(path, "/%s", name);
	}
	g_assert_cmpuint(path->len, >, PATH_MAX);
	ASSERT_OK(beneath_open_dir(place->root_fd, path->str, place->whole, &fd));
	g_assert_cmpint(fstat(deep_fd, &want), ==, 0);
	g_assert_cmpint(fstat(fd, &got), ==, 0);
	g_assert_cmpuint(got.st_ino, ==, want.st_ino);
	g_string_append(path, "/none");
	ASSERT_ERROR(look(place, path->str), ESTALE);
}

static void add(const char *name, void (*test)(Place *, const void *))
{
	g_autofree char *whole = g_strconcat("/beneath/at-once/", name, NULL);
	g_autofree char *by_name = g_strconcat("/beneath/by-name/", name, NULL);

	g_test_add(whole, Place, GINT_TO_POINTER(true), set_up, test, tear_down);
	g_test_add(by_name, Place, GINT_TO_POINTER(false), set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("open", test_open);
	add("stale", test_stale);
	add("moved-out", test_moved_out);
	add("deep", test_deep);
	return g_test_run();
}
