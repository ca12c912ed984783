/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file system of lklfs over an empty directory, without a mount. */

#include "fs.h"
#include "scratch.h"

typedef struct ScratchFs ScratchFs;

struct ScratchFs {
	char *path;
	int fd; /* of the directory; the file system's own */
	Options options;
	Inputs *inputs;
	Fs *fs;
};

static inline void scratch_fs_begin(ScratchFs *scratch)
{
	int fd;

	scratch->path = g_strdup("unit-XXXXXX");
	g_assert_nonnull(g_mkdtemp(scratch->path));
	fd = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	options_init(&scratch->options);
	scratch->inputs = inputs_new();
	ASSERT_OK(fs_new(&scratch->options, scratch->inputs, NULL, fd, "/unit", &scratch->fs));
	scratch->fd = fd;
}

static inline void scratch_fs_end(ScratchFs *scratch)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", scratch->path);

	scratch->fs = fs_free(scratch->fs);
	scratch->inputs = inputs_free(scratch->inputs);
	options_clear(&scratch->options);
	g_assert_cmpint(system(command), ==, 0);
	g_free(scratch->path);
}

/* A file with these bytes in the directory; returns its inode. */
static inline ino_t scratch_make(ScratchFs *scratch, const char *name, const char *bytes)
{
	autofd fd = openat(scratch->fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	struct stat st;

	g_assert_cmpint(fd, >=, 0);
	scratch_write(fd, bytes, strlen(bytes), 0);
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return st.st_ino;
}
