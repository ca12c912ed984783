/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names: looking them up, making, moving and removing them. Everything but the content of files is
 * immediate (P12): done in the backing and in the tree of nodes, as one step under fs->lock. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "order.h"
#include "publish.h"
#include "request.h"
#include "util.h"

int request_pin_stage(Fs *fs, Pin *pin, Node *node)
{
	Stage *stage = node->stage;
	int r;

	if (!node->linked)
		return -ESTALE;
	if (!stage) {
		r = stage_begin(fs, node, pin->caller, &stage);
		if (r < 0)
			return r;
	} else {
		stage->state = STAGE_OPEN;
		stage_join(stage, pin->caller);
	}
	pin_hold(fs, pin, stage, request_current()->due);
	request_note_hold(fs);
	return 0;
}

/* A name that is not the build's: our own. Returns its node, or NULL. */
static Node *lookup_special(Fs *fs, const Node *dir, const char *name)
{
	if (dir == fs->root && strcmp(name, fs->special_dir->name) == 0)
		return fs->special_dir;
	if (dir == fs->special_dir && strcmp(name, fs->special_status->name) == 0)
		return fs->special_status;
	return NULL;
}

/* A name that has an open session: who may see the stage does. *ret_done is false if the caller
 * gets what is exposed, as if there were no session, uncached. */
static int lookup_staged(
	Fs *fs, Node *node, Pin *pin, struct fuse_entry_param *entry, bool *ret_done)
{
	const Process *caller = request_current()->caller;
	Stage *stage = node->stage;
	struct stat st;
	int r;

	*ret_done = (pin && pin->kind == PIN_WRITE) || stage->is_new ||
		    stage->state == STAGE_FAILED || stage_is_family(stage, caller);
	if (!*ret_done)
		return 0;
	r = stage_stat(stage, &st);
	if (r < 0)
		return r;
	if (pin)
		pin_found(fs, pin, node);
	if (pin && pin->kind == PIN_READ) {
		fd_clear(&pin->fd);
		stage_unref(fs, pin->reads);
		pin->reads = stage_ref(stage);
		pin->version_id = stage->version->id;
	}
	if (!pin || pin->kind != PIN_WRITE)
		stage_look(stage, caller, false);
	request_entry(fs, stage->version, &st, false, entry);
	/* The kernel keeps size and times of its own for it; that it asks for them again with each
	 * write would cost a request. */
	entry->attr_timeout = fs->options->attr_timeout;
	return 0;
}

/* Holds what a reader's second attempt is going to open. */
static void lookup_hold_read(Fs *fs, Pin *pin, const Version *version, int dir_fd)
{
	fd_clear(&pin->fd);
	pin->reads = stage_unref(fs, pin->reads);
	pin->version_id = version->id;
	if (version->type == S_IFREG)
		(void)!backing_open_read(dir_fd, version->node->name, &pin->fd);
}

static int lookup_exposed(Fs *fs, Node *dir, const char *name, struct fuse_entry_param *entry)
{
	pid_t tid = (pid_t)request_header(request_current())->pid;
	Version *version;
	bool cached;
	struct stat st;
	Node *node;
	Pin *pin;
	int dir_fd, r;

	r = node_dir_fd(fs, dir, &dir_fd);
	if (r < 0)
		return r;
	r = backing_stat(dir_fd, name, &st);
	if (r < 0)
		return r;
	node = node_get(fs, dir, name);
	version = node_expose(fs, node, &st);
	node_tell(node, &st);
	pin = pin_find(fs, tid);
	cached = !node->stage && !pin;
	if (pin && version->type == S_IFREG)
		pin_found(fs, pin, node);
	if (pin && pin->kind == PIN_READ)
		lookup_hold_read(fs, pin, version, dir_fd);
	request_entry(fs, version, &st, cached, entry);
	node_unref(fs, node);
	return 0;
}

/* Whoever has been promised a stage finds one: of whatever regular file has the name now. -EAGAIN:
 * the name has gone to another file while a verdict was waited for. */
