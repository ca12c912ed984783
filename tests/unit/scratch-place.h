/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Each test has a directory of its own, in the working directory, which is removed when it ends. */

#include "backing.h"

#include <dirent.h>
#include <ftw.h>

#include "scratch.h"

#define OTHER 65534 /* a user who is not root */

typedef struct Place Place;

struct Place {
	char *path; /* absolute */
	int fd;     /* of the same */
};

static inline void place_set_up(Place *place, const void *data)
{
	g_autofree char *cwd = g_get_current_dir();

	(void)data;
	umask(022);
	place->path = g_build_filename(cwd, "unit-XXXXXX", NULL);
	g_assert_nonnull(mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(place->fd, >=, 0);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static inline void place_tear_down(Place *place, const void *data)
{
	(void)data;
	close(place->fd);
	nftw(place->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	g_free(place->path);
}

/* A file with these bytes. */
static inline void make_file(int dir_fd, const char *name, const char *text)
{
	autofd fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	g_assert_cmpint(fd, >=, 0);
	scratch_write(fd, text, strlen(text), 0);
}

static inline void make_dir(int dir_fd, const char *name)
{
	g_assert_cmpint(mkdirat(dir_fd, name, 0755), ==, 0);
}

static inline void make_link(int dir_fd, const char *name, const char *target)
{
	g_assert_cmpint(symlinkat(target, dir_fd, name), ==, 0);
}

/* A staged file with these bytes. */
static inline int make_stage(int dir_fd, const char *text, char **ret_hidden)
{
	int fd = -1;

	ASSERT_OK(backing_stage(dir_fd, 0600, &fd, ret_hidden));
	scratch_write(fd, text, strlen(text), 0);
	return fd;
}

/* The bytes of an open file, of a name; to free. */
static inline char *text_of(int fd)
{
	char text[256] = "";

	g_assert_cmpint(pread(fd, text, sizeof(text) - 1, 0), >=, 0);
	return g_strdup(text);
}

static inline void check_text(int dir_fd, const char *name, const char *wanted)
{
	autofd fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	g_autofree char *text = NULL;

	g_assert_cmpint(fd, >=, 0);
	text = text_of(fd);
	g_assert_cmpstr(text, ==, wanted);
}

static inline int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names in a directory, sorted: "a b c". */
static inline void check_names(int dir_fd, const char *wanted)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	g_autofree char *all = NULL;
	struct dirent *entry;

	g_assert_nonnull(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	closedir(dir);
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	all = g_strjoinv(" ", (char **)names->pdata);
	g_assert_cmpstr(all, ==, wanted);
}

static inline struct stat stat_of(int dir_fd, const char *name)
{
	struct stat st;

	g_assert_cmpint(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	return st;
}

static inline struct stat stat_of_fd(int fd)
{
	struct stat st;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return st;
}

static inline void place_add(
	const char *name, const void *data, void (*test)(Place *, const void *))
{
	g_test_add(name, Place, data, place_set_up, test, place_tear_down);
}
