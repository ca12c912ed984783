/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files: opening, reading, writing, closing. A handle is for one version. Who wants to write is led
 * to a stage: the first OPEN of what is exposed is refused with ESTALE, upon which the kernel looks
 * the name up once more, finds the stage's id, and opens that. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "backing.h"
#include "fileio.h"
#include "former.h"
#include "lock.h"
#include "offer.h"
#include "order.h"
#include "publish.h"
#include "record.h"
#include "request.h"
#include "stage-content.h"
#include "util.h"

Handle *request_handle_new(Fs *fs, Version *version, Stage *stage, int fd, bool writes)
{
	Handle *handle = g_new0(Handle, 1);

	handle->version = version;
	handle->stage = stage ? stage_ref(stage) : NULL;
	handle->fd = fd;
	handle->writes = writes;
	handle->direct = stage && stage->direct;
	handle->next = version->handles;
	handle->prev = &version->handles;
	if (handle->next)
		handle->next->prev = &handle->next;
	version->handles = handle;
	if (stage && writes)
		stage->n_writers++;
	fs->n_handles++;
	return handle;
}

static void handle_free(Fs *fs, Handle *handle)
{
	HOLD(&fs->lock);

	*handle->prev = handle->next;
	if (handle->next)
		handle->next->prev = handle->prev;
	fs->n_handles--;
	version_drop_unused(fs, handle->version);
	stage_unref(fs, handle->stage);
	fd_clear(&handle->fd);
	g_clear_pointer(&handle->text, g_ref_string_release);
	g_free(handle);
}

void request_drop_handles(Fs *fs)
{
	g_autoptr(GPtrArray) handles = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	{
		HOLD(&fs->lock);
		g_hash_table_iter_init(&iter, fs->versions);
		while (g_hash_table_iter_next(&iter, NULL, &value))
			for (Handle *h = ((Version *)value)->handles; h; h = h->next)
				g_ptr_array_add(handles, h);
	}
	for (unsigned i = 0; i < handles->len; i++)
		handle_free(fs, handles->pdata[i]);
}

/* Nobody got the handle: the caller was interrupted, and no RELEASE will come. */
static void handle_take_back(Fs *fs, Handle *handle)
{
	Stage *stage = handle->stage;

	if (stage && handle->writes) {
		HOLD(&fs->lock);
		stage->n_writers--;
		if (stage_close(fs, stage))
			g_ptr_array_add(request_current()->due, stage_ref(stage));
	}
	handle_free(fs, handle);
}

static void handle_reply(fuse_req_t req, Handle *handle, struct fuse_file_info *fi)
{
	Fs *fs = request_fs(req);

	fi->fh = (uintptr_t)handle;
	/* A version's bytes do not change behind the kernel's back; only a stage under two ids
	 * does, and what is made up. */
	fi->direct_io = handle->text || handle->direct;
	fi->keep_cache = !fi->direct_io;
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_take_back(fs, handle);
}

/* The node's session, which the caller joins as a writer. */
static int writing_begin(Fs *fs, Node *node, Process *caller, Stage **ret_stage)
{
	int r = request_session(fs, node, ret_stage);

	if (r == 0)
		stage_join(*ret_stage, caller);
	return r;
}

/* The caller has been offered this id, or insists on it, for it came without a lookup
 * (/proc/self/fd/N), or cannot be told from others: the id becomes the stage's, and what is exposed
 * gets another. */
static int writing_alias(Fs *fs, Version *version, Stage *stage, bool offered)
{
	Node *node = version->node;
	struct stat st;
	int r;

	/* What the kernel has cached of it must still be what is exposed. */
	r = offered ? backing_stat_open(stage->base_fd, &st) : node_stat(fs, node, &st);
	if (r < 0 || !version_matches(version, &st) ||
		(!request_is_trusted() && !version_is_told(version, &st)))
		return -ESTALE;
	if (node->exposed == version)
		node->exposed = NULL;
	/* Who reads the old bytes by this id keeps them: what is written now must not go through
	 * its pages. */
	stage->direct |= version->handles != NULL;
	stage_serve_on(fs, stage, version);
	/* Of what has been offered nothing is cached. */
	if (!offered)
		request_expire(fs, node);
	return 0;
}