static int lookup_promised(Fs *fs, Node *dir, const char *name)
{
	pid_t tid = (pid_t)request_header(request_current())->pid;
	Node *node = node_find(fs, dir, name);
	struct stat st;
	int dir_fd, r;
	Pin *pin;

	if (!node || !node->stage) {
		r = node_dir_fd(fs, dir, &dir_fd);
		if (r == 0)
			r = backing_stat(dir_fd, name, &st);
		if (r < 0 || !S_ISREG(st.st_mode))
			return r;
	}
	node = node_get(fs, dir, name);
	order_settle(fs, node);
	pin = pin_find(fs, tid);
	r = node->linked ? 0 : -EAGAIN;
	if (r == 0 && pin) {
		pin_found(fs, pin, node);
		r = request_pin_stage(fs, pin, node);
	}
	request_close_idle(node);
	node_unref(fs, node);
	return r;
}

static int lookup(Fs *fs, Version *parent, const char *name, struct fuse_entry_param *entry)
{
	pid_t tid = (pid_t)request_header(request_current())->pid;
	Node *dir = parent->node, *node;
	bool done = false;
	struct stat st;
	Pin *pin;
	int r;

	node = lookup_special(fs, dir, name);
	if (node) {
		request_special_stat(node, &st);
		request_entry(fs, node->exposed, &st, true, entry);
		return 0;
	}
	if (dir->special || backing_is_hidden(name))
		return -ENOENT;
	pin = pin_find(fs, tid);
	if (pin && pin->kind == PIN_WRITE) {
		do
			r = lookup_promised(fs, dir, name);
		while (r == -EAGAIN);
		pin = pin_find(fs, tid);
		/* The kernel looks twice; a name that is absent both times is given up. */
		if (r == -ENOENT && pin && pin->absent)
			pin_drop(fs, pin, request_current()->due);
		else if (pin)
			pin->absent = r == -ENOENT;
		if (r < 0)
			return r;
	}
	node = node_find(fs, dir, name);
	if (node && node->stage) {
		r = lookup_staged(fs, node, pin, entry, &done);
		if (r < 0 || done)
			return r;
	}
	return lookup_exposed(fs, dir, name, entry);
}

void request_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {};
	Fs *fs = request_fs(req);
	int r = -ESTALE;

	{
		Version *dir;
		HOLD(&fs->lock);

		dir = version_find(fs, parent);
		if (dir)
			r = lookup(fs, dir, name, &entry);
	}
	if (r == -ENOENT) {
		/* An absent name may be remembered, until the kernel itself makes it. */
		entry.entry_timeout = fs->options->negative_timeout;
		fuse_reply_entry(req, &entry);
	} else if (r < 0) {
		request_reply(req, r);
	} else {
		request_reply_entry(req, &entry);
	}
}

static void forget(Fs *fs, fuse_ino_t ino, uint64_t n)
{
	Version *version = version_find(fs, ino);

	if (version && version != fs->root_version && !version->node->special)
		version_forget(fs, version, n);
}

void request_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	Fs *fs = request_fs(req);

	{
		HOLD(&fs->lock);
		forget(fs, ino, n);
	}
	fuse_reply_none(req);
}

void request_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	Fs *fs = request_fs(req);

	{
		HOLD(&fs->lock);
		for (size_t i = 0; i < count; i++)
			forget(fs, forgets[i].ino, forgets[i].nlookup);
	}
	fuse_reply_none(req);
}

void request_readlink(fuse_req_t req, fuse_ino_t ino)
{
	Fs *fs = request_fs(req);
	char target[PATH_MAX + 1];
	ssize_t n = -1;
	int r = -ESTALE;

	{
		Version *version;
		int dir_fd;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (version)
			r = node_parent_fd(fs, version->node, &dir_fd);
		if (r == 0) {
			n = readlinkat(dir_fd, version->node->name, target, sizeof(target) - 1);
			r = n < 0 ? -errno : 0;
		}
	}
	if (r < 0) {
		request_reply(req, r);
		return;
	}
	target[n] = 0;
	fuse_reply_readlink(req, target);
}

