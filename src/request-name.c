/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names: looking them up, making and removing them. Everything but the content of files is
 * immediate (P12): done in the backing and in the tree of nodes, as one step under fs->lock. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "backing.h"
#include "former.h"
#include "held.h"
#include "kept.h"
#include "late.h"
#include "offer.h"
#include "order.h"
#include "publish.h"
#include "request.h"
#include "stage-content.h"
#include "usage.h"
#include "util.h"

/* So many contents that the kernel has forgotten are worth a look at the heap. */
#define FORGOTTEN_MANY 16384

int request_session(Fs *fs, Node *node, Stage **ret_stage)
{
	int r;

	if (!node->linked)
		return -ESTALE;
	*ret_stage = node->stage;
	r = node->stage ? 0 : stage_begin(fs, node, ret_stage);
	if (r < 0)
		return r;
	stage_set_state(fs, *ret_stage, STAGE_OPEN);
	order_next(fs, request_current()->due);
	return 0;
}

int request_pin_stage(Fs *fs, Pin *pin, Node *node)
{
	Stage *stage;
	int r;

	r = request_session(fs, node, &stage);
	if (r < 0)
		return r;
	pin_hold(fs, pin, stage, request_current()->due);
	request_note_hold(fs);
	return 0;
}

/* A name that is not the build's: our own. Returns its node, or NULL. */
Node *request_special(Fs *fs, const Node *dir, const char *name)
{
	if (dir == fs->root && strcmp(name, fs->special_dir->name) == 0)
		return fs->special_dir;
	if (dir == fs->special_dir && strcmp(name, fs->special_status->name) == 0)
		return fs->special_status;
	if (dir == fs->special_dir && strcmp(name, fs->special_journal->name) == 0)
		return fs->special_journal;
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

	*ret_done = (pin && pin->kind == PIN_WRITE) || stage_is_shown(stage, caller);
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
	stage->version->told = true;
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

/* Whether every look at the name has to be written down. A directory may be remembered by the
 * kernel as long as it is there. */
static bool name_is_watched(Fs *fs, const Node *dir, const char *name, mode_t mode)
{
	return S_ISDIR(mode) ? former_watches_dir(fs, dir, name) : former_watches(fs, dir, name);
}

/* Whether what a thread has been promised may be this; directories are on the way to it, except
 * where one is to be renamed. */
static bool promise_is_for(const Pin *pin, mode_t mode)
{
	return pin && (!S_ISDIR(mode) || pin->kind == PIN_RENAME);
}

static int lookup_exposed(Fs *fs, Node *dir, const char *name, struct fuse_entry_param *entry)
{
	pid_t tid = (pid_t)request_header(request_current())->pid;
	bool cached, offered;
	Version *version;
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
	node = node_get_as(fs, dir, name, &st);
	request_hide_links(fs, &st);
	node_tell(node, &st);
	pin = pin_find(fs, tid);
	version = node_expose(fs, node, &st);
	if (version_is_overtaken(version, &st)) {
		version_supersede(fs, version);
		version = node_expose(fs, node, &st);
	}
	offered = !pin && S_ISREG(st.st_mode) && request_is_cached(fs, &st) &&
		  offer_is_due(version, tid);
	cached = !offered && !node->stage && !promise_is_for(pin, st.st_mode) &&
		 !name_is_watched(fs, dir, name, st.st_mode);
	/* A new name may be renamed soon, over another: what the kernel remembers of it goes along.
	 */
	if (cached && node->young > 0) {
		node->young--;
		cached = false;
	}
	if (pin && version->type == S_IFREG)
		pin_found(fs, pin, node);
	if (pin && pin->kind == PIN_READ)
		lookup_hold_read(fs, pin, version, dir_fd);
	request_entry(fs, version, &st, cached, entry);
	if (offered)
		offer_make(version, tid);
	node_unref(fs, node);
	return 0;
}

/* What a promised thread comes to. *ret_type: 0 if the promise is not for it. */
static int promised_type(Fs *fs, Node *dir, const char *name, mode_t *ret_type)
{
	Node *node = node_find(fs, dir, name);
	struct stat st;
	int dir_fd, r;

	*ret_type = S_IFREG;
	if (node && node->stage)
		return 0;
	r = node_dir_fd(fs, dir, &dir_fd);
	if (r == 0)
		r = backing_stat(dir_fd, name, &st);
	if (r == 0)
		*ret_type = st.st_mode & S_IFMT;
	return r;
}

/* Whoever has been promised a stage finds one: of whatever regular file has the name now. -EAGAIN:
 * the name has gone to another file while a verdict was waited for. */
static int lookup_promised_file(Fs *fs, Node *dir, const char *name)
{
	pid_t tid = (pid_t)request_header(request_current())->pid;
	Node *node = node_get(fs, dir, name);
	Pin *pin;
	int r;

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

/* A lookup of a thread that has been promised a stage: goes on to the name itself, ends there, or
 * is another matter. *ret_pin: the promise that is left; NULL: none. */
static int lookup_promised(Fs *fs, Node *dir, const char *name, Pin **ret_pin)
{
	GPtrArray *due = request_current()->due;
	Pin *pin = *ret_pin;
	pid_t tid = pin->tid;
	mode_t type = 0;
	int r;

	do {
		if (!pin_may_be(pin, dir, name)) {
			pin_drop(fs, pin, due);
			*ret_pin = NULL;
			return 0;
		}
		r = promised_type(fs, dir, name, &type);
		if (r == 0 && (S_ISDIR(type) || S_ISLNK(type)))
			return 0;
		/* A directory on the way may be absent for a moment. */
		if (r == 0)
			pin_name(pin, dir, name);
		if (r == 0 && S_ISREG(type))
			r = lookup_promised_file(fs, dir, name);
		*ret_pin = pin = pin_find(fs, tid);
	} while (r == -EAGAIN && pin);
	/* The kernel looks twice; a name that is absent both times is given up, and so is what is
	 * no file. */
	if (pin && ((r == -ENOENT && pin->absent) || (r == 0 && !S_ISREG(type)))) {
		pin_drop(fs, pin, due);
		*ret_pin = NULL;
	} else if (pin) {
		pin->absent = r == -ENOENT;
	}
	return r;
}

static int lookup(Fs *fs, Version *parent, const char *name, struct fuse_entry_param *entry)
{
	pid_t tid = (pid_t)request_header(request_current())->pid;
	Node *dir = parent->node, *node;
	bool done = false;
	int dir_fd, r;
	struct stat st;
	Pin *pin;

	node = request_special(fs, dir, name);
	if (node) {
		request_special_stat(fs, node, &st);
		request_entry(fs, node->exposed, &st, true, entry);
		return 0;
	}
	if (dir->special || backing_is_hidden(name))
		return -ENOENT;
	r = request_is_trusted() ? 0 : request_dir_fd(fs, parent, &dir_fd);
	if (r < 0)
		return r;
	pin = pin_find(fs, tid);
	if (pin && pin->kind == PIN_WRITE) {
		r = lookup_promised(fs, dir, name, &pin);
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

/* Writes down who has looked (P10). Somebody who has been promised a stage opens it next, which is
 * written down then. */
static void lookup_note(Fs *fs, Node *dir, const char *name, int r, mode_t mode)
{
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;
	const Pin *pin = pin_find(fs, tid);

	if ((r == 0 && pin && pin->kind == PIN_WRITE) ||
		!name_is_watched(fs, dir, name, r == 0 ? mode : 0))
		return;
	if (r == 0)
		former_look(fs, dir, name, current->caller, LOOK_TIMES, !S_ISDIR(mode));
	else if (r == -ENOENT)
		former_look_in_vain(fs, dir, name, current->caller, tid);
}

void request_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {};
	Fs *fs = request_fs(req);
	bool watched = false;
	int r = -ESTALE;

	{
		Version *dir;
		HOLD(&fs->lock);

		dir = version_find(fs, parent);
		if (dir) {
			late_settle(fs, dir->node, name);
			r = lookup(fs, dir, name, &entry);
			lookup_note(fs, dir->node, name, r, entry.attr.st_mode);
			watched = former_watches(fs, dir->node, name);
		}
	}
	if (r == -ENOENT) {
		/* An absent name may be remembered, until the kernel itself makes it. */
		entry.entry_timeout = watched ? 0 : fs->options->negative_timeout;
		fuse_reply_entry(req, &entry);
	} else if (r < 0) {
		request_reply(req, r);
	} else {
		request_reply_entry(req, &entry);
	}
}

/* Returns whether so much has been forgotten since the last time that it is worth giving the memory
 * back. */
static bool forget(Fs *fs, const struct fuse_forget_data *forgets, size_t count)
{
	unsigned n;
	HOLD(&fs->lock);

	fs->n_versions_peak = MAX(fs->n_versions_peak, g_hash_table_size(fs->versions));
	for (size_t i = 0; i < count; i++) {
		Version *version = version_find(fs, forgets[i].ino);

		if (version && version != fs->root_version && !version->node->special)
			version_forget(fs, version, forgets[i].nlookup);
	}
	n = g_hash_table_size(fs->versions);
	if (fs->n_versions_peak < FORGOTTEN_MANY || n > fs->n_versions_peak / 8)
		return false;
	fs->n_versions_peak = n;
	return true;
}

void request_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	Fs *fs = request_fs(req);

	if (forget(fs, forgets, count)) {
		request_cede(request_current());
		usage_trim();
	}
	fuse_reply_none(req);
}

void request_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	request_forget_multi(req, 1, &(struct fuse_forget_data){.ino = ino, .nlookup = n});
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
		/* It is none any more. */
		if (r == -EINVAL)
			r = -ESTALE;
		if (r == 0)
			former_look_node(fs, version->node, request_current()->caller, LOOK_BYTES);
	}
	if (r < 0) {
		request_reply(req, r);
		return;
	}
	target[n] = 0;
	fuse_reply_readlink(req, target);
}