static bool writing_must_wait(const Node *node)
{
	const Stage *stage = node->stage;

	return stage && (stage->state == STAGE_UNDECIDED || stage->storing);
}

/* Waits for a verdict on its way, and for the kernel to be told the size. In a thread that serves
 * no READ, for telling waits for the page. fs->lock is dropped meanwhile. */
static void writing_settle(Fs *fs, Node *node)
{
	for (;;) {
		order_settle(fs, node);
		if (!node->stage || !node->stage->storing)
			return;
		pthread_cond_wait(&fs->decided, &fs->lock);
	}
}

/* After a handle has been made, and before anybody is told. */
static void writing_store_size(Fs *fs, const Handle *handle)
{
	Stage *stage = handle->stage;

	request_cede(request_current());
	request_store_tail(fs, handle->version->id, stage);
	HOLD(&fs->lock);
	stage->storing = false;
	pthread_cond_broadcast(&fs->decided);
}

/* The thread is to come again, and is promised a stage then. */
static int writing_pin(Fs *fs, Node *node, pid_t tid)
{
	Request *current = request_current();
	Pin *pin = pin_set(fs, tid, PIN_WRITE, node, current->caller, current->due);
	int r;

	r = request_pin_stage(fs, pin, node);
	if (r == 0)
		return -ESTALE;
	/* If the file has gone it comes again. */
	if (r != -ESTALE && r != -ENOENT)
		pin_drop(fs, pin, current->due);
	request_close_idle(node);
	return r;
}

int request_writing_stage(Fs *fs, Version *version, Stage **ret_stage)
{
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;
	Node *node = version->node;
	Stage *stage;
	bool offered;
	Pin *pin;
	int r;

	if (current->glances && writing_must_wait(node)) {
		current->retry = true;
		return -EAGAIN;
	}
	version->n_lookups++;
	writing_settle(fs, node);
	version->n_lookups--;
	stage = version->stage;
	pin = pin_find(fs, tid);
	if (stage && (stage->state == STAGE_OPEN || stage->state == STAGE_FAILED)) {
		stage_set_state(fs, stage, STAGE_OPEN);
		stage_join(stage, current->caller);
		former_look_node(fs, node, current->caller, LOOK_BYTES);
		*ret_stage = stage_ref(stage);
		return 0;
	}
	offered = offer_is_for(version, tid);
	if (tid > 0 && !offered && !pin_is_for(pin, PIN_WRITE, node))
		return writing_pin(fs, node, tid);
	r = writing_begin(fs, node, current->caller, &stage);
	if (r == 0 && version->stage != stage)
		r = writing_alias(fs, version, stage, offered);
	/* It is not what has been offered any more. */
	if (r == -ESTALE && offered)
		return writing_pin(fs, node, tid);
	if (r < 0) {
		request_close_idle(node);
		return r;
	}
	former_look_node(fs, node, current->caller, LOOK_BYTES);
	*ret_stage = stage_ref(stage);
	return 0;
}

/* Opens for writing: counts as a writer from now on, so that the pin may end. */
static int open_writing(Fs *fs, fuse_ino_t ino, Handle **ret_handle, bool *ret_store)
{
	const struct fuse_open_in *in = request_body(request_current());
	Request *current = request_current();
	Version *version;
	Stage *stage;
	Pin *pin;
	int r;
	HOLD(&fs->lock);

	version = version_find(fs, ino);
	if (!version)
		return -ESTALE;
	if (version->node->special)
		return -EACCES;
	r = request_writing_stage(fs, version, &stage);
	if (r < 0)
		return r;
	*ret_store = !(in->flags & O_TRUNC) && stage_begin_store(stage);
	*ret_handle = request_handle_new(fs, version, stage, -1, true);
	offer_note_writer(fs, version->node, (pid_t)request_header(current)->pid);
	if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
		stage->drop_set_id = true;
	pin = pin_find(fs, (pid_t)request_header(current)->pid);
	if (pin)
		pin_drop(fs, pin, current->due);
	stage_unref(fs, stage);
	return 0;
}

