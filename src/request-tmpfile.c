/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files without a name (O_TMPFILE). Such a file is a session on a node that no name leads to: like
 * one whose name has been removed before its first close, except that it may get a name later, by
 * linkat(2) of its descriptor. From then on it is a new name like any (P6). Whether it may get one
 * (O_EXCL, a second time) is decided by the kernel, which counts its links. */

#include <errno.h>

#include "backing.h"
#include "former.h"
#include "order.h"
#include "request.h"
#include "util.h"

static int tmpfile_make(Fs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent, mode_t mode,
	struct fuse_entry_param *entry, Handle **ret_handle)
{
	Version *dir;
	struct stat st;
	Stage *stage;
	int dir_fd, r;
	HOLD(&fs->lock);

	dir = version_find(fs, parent);
	if (!dir)
		return -ESTALE;
	if (dir->node->special)
		return -EPERM;
	r = request_dir_fd(fs, dir, &dir_fd);
	if (r == 0)
		r = stage_create_nameless(fs, dir->node, mode, ctx->umask, ctx->uid, ctx->gid,
			request_current()->caller, &stage);
	if (r < 0)
		return r;
	r = stage_stat(stage, &st);
	if (r < 0) {
		stage_end(fs, stage, NULL);
		return r;
	}
	*ret_handle = request_handle_new(fs, stage->version, stage, -1, true);
	request_entry(fs, stage->version, &st, false, entry);
	return 0;
}

void request_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	Handle *handle = NULL;
	int r;

	r = tmpfile_make(request_fs(req), fuse_req_ctx(req), parent, mode, &entry, &handle);
	if (r < 0)
		request_reply(req, r);
	else
		request_reply_create(req, &entry, handle, fi);
}

/* The session of a file without a name, which has ended when nobody has it open for writing; NULL:
 * this is none. */
static Stage *tmpfile_stage(const Version *version)
{
	Stage *stage = version->stage;

	if (!stage && version->handles)
		stage = version->handles->stage;
	return stage && stage->nameless ? stage : NULL;
}

static int tmpfile_link(Fs *fs, Stage *stage, fuse_ino_t new_parent, const char *new_name,
	struct fuse_entry_param *entry)
{
	Process *caller = request_current()->caller;
	Version *dir = version_find(fs, new_parent);
	struct stat st, own;
	bool found = false;
	int dir_fd, r;

	if (!dir)
		return -ESTALE;
	r = request_name_is_free(fs, dir->node, new_name);
	if (r == 0)
		r = request_dir_fd(fs, dir, &dir_fd);
	if (r == 0)
		r = backing_find(dir_fd, new_name, &found);
	if (r == 0 && found)
		r = -EEXIST;
	if (r == 0 && fstat(dir_fd, &st) < 0)
		r = -errno;
	/* Once it has the name, nothing may fail. */
	if (r == 0)
		r = stage_stat(stage, &own);
	/* Another file system may be mounted below. */
	if (r == 0 && st.st_dev != own.st_dev)
		r = -EXDEV;
	if (r == 0)
		r = stage_name(fs, stage, dir->node, new_name, &stage);
	if (r < 0)
		return r;
	own.st_nlink = 1;
	own.st_ctim = stage->told_ctime;
	/* Whoever names it is not always who wrote it. */
	stage_look(stage, caller, true);
	former_look_node(fs, stage->node, caller, LOOK_BYTES);
	request_entry(fs, stage->version, &own, false, entry);
	entry->attr_timeout = fs->options->attr_timeout;
	request_close_idle(stage->node);
	return 0;
}

bool request_link_nameless(
	fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct fuse_entry_param entry;
	Fs *fs = request_fs(req);
	int r = -ENOENT;

	{
		Version *version;
		Node *node;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (!version || !tmpfile_stage(version))
			return false;
		node = node_ref(version->node);
		order_settle(fs, node);
		version = version_find(fs, ino);
		if (version && tmpfile_stage(version))
			r = tmpfile_link(fs, tmpfile_stage(version), new_parent, new_name, &entry);
		request_close_idle(node);
		node_unref(fs, node);
	}
	if (r < 0)
		request_reply(req, r);
	else
		request_reply_entry(req, &entry);
	return true;
}
