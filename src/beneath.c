/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The backing can be changed by others while it is walked: a directory becomes a symbolic link, or
 * is moved out of the tree. So the kernel walks the whole path in one call, follows no link, and
 * makes sure at the end that it has come out below the root. Where it cannot, no link is followed
 * either, but a directory that is moved out in the middle of the walk is followed out. */

#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backing.h"
#include "util.h"

/* A rename somewhere can have the kernel start over. */
#define N_TRIES 8

static int beneath_walk_at_once(int root_fd, const char *path, int *ret_fd)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (unsigned i = 0; i < N_TRIES; i++) {
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0)
		return -errno;
	*ret_fd = (int)fd;
	return 0;
}

static int beneath_walk(int root_fd, const char *path, int *ret_fd)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	autofd fd = -1;

	for (char **name = names; *name; name++) {
		int next = -1, r = backing_open_dir(fd < 0 ? root_fd : fd, *name, &next);

		if (r < 0)
			return r;
		fd_clear(&fd);
		fd = next;
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

bool beneath_is_possible(int root_fd)
{
	autofd fd = -1;

	return beneath_walk_at_once(root_fd, ".", &fd) == 0;
}

int beneath_open_dir(int root_fd, const char *path, bool whole, int *ret_fd)
{
	int r = whole ? beneath_walk_at_once(root_fd, path, ret_fd) : -ENAMETOOLONG;

	/* The kernel takes no longer path than PATH_MAX, but directories can be deeper. */
	if (r == -ENAMETOOLONG || r == -EAGAIN)
		r = beneath_walk(root_fd, path, ret_fd);
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV ? -ESTALE : r;
}
