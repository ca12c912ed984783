/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Locks as the kernel asks for them. Those of fcntl(2) are its own, for each inode, unless they are
 * to be shared by the versions of a file (-o posix_locks); for it says that a process has closed
 * the file, which ends its locks, by FLUSH alone, and a FLUSH for each close is what others need
 * not pay. The owner of F_OFD_SETLK looks like a process, but no FLUSH comes for it: its locks end
 * with the handle. */

#include <errno.h>
#include <fcntl.h>

#include "lock.h"
#include "request.h"
#include "util.h"

static Node *locked_node(const struct fuse_file_info *fi)
{
	return request_handle(fi)->version->node;
}

void request_flock(
	fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, struct fuse_file_info *fi, int operation)
{
	lock_whole(request_fs(req), locked_node(fi), fi->lock_owner, operation, req);
}

/* libfuse says l_len, 0 for all, where the kernel said the last byte. */
static RecordLock lock_wanted(const struct fuse_file_info *fi, const struct flock *lock)
{
	return (RecordLock){
		.owner = fi->lock_owner,
		.handle = fi->fh,
		.start = lock->l_start,
		.end = lock->l_len ? lock->l_start + lock->l_len - 1 : RECORD_LOCK_END,
		.pid = lock->l_pid,
		.exclusive = lock->l_type == F_WRLCK,
	};
}

void request_getlk(
	fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, struct fuse_file_info *fi, struct flock *lock)
{
	const RecordLock wanted = lock_wanted(fi, lock);

	lock_test(request_fs(req), locked_node(fi), &wanted, req);
}

void request_setlk(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, struct fuse_file_info *fi,
	struct flock *lock, int sleep)
{
	const RecordLock wanted = lock_wanted(fi, lock);

	lock_record(request_fs(req), locked_node(fi), &wanted, lock->l_type, sleep, req);
}

void request_close(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, struct fuse_file_info *fi)
{
	Fs *fs = request_fs(req);
	Node *node;

	/* Then it never comes again. */
	if (!fs->options->posix_locks) {
		request_reply(req, -ENOSYS);
		return;
	}
	node = locked_node(fi);
	{
		HOLD(&fs->lock);
		lock_drop_owner(fs, node, LOCK_RECORD, fi->lock_owner);
	}
	lock_grant_waiting(fs, node);
	request_reply(req, 0);
}