/* Whether a name may be made: it is not ours, and nobody has it. */
static int name_is_free(Fs *fs, Node *dir, const char *name)
{
	Node *node;

	if (backing_is_hidden(name) || dir->special)
		return -EPERM;
	if (lookup_special(fs, dir, name))
		return -EEXIST;
	node = node_find(fs, dir, name);
	return node && !node_in_backing(node) ? -EEXIST : 0;
}

typedef struct Making Making;

/* What mknod, mkdir and symlink make. */
struct Making {
	mode_t mode;
	dev_t rdev;
	const char *target; /* of a symbolic link; else NULL */
};

static int make_in(int dir_fd, const char *name, const Making *making, mode_t umask)
{
	mode_t mode = backing_mode(dir_fd, making->mode, umask);
	int r;

	if (making->target)
		r = symlinkat(making->target, dir_fd, name);
	else if (S_ISDIR(mode))
		r = mkdirat(dir_fd, name, mode & 07777);
	else
		r = mknodat(dir_fd, name, mode, making->rdev);
	return r < 0 ? -errno : 0;
}

/* What is new belongs to who made it, as far as we may give it away. */
static int make_own(int dir_fd, const char *name, const struct fuse_ctx *ctx, struct stat *st)
{
	gid_t gid = ctx->gid;
	struct stat dir;
	int r;

	r = backing_stat(dir_fd, name, st);
	if (r < 0)
		return r;
	if (fstatat(dir_fd, ".", &dir, 0) == 0 && (dir.st_mode & S_ISGID))
		gid = st->st_gid;
	if (geteuid() != 0 || (st->st_uid == ctx->uid && st->st_gid == gid))
		return 0;
	if (fchownat(dir_fd, name, ctx->uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return backing_stat(dir_fd, name, st);
}

static int make(Fs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent, const char *name,
	const Making *making, struct fuse_entry_param *entry)
{
	Version *dir;
	struct stat st;
	Node *node;
	int dir_fd, r;
	HOLD(&fs->lock);

	dir = version_find(fs, parent);
	if (!dir)
		return -ESTALE;
	r = name_is_free(fs, dir->node, name);
	if (r < 0)
		return r;
	r = node_dir_fd(fs, dir->node, &dir_fd);
	if (r < 0)
		return r;
	r = make_in(dir_fd, name, making, ctx->umask);
	if (r < 0)
		return r;
	r = make_own(dir_fd, name, ctx, &st);
	if (r < 0) {
		unlinkat(dir_fd, name, S_ISDIR(making->mode) ? AT_REMOVEDIR : 0);
		return r;
	}
	node = node_get(fs, dir->node, name);
	request_entry(fs, node_expose(fs, node, &st), &st, true, entry);
	node_unref(fs, node);
	return 0;
}

static void make_reply(fuse_req_t req, fuse_ino_t parent, const char *name, const Making *making)
{
	struct fuse_entry_param entry;
	int r;

	r = make(request_fs(req), fuse_req_ctx(req), parent, name, making, &entry);
	if (r < 0)
		request_reply(req, r);
	else
		request_reply_entry(req, &entry);
}

void request_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make_reply(req, parent, name, &(Making){.mode = mode, .rdev = rdev});
}

void request_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_reply(req, parent, name, &(Making){.mode = S_IFDIR | mode});
}

void request_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make_reply(req, parent, name, &(Making){.mode = S_IFLNK, .target = target});
}

/* flags: as of unlinkat(2). */
static int remove_name(Fs *fs, fuse_ino_t parent, const char *name, int flags)
{
	Version *dir;
	Node *node;
	int dir_fd, r;
	HOLD(&fs->lock);

	dir = version_find(fs, parent);
	if (!dir)
		return -ESTALE;
	if (lookup_special(fs, dir->node, name))
		return -EPERM;
	r = node_dir_fd(fs, dir->node, &dir_fd);
	if (r < 0)
		return r;
	node = node_find(fs, dir->node, name);
	/* The backing does not know of the names in it. */
	if (node && node->n_hidden > 0)
		return -ENOTEMPTY;
	if (!node || node_in_backing(node) || node->shadow) {
		if (unlinkat(dir_fd, name, flags) < 0)
			return -errno;
	} else {
		backing_touch_dir(dir_fd);
	}
	if (node)
		node_unlink(fs, node);
	return 0;
}