/* The content is about to be changed, which somebody may be at for long. */
static void content_begin(Stage *stage)
{
	/* Somebody may be comparing, or syncing. */
	if (request_current()->quick && lock_is_busy(&stage->lock))
		request_cede(request_current());
}

static void open_for_writing(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	Fs *fs = request_fs(req);
	bool store = false;
	Handle *handle = NULL;
	int r;

	r = open_writing(fs, ino, &handle, &store);
	if (r == 0 && store)
		writing_store_size(fs, handle);
	if (r == 0 && (fi->flags & O_TRUNC)) {
		content_begin(handle->stage);
		r = stage_truncate(fs, handle->stage, 0);
	}
	if (r < 0 && handle)
		handle_take_back(fs, handle);
	if (request_current()->retry)
		fuse_reply_none(req);
	else if (r < 0)
		request_reply(req, r);
	else
		handle_reply(req, handle, fi);
}

/* Whether the caller may have what another handle has open. */
static bool held_is_told(const Version *version, int fd)
{
	struct stat st;

	return request_is_trusted() || (fstat(fd, &st) == 0 && version_is_told(version, &st));
}

/* What a second attempt may be served with: what the lookup in between has held for it. */
static int open_held(Fs *fs, Version *version, Pin *pin, Handle **ret_handle)
{
	autofd fd = -1;

	if (pin->version_id == version->id && pin->fd >= 0) {
		*ret_handle = request_handle_new(fs, version, NULL, fd_steal(&pin->fd), false);
		return 0;
	}
	if (pin->version_id == version->id && pin->reads) {
		*ret_handle = request_handle_new(fs, version, pin->reads, -1, false);
		return 0;
	}
	for (Handle *other = version->handles; other; other = other->next) {
		if (!other->stage && (!held_is_told(version, other->fd) ||
					     backing_reopen_read(other->fd, &fd) < 0))
			continue;
		*ret_handle = request_handle_new(fs, version, other->stage, fd_steal(&fd), false);
		return 0;
	}
	return -ESTALE;
}

/* fs->lock held. */
static void open_note_read(Fs *fs, const Node *node, const struct stat *st)
{
	const Request *current = request_current();
	const pid_t tid = (pid_t)request_header(current)->pid;
	const struct timespec mtime = audit_mtime(fs, st);
	const unsigned name = node_name_hash(node);
	g_autofree char *path = NULL;

	if (!inputs_read(fs->inputs, tid, current->caller, st, &mtime, name))
		return;
	path = node_absolute_path(fs, node);
	inputs_name_read(fs->inputs, tid, current->caller, st, name, path);
}

/* Opens the exposed file; -ESTALE if it is not this version any more. */
static int open_exposed(Fs *fs, Version *version, Handle **ret_handle)
{
	Node *node = version->node;
	autofd fd = -1;
	struct stat st;
	int dir_fd, r;

	if (version->state == VERSION_SUPERSEDED)
		return -ESTALE;
	r = request_parent_fd(fs, node, &dir_fd);
	if (r == 0)
		r = backing_open_read(dir_fd, node->name, &fd);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!version_matches(version, &st) ||
		(!request_is_trusted() && !version_is_told(version, &st))) {
		version_supersede(fs, version);
		return -ESTALE;
	}
	open_note_read(fs, node, &st);
	*ret_handle = request_handle_new(fs, version, NULL, fd_steal(&fd), false);
	return 0;
}

