/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Room and holes of files. There is no copy_file_range here: the kernel copies through its cache
 * then, and what is copied is compared like anything that is written. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "order.h"
#include "request.h"
#include "space.h"
#include "util.h"

void request_fallocate(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, int mode, off_t offset,
	off_t length, struct fuse_file_info *fi)
{
	Handle *handle = request_handle(fi);
	Fs *fs = request_fs(req);

	if (!handle->stage || !handle->writes) {
		request_reply(req, -EBADF);
		return;
	}
	/* Here the kernel does not say whether the caller may keep them. */
	if (fuse_req_ctx(req)->uid != 0)
		request_drop_set_id(fs, handle->stage);
	request_reply(req, space_allocate(fs, handle->stage, mode, offset, length));
}

/* In a thread that serves no WRITE: what the kernel has not handed over yet would look like a hole.
 */
void request_lseek(
	fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	Handle *handle = request_handle(fi);
	Fs *fs = request_fs(req);
	off_t found = 0;
	int r = 0;

	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		r = -EINVAL;
	} else if (handle->text) {
		r = space_seek_data((off_t)strlen(handle->text), whence, offset, &found);
	} else if (handle->stage) {
		request_flush(fs, ino);
		r = space_seek(handle->stage, whence, offset, &found);
	} else {
		found = lseek(handle->fd, offset, whence);
		r = found < 0 ? -errno : 0;
	}
	if (r < 0)
		request_reply(req, r);
	else
		fuse_reply_lseek(req, found);
}