void request_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_reply(req, remove_name(request_fs(req), parent, name, 0));
}

void request_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_reply(req, remove_name(request_fs(req), parent, name, AT_REMOVEDIR));
}

typedef struct Move Move;

/* One end of a rename. */
struct Move {
	Node *dir;
	const char *name;
	int dir_fd;
	Node *node;   /* NULL: nothing known of it */
	bool backing; /* the backing has something of this name that belongs to the node */
};

static int move_find(Fs *fs, fuse_ino_t parent, const char *name, Move *ret_move)
{
	Version *dir = version_find(fs, parent);
	int r;

	if (!dir)
		return -ESTALE;
	if (dir->node->special || lookup_special(fs, dir->node, name) || backing_is_hidden(name))
		return -EPERM;
	*ret_move = (Move){.dir = dir->node, .name = name};
	r = node_dir_fd(fs, dir->node, &ret_move->dir_fd);
	if (r < 0)
		return r;
	ret_move->node = node_find(fs, dir->node, name);
	ret_move->backing = (!ret_move->node || node_in_backing(ret_move->node)) &&
			    backing_exists(ret_move->dir_fd, name);
	return 0;
}

/* Nodes follow the names: what was at `to` is gone, what was at `from` is there. */
static void move_node(Fs *fs, const Move *from, const Move *to)
{
	if (to->node && to->node != from->node)
		node_unlink(fs, to->node);
	if (from->node)
		node_move(fs, from->node, to->dir, to->name);
}

static void move_hidden(const Move *from, const Move *to)
{
	Stage *stage = from->node ? from->node->stage : NULL;

	/* A staging file with a name goes where its session goes. */
	if (stage && stage->hidden)
		(void)!renameat(from->dir_fd, stage->hidden, to->dir_fd, stage->hidden);
}

/* A name that the backing does not have yet: only the tree knows of the move. What it replaces
 * stays in the backing until the session ends. */
static int rename_new(Fs *fs, const Move *from, const Move *to)
{
	bool shadow = backing_exists(to->dir_fd, to->name);

	if (from->node->shadow && unlinkat(from->dir_fd, from->name, 0) < 0)
		return -errno;
	move_hidden(from, to);
	node_ref(from->node);
	move_node(fs, from, to);
	from->node->shadow = shadow;
	node_unref(fs, from->node);
	backing_touch_dir(from->dir_fd);
	backing_touch_dir(to->dir_fd);
	return 0;
}

static int rename_plain(Fs *fs, const Move *from, const Move *to, unsigned flags)
{
	if ((flags & RENAME_NOREPLACE) && (to->backing || (to->node && to->node->stage)))
		return -EEXIST;
	if (!from->backing) {
		if (!from->node || node_in_backing(from->node))
			return -ENOENT;
		return rename_new(fs, from, to);
	}
	if (to->node && to->node->n_hidden > 0)
		return -ENOTEMPTY;
	if (renameat2(from->dir_fd, from->name, to->dir_fd, to->name, flags) < 0)
		return -errno;
	move_hidden(from, to);
	move_node(fs, from, to);
	return 0;
}

/* Both names exist; either may be in the tree only. */
static int rename_exchange(Fs *fs, const Move *from, const Move *to)
{
	g_autofree char *name = g_strdup(to->name);
	Node *a, *b, *dir = from->dir;
	int r = 0;

	if (from->backing && to->backing)
		r = renameat2(from->dir_fd, from->name, to->dir_fd, to->name, RENAME_EXCHANGE);
	else if (from->backing)
		r = renameat2(from->dir_fd, from->name, to->dir_fd, to->name, 0);
	else if (to->backing)
		r = renameat2(to->dir_fd, to->name, from->dir_fd, from->name, 0);
	if (r < 0)
		return -errno;
	move_hidden(from, to);
	move_hidden(to, from);
	a = node_get(fs, from->dir, from->name);
	b = node_get(fs, to->dir, to->name);
	/* By way of a name that nobody can have. */
	node_move(fs, a, to->dir, "");
	node_move(fs, b, dir, from->name);
	node_move(fs, a, to->dir, name);
	/* What either has replaced may still be there, under the other's name. */
	a->shadow = !node_in_backing(a) && backing_exists(to->dir_fd, name);
	b->shadow = !node_in_backing(b) && backing_exists(from->dir_fd, from->name);
	node_unref(fs, a);
	node_unref(fs, b);
	return 0;
}