/* Opens what is staged, for one of the family. */
static void open_staged(Fs *fs, Version *version, Handle **ret_handle, bool *ret_store)
{
	Stage *stage = version->stage;

	stage_look(stage, request_current()->caller, true);
	former_look_node(fs, version->node, request_current()->caller, LOOK_BYTES);
	*ret_store = stage_begin_store(stage);
	*ret_handle = request_handle_new(fs, version, stage, -1, false);
}

static int open_reading(Fs *fs, fuse_ino_t ino, Handle **ret_handle, bool *ret_store)
{
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;
	Version *version;
	Pin *pin;
	int r;
	HOLD(&fs->lock);

	while ((version = version_find(fs, ino)) && version->stage && version->stage->storing) {
		request_cede(current);
		pthread_cond_wait(&fs->decided, &fs->lock);
	}
	if (!version)
		return -ESTALE;
	pin = pin_find(fs, tid);
	/* Whoever was promised a stage, and opens it for reading after all, is shown what is
	 * exposed; unless he insists on this id. */
	if (version->stage && tid > 0 && !stage_is_shown(version->stage, current->caller) &&
		!pin_is_for(pin, PIN_READ, version->node)) {
		pin_set(fs, tid, PIN_READ, version->node, current->caller, current->due);
		return -ESTALE;
	}
	if (version->stage) {
		open_staged(fs, version, ret_handle, ret_store);
		if (pin)
			pin_drop(fs, pin, current->due);
		return 0;
	}
	/* It may go when it turns out to be superseded. */
	version->n_lookups++;
	r = open_exposed(fs, version, ret_handle);
	if (r == -ESTALE && pin_is_for(pin, PIN_READ, version->node))
		r = open_held(fs, version, pin, ret_handle);
	else if (r == -ESTALE && tid > 0)
		pin = pin_set(fs, tid, PIN_READ, version->node, current->caller, current->due);
	if (r != -ESTALE && pin)
		pin_drop(fs, pin, current->due);
	if (r == 0)
		former_look_node(fs, version->node, current->caller, LOOK_BYTES);
	version_forget(fs, version, 1);
	return r;
}

/* What is made up anew each time. */
static int open_special(Fs *fs, fuse_ino_t ino, Handle **ret_handle)
{
	char *text;
	Version *version;

	if (ino == fs->special_journal->exposed->id) {
		text = record_lines(fs);
	} else {
		g_autofree char *status = fs_status(fs);

		text = g_ref_string_new(status);
	}
	HOLD(&fs->lock);

	version = version_find(fs, ino);
	*ret_handle = request_handle_new(fs, version, NULL, -1, false);
	(*ret_handle)->text = text;
	return 0;
}

void request_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	Fs *fs = request_fs(req);
	Handle *handle = NULL;
	bool store = false;
	int r;

	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
		open_for_writing(req, ino, fi);
		return;
	}
	if (ino == fs->special_status->exposed->id || ino == fs->special_journal->exposed->id)
		r = open_special(fs, ino, &handle);
	else
		r = open_reading(fs, ino, &handle, &store);
	if (r == 0 && store)
		writing_store_size(fs, handle);
	if (r < 0)
		request_reply(req, r);
	else
		handle_reply(req, handle, fi);
}

/* The session of a name that CREATE found to exist, or that it makes. */
static int create_stage(Fs *fs, const struct fuse_ctx *ctx, Version *dir, Node *node, mode_t mode,
	int flags, Stage **ret_stage, bool *ret_made)
{
	Process *caller = request_current()->caller;
	bool found = true;
	int dir_fd, r;

	r = request_dir_fd(fs, dir, &dir_fd);
	if (r == 0 && !node->stage)
		r = backing_find(dir_fd, node->name, &found);
	if (r < 0)
		return r;
	*ret_made = !found;
	if (*ret_made)
		return stage_create(
			fs, node, mode, ctx->umask, ctx->uid, ctx->gid, caller, ret_stage);
	if (flags & O_EXCL)
		return -EEXIST;
	/* The kernel may have to be told the size. */
	if (request_current()->glances && !(flags & O_TRUNC)) {
		request_current()->retry = true;
		return -EAGAIN;
	}
	/* The kernel has not known of it, and has not asked whether the caller may open it. */
	if (!request_is_trusted())
		return -ESTALE;
	return writing_begin(fs, node, caller, ret_stage);
}