int request_name_is_free(Fs *fs, Node *dir, const char *name)
{
	Node *node;

	if (backing_is_hidden(name) || dir->special)
		return -EPERM;
	if (request_special(fs, dir, name))
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

/* An audit: it stays as it is, and would have been put back. */
static void link_audited(Fs *fs, Former *former, int dir_fd, const char *name)
{
	const struct timespec mtime = *former_mtime(former);
	struct stat st;

	former_came_back(fs, former);
	if (backing_stat(dir_fd, name, &st) == 0)
		audit_note(fs, &st, &mtime);
	journal_add(fs->journal, VERDICT_RESTORED, 0);
}

/* A symbolic link to what it pointed to before is put back (P7). */
static int make_link(Fs *fs, Node *dir, int dir_fd, const char *name, const char *target)
{
	const Process *caller = request_current()->caller;
	g_autoptr(GPtrArray) formers = NULL;
	Former *former = NULL;
	struct stat st;

	if (symlinkat(target, dir_fd, name) < 0)
		return -errno;
	if (backing_stat(dir_fd, name, &st) == 0)
		held_forget(fs, &st);
	if ((publish_is_listed(fs, name) && !step_is_free_git(caller)) || step_is_driver(caller))
		return 0;
	formers = former_candidates(fs, dir, name, S_IFLNK, 0, caller);
	for (unsigned i = 0; i < formers->len && !former; i++)
		if (former_links_to(fs, formers->pdata[i], target))
			former = formers->pdata[i];
	if (former && fs->audit) {
		link_audited(fs, former, dir_fd, name);
		return 0;
	}
	if (!former || former_restore(fs, former, dir_fd) < 0)
		return 0;
	journal_add(fs->journal, VERDICT_RESTORED, 0);
	if (backing_stat(dir_fd, name, &st) == 0)
		held_note(fs, &st);
	return 0;
}

static int make_in(
	Fs *fs, Node *dir, int dir_fd, const char *name, const Making *making, mode_t umask)
{
	mode_t mode = backing_mode(dir_fd, making->mode, umask);
	int r;

	if (making->target)
		return make_link(fs, dir, dir_fd, name, making->target);
	if (S_ISDIR(mode))
		r = mkdirat(dir_fd, name, mode & 07777);
	else
		r = mknodat(dir_fd, name, mode, making->rdev);
	return r < 0 ? -errno : 0;
}

/* What is new belongs to who made it, as far as we may give it away. */
static int make_own(int dir_fd, const char *name, uid_t uid, struct stat *st)
{
	int r;

	r = backing_stat(dir_fd, name, st);
	if (r < 0 || geteuid() != 0 || st->st_uid == uid)
		return r;
	if (fchownat(dir_fd, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return backing_stat(dir_fd, name, st);
}

static int make(Fs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent, const char *name,
	const Making *making, struct fuse_entry_param *entry)
{
	AS_GROUP(ctx->gid);
	autofd dir_fd = -1;
	Version *dir;
	struct stat st;
	Node *node;
	int fd, r;
	HOLD(&fs->lock);

	dir = version_find(fs, parent);
	if (!dir)
		return -ESTALE;
	r = request_name_is_free(fs, dir->node, name);
	if (r < 0)
		return r;
	r = request_dir_fd(fs, dir, &fd);
	if (r < 0)
		return r;
	/* Former versions are looked for in other directories. */
	dir_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (dir_fd < 0)
		return -errno;
	r = make_in(fs, dir->node, dir_fd, name, making, ctx->umask);
	/* The disk may be full of what is only kept. */
	if ((r == -ENOSPC || r == -EDQUOT) && former_give_up(fs))
		r = make_in(fs, dir->node, dir_fd, name, making, ctx->umask);
	if (r < 0)
		return r;
	if (making->target)
		former_look(fs, dir->node, name, request_current()->caller, LOOK_BYTES, false);
	else
		former_made(fs, dir->node, name, ctx->pid);
	r = make_own(dir_fd, name, ctx->uid, &st);
	if (r < 0) {
		unlinkat(dir_fd, name, S_ISDIR(making->mode) ? AT_REMOVEDIR : 0);
		return r;
	}
	if (S_ISREG(st.st_mode))
		held_forget(fs, &st);
	node = node_get_as(fs, dir->node, name, &st);
	request_entry(fs, node_expose(fs, node, &st), &st,
		!name_is_watched(fs, dir->node, name, st.st_mode), entry);
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

/* node: NULL if nothing is known of the name. */
static int remove_file(Fs *fs, const Node *dir, Node *node, int dir_fd, const char *name)
{
	return node && late_give_way(fs, node) ? former_discard(fs, dir_fd, name)
					       : former_remove(fs, dir, dir_fd, name);
}

/* flags: as of unlinkat(2). node: of the name, or NULL. */
static int remove_from(Fs *fs, Version *dir, Node *node, int dir_fd, const char *name, int flags)
{
	int r;

	r = request_may_remove(dir_fd, name, node);
	if (r < 0)
		return r;
	/* The backing does not know of the names in it. */
	if (node && node->n_hidden > 0)
		return -ENOTEMPTY;
	if (!node || node_in_backing(node)) {
		if (flags)
			r = unlinkat(dir_fd, name, flags) < 0 ? -errno : 0;
		else
			r = remove_file(fs, dir->node, node, dir_fd, name);
		/* Who has opened it for writing may have seen other bytes since. */
		if (r == 0 && node && node->stage)
			stage_note_openers(fs, node->stage);
		if (r < 0)
			return r;
	} else if (node->shadow) {
		kept_save(fs, dir_fd, name);
		if (unlinkat(dir_fd, name, flags) < 0)
			return -errno;
	} else {
		backing_touch_dir(dir_fd);
	}
	if (node)
		node_unlink(fs, node);
	return 0;
}

static int remove_name(Fs *fs, fuse_ino_t parent, const char *name, int flags)
{
	Version *dir;
	Node *node;
	int dir_fd, r;
	HOLD(&fs->lock);

	dir = version_find(fs, parent);
	if (!dir)
		return -ESTALE;
	if (request_special(fs, dir->node, name))
		return -EPERM;
	if (backing_is_hidden(name))
		return -ENOENT;
	r = request_dir_fd(fs, dir, &dir_fd);
	if (r < 0)
		return r;
	node = node_find(fs, dir->node, name);
	/* What is kept of its file may have been all that held it. */
	if (node)
		node_ref(node);
	r = remove_from(fs, dir, node, dir_fd, name, flags);
	node_unref(fs, node);
	return r;
}

void request_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_reply(req, remove_name(request_fs(req), parent, name, 0));
}

void request_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_reply(req, remove_name(request_fs(req), parent, name, AT_REMOVEDIR));
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
	if (node->special)
		return -EPERM;
	r = request_name_is_free(fs, dir->node, new_name);
	if (r < 0)
		return r;
	r = node_parent_fd(fs, node, &dir_fd);
	if (r < 0)
		return r;
	from_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (from_fd < 0)
		return -errno;
	r = request_dir_fd(fs, dir, &dir_fd);
	if (r < 0)
		return r;
	if (linkat(from_fd, node->name, dir_fd, new_name, 0) < 0)
		return -errno;
	held_stamp(fs, dir_fd, new_name, node);
	r = backing_stat(dir_fd, new_name, &st);
	if (r < 0)
		return r;
	held_note_arrival(fs, &st, NULL);
	/* What has several names changes without a new version. */
	former_release(fs, &st);
	former_forget_node(fs, node);
	former_forget(fs, dir->node, new_name, false);
	made = node_get_as(fs, dir->node, new_name, &st);
	request_entry(fs, node_expose(fs, made, &st), &st, !former_watches(fs, dir->node, new_name),
		entry);
	node_unref(fs, made);
	if (node->exposed)
		node->exposed->n_links = st.st_nlink;
	/* The old name is cached without a limit, and the inode's bytes can change now. */
	request_expire(fs, node);
	return 0;
}

/* Only a file that the backing has can have two names, and only what is stored by itself is safe
 * from what is written by the other one. */
static int link_in_session(Fs *fs, fuse_ino_t ino, Stage *stage)
{
	bool expose;

	{
		HOLD(&fs->lock);
		/* What everybody reads by one name is to be read by the other. */
		expose = stage->is_new || stage->failed;
	}
	if (expose) {
		request_flush(fs, ino);
		return request_expose(fs, stage, false);
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

	if (request_link_nameless(req, ino, new_parent, new_name))
		return;
	{
		Version *version;
		HOLD(&fs->lock);

		version = version_find(fs, ino);
		if (version && version->node->stage)
			stage = stage_ref(version->node->stage);
		/* From now on the exposed bytes can change under the session. */
		if (stage) {
			stage_move(stage);
			stage_share(fs, stage);
		}
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
			r = request_attr_check(fs, version);
		if (r == 0) {
			/* It may be superseded by this. */
			Node *node = node_ref(version->node);

			r = link_name(fs, node, new_parent, new_name, &entry);
			node_unref(fs, node);
		}
	}
	if (r < 0) {
		request_reply(req, r);
		return;
	}
	/* Those of the old name are cached without a limit. */
	request_forget_attributes(fs, ino);
	request_reply_entry(req, &entry);
}