static int rename_names(Fs *fs, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	autofd from_fd = -1;
	Move from, to;
	int r;
	HOLD(&fs->lock);

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	r = move_find(fs, parent, name, &from);
	if (r < 0)
		return r;
	/* Finding the second directory may close the first. */
	from.dir_fd = from_fd = fcntl(from.dir_fd, F_DUPFD_CLOEXEC, 0);
	if (from_fd < 0)
		return -errno;
	r = move_find(fs, new_parent, new_name, &to);
	if (r < 0)
		return r;
	if (from.dir == to.dir && strcmp(name, new_name) == 0)
		return 0;
	if (flags & RENAME_EXCHANGE)
		return rename_exchange(fs, &from, &to);
	return rename_plain(fs, &from, &to, flags);
}

void request_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	request_reply(
		req, rename_names(request_fs(req), parent, name, new_parent, new_name, flags));
}

/* A second name for the file of a node. */
static int link_name(Fs *fs, Node *node, fuse_ino_t new_parent, const char *new_name,
	struct fuse_entry_param *entry)
{
	Version *dir = version_find(fs, new_parent);
	autofd from_fd = -1;
	struct stat st;
	Node *made;
	int dir_fd, r;

	if (!dir)
		return -ESTALE;
	r = name_is_free(fs, dir->node, new_name);
	if (r < 0)
		return r;
	r = node_parent_fd(fs, node, &dir_fd);
	if (r < 0)
		return r;
	from_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (from_fd < 0)
		return -errno;
	r = node_dir_fd(fs, dir->node, &dir_fd);
	if (r < 0)
		return r;
	if (linkat(from_fd, node->name, dir_fd, new_name, 0) < 0)
		return -errno;
	r = backing_stat(dir_fd, new_name, &st);
	if (r < 0)
		return r;
	made = node_get(fs, dir->node, new_name);
	request_entry(fs, node_expose(fs, made, &st), &st, true, entry);
	node_unref(fs, made);
	/* The old name is cached without a limit, and the inode's bytes can change now. */
	request_expire(fs, node);
	return 0;
}

/* Only a file that the backing has can have two names, and only what is stored by itself is safe
 * from what is written by the other one. */
static int link_in_session(Fs *fs, fuse_ino_t ino, Stage *stage)
{
	bool is_new;

	{
		HOLD(&fs->lock);
		is_new = stage->is_new;
	}
	if (is_new) {
		request_flush(fs, ino);
		return publish_now(fs, stage, PUBLISH_ANY_OPENERS, false);
	}
	HOLD(&stage->lock);
	return stage_materialise(fs, stage);
}

void request_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct fuse_entry_param entry;
	Fs *fs = request_fs(req);
	Stage *stage = NULL;
	int r = 0;

	{
		Version *version;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (version && version->node->stage)
			stage = stage_ref(version->node->stage);
		/* From now on the exposed bytes can change under the session. */
		if (stage)
			stage_share(fs, stage);
	}
	if (stage)
		r = link_in_session(fs, ino, stage);
	{
		Version *version;
		HOLD(&fs->lock);

		stage_unref(fs, stage);
		version = version_find(fs, ino);
		if (!version)
			r = -ESTALE;
		if (r == 0)
			r = link_name(fs, version->node, new_parent, new_name, &entry);
	}
	if (r < 0)
		request_reply(req, r);
	else
		request_reply_entry(req, &entry);
}