/* The node of the name, with no verdict on its way; the caller owns a reference. fs->lock is
 * dropped while it waits, and the name may go to another node meanwhile. */
static Node *create_node(Fs *fs, Node *dir, const char *name)
{
	for (;;) {
		Node *node = node_get(fs, dir, name);

		writing_settle(fs, node);
		if (node->linked)
			return node;
		node_unref(fs, node);
	}
}

static int create(Fs *fs, const struct fuse_ctx *ctx, fuse_ino_t parent, const char *name,
	mode_t mode, int flags, struct fuse_entry_param *entry, Handle **ret_handle, bool *ret_made,
	bool *ret_store)
{
	Stage *stage = NULL;
	Version *dir;
	struct stat st;
	Node *node;
	Pin *pin;
	int r;
	HOLD(&fs->lock);

	dir = version_find(fs, parent);
	if (!dir)
		return -ESTALE;
	if (backing_is_hidden(name) || dir->node->special ||
		(dir->node == fs->root && strcmp(name, fs->special_dir->name) == 0))
		return -EPERM;
	node = node_find(fs, dir->node, name);
	if (node && request_current()->glances && writing_must_wait(node)) {
		request_current()->retry = true;
		return -EAGAIN;
	}
	/* It lives until it has been asked. */
	dir->n_lookups++;
	node = create_node(fs, dir->node, name);
	r = create_stage(fs, ctx, dir, node, mode, flags, &stage, ret_made);
	version_forget(fs, dir, 1);
	if (r == 0)
		r = stage_stat(stage, &st);
	/* Who is told of an error has made nothing. */
	if (r < 0 && *ret_made && stage)
		node_unlink(fs, node);
	if (r == 0) {
		former_look_node(fs, node, request_current()->caller, LOOK_BYTES);
		*ret_store = !(flags & O_TRUNC) && stage_begin_store(stage);
		*ret_handle = request_handle_new(fs, stage->version, stage, -1, true);
		offer_note_writer(fs, node, ctx->pid);
		request_entry(fs, stage->version, &st, false, entry);
		entry->attr_timeout = fs->options->attr_timeout;
	}
	pin = r == 0 ? pin_find(fs, ctx->pid) : NULL;
	if (pin)
		pin_drop(fs, pin, request_current()->due);
	request_close_idle(node);
	node_unref(fs, node);
	return r;
}

static void create_take_back(Fs *fs, const struct fuse_entry_param *entry, Handle *handle)
{
	handle_take_back(fs, handle);
	HOLD(&fs->lock);
	version_forget(fs, version_find(fs, entry->ino), 1);
}

void request_reply_create(
	fuse_req_t req, struct fuse_entry_param *entry, Handle *handle, struct fuse_file_info *fi)
{
	Fs *fs = request_fs(req);

	fi->fh = (uintptr_t)handle;
	fi->direct_io = handle->direct;
	fi->keep_cache = !fi->direct_io;
	entry->attr.st_size = __atomic_load_n(&handle->stage->size, __ATOMIC_RELAXED);
	if (fuse_reply_create(req, entry, fi) == -ENOENT)
		create_take_back(fs, entry, handle);
}

