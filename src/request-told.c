/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the permissions that the kernel has checked are still those of what is there.
 *
 * The daemon may be allowed more than its callers. The kernel checks for it, but on what it was
 * told last, which may be an hour old if somebody changes the backing behind the mount. So before
 * something is done for a caller who is neither root nor the mounter, it is made sure that owner
 * and mode are as told. If they are not, the answer is ESTALE: the kernel looks the path up again,
 * is told, and checks anew. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backing.h"
#include "request.h"
#include "util.h"

bool request_is_trusted(void)
{
	uid_t uid = request_header(request_current())->uid;

	return uid == 0 || uid == geteuid();
}

int request_dir_fd(Fs *fs, Version *dir, int *ret_fd)
{
	struct stat st;
	int r;

	r = node_dir_fd(fs, dir->node, ret_fd);
	if (r < 0 || request_is_trusted())
		return r;
	if (fstat(*ret_fd, &st) < 0)
		return -errno;
	if (version_is_told(dir, &st))
		return 0;
	/* A working directory is not looked up again, so the kernel is to ask for its attributes.
	 * Only once: it drops an answer that a second notice overtakes, and checks on what it had.
	 */
	if (!dir->refreshing)
		request_refresh(fs, dir);
	dir->refreshing = true;
	return -ESTALE;
}

int request_parent_fd(Fs *fs, Node *node, int *ret_fd)
{
	Version *dir = node->linked && node->parent ? node->parent->exposed : NULL;

	return dir ? request_dir_fd(fs, dir, ret_fd) : node_parent_fd(fs, node, ret_fd);
}

int request_may_remove(int dir_fd, const char *name, const Node *node)
{
	const uid_t uid = request_header(request_current())->uid;
	const Version *told = node && node->stage ? node->stage->version : NULL;
	struct stat dir, st;

	if (request_is_trusted() || (node && !node_in_backing(node)))
		return 0;
	if (fstatat(dir_fd, ".", &dir, 0) < 0)
		return -errno;
	if (!(dir.st_mode & S_ISVTX) || dir.st_uid == uid || backing_stat(dir_fd, name, &st) < 0 ||
		st.st_uid == uid)
		return 0;
	if (!told && node)
		told = node->exposed;
	return told && told->uid == st.st_uid ? 0 : -ESTALE;
}

int request_attr_check(Fs *fs, Version *version)
{
	autofd fd = -1;

	return request_is_trusted() || !version->node->linked
		       ? 0
		       : request_attr_target(fs, version, &fd);
}