void request_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	Fs *fs = request_fs(req);
	Handle *handle = NULL;
	bool made = false, store = false;
	int r;

	if (request_current()->nameless) {
		request_tmpfile(req, parent, mode, fi);
		return;
	}
	r = create(fs, fuse_req_ctx(req), parent, name, mode, fi->flags, &entry, &handle, &made,
		&store);
	if (r == 0 && store)
		writing_store_size(fs, handle);
	if (r == 0 && !made && (fi->flags & O_TRUNC)) {
		content_begin(handle->stage);
		r = stage_truncate(fs, handle->stage, 0);
	}
	if (r == 0) {
		request_reply_create(req, &entry, handle, fi);
		return;
	}
	if (request_current()->retry)
		fuse_reply_none(req);
	else
		request_reply(req, r);
	if (handle)
		create_take_back(fs, &entry, handle);
}

void request_read(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	Handle *handle = request_handle(fi);
	Fs *fs = request_fs(req);
	size_t n = 0, length;
	char *buffer;
	int r;

	if (handle->text) {
		/* The handle may be closed as soon as the answer is out. */
		g_autofree char *piece = NULL;

		length = g_ref_string_length(handle->text);
		offset = MIN(offset, (off_t)length);
		size = MIN(size, length - (size_t)offset);
		piece = g_memdup2(handle->text + offset, size);
		fuse_reply_buf(req, piece, size);
		return;
	}
	buffer = request_scratch_take(fs);
	size = MIN(size, (size_t)REQUEST_SCRATCH);
	if (handle->stage)
		r = stage_read(fs, handle->stage, buffer, size, offset, &n);
	else
		r = fileio_pread(handle->fd, buffer, size, offset, &n);
	if (r < 0)
		request_reply(req, r);
	else
		fuse_reply_buf(req, buffer, n);
	request_scratch_give(fs, buffer);
}

void request_drop_set_id(Fs *fs, Stage *stage)
{
	struct stat st;
	HOLD(&fs->lock);

	stage->drop_set_id = true;
	if (stage->is_new && fstat(stage->fd, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
		(void)!fchmod(stage->fd, backing_mode_after_write(st.st_mode) & 07777);
}

void request_write(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, const char *buffer, size_t size,
	off_t offset, struct fuse_file_info *fi)
{
	const struct fuse_write_in *in = request_body(request_current());
	Handle *handle = request_handle(fi);
	Fs *fs = request_fs(req);
	int r = -EBADF;

	if (handle->stage && (in->write_flags & FUSE_WRITE_KILL_SUIDGID))
		request_drop_set_id(fs, handle->stage);
	if (handle->stage) {
		content_begin(handle->stage);
		/* No bytes do not make a file longer. */
		r = size > 0 ? stage_write(fs, handle->stage, buffer, size, offset) : 0;
	}
	if (r < 0)
		request_reply(req, r);
	else
		fuse_reply_write(req, size);
}

int request_expose(Fs *fs, Stage *stage, bool durable)
{
	int r = publish_now(fs, stage, PUBLISH_ANY_OPENERS, durable);

	order_tell(fs, stage);
	HOLD(&fs->lock);
	/* What could not be exposed before has been now, and nobody writes it. */
	if (r == 0 && stage_decide_anew(fs, stage))
		g_ptr_array_add(request_current()->due, stage_ref(stage));
	return r;
}

void request_fsync(
	fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, int datasync, struct fuse_file_info *fi)
{
	Handle *handle = request_handle(fi);
	Fs *fs = request_fs(req);
	int r = 0;

	if (handle->text)
		order_settle_all(fs);
	/* Also by a descriptor for reading: what is staged, or was, is what it shows. */
	if (handle->stage)
		r = request_expose(fs, handle->stage, true);
	else if (handle->fd >= 0)
		r = (datasync ? fdatasync(handle->fd) : fsync(handle->fd)) < 0 ? -errno : 0;
	request_reply(req, r);
}

void request_release(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, struct fuse_file_info *fi)
{
	Handle *handle = request_handle(fi);
	Fs *fs = request_fs(req);

	if (fi->flock_release || fs->options->posix_locks)
		lock_grant_waiting(fs, handle->version->node);
	handle_free(fs, handle);
	request_reply(req, 0);
}
