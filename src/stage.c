/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A session: who writes, who sees it, what the kernel knows it by, when it ends. What is written is
 * stage-content.c's affair.
 *
 * A new name has a staging file from the start, for its inode number is told at once (P6). */

#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "backing.h"
#include "failed.h"
#include "former.h"
#include "kept.h"
#include "late.h"
#include "util.h"

static void stage_make_version(Fs *fs, Stage *stage)
{
	stage->version = version_new(fs, stage->node, VERSION_STAGED);
	stage->version->type = S_IFREG;
	stage->version->stage = stage_ref(stage);
}

static Stage *stage_new(Fs *fs, Node *node)
{
	Stage *stage = g_new0(Stage, 1);

	stage->n_refs = 1;
	stage->node = node_ref(node);
	stage->state = STAGE_OPEN;
	stage->line.data = stage;
	stage->aliases = g_ptr_array_new();
	stage->openers = step_process_array_new();
	g_queue_init(&stage->parked);
	g_queue_init(&stage->draining);
	pthread_mutex_init(&stage->lock, NULL);
	stage->base_fd = stage->fd = stage->told_fd = -1;
	stage->difference = -1;
	clock_gettime(CLOCK_REALTIME_COARSE, &stage->began);
	stage->began_us = g_get_monotonic_time();
	stage_make_version(fs, stage);
	g_queue_push_tail(&fs->stages, stage);
	node->stage = stage;
	return stage;
}

int stage_begin(Fs *fs, Node *node, Stage **ret_stage)
{
	autofd base_fd = -1;
	struct stat st;
	Stage *stage;
	int dir_fd, r;

	r = node_parent_fd(fs, node, &dir_fd);
	if (r < 0)
		return r;
	r = backing_open_read(dir_fd, node->name, &base_fd);
	if (r == -EACCES)
		r = backing_open_unreadable(dir_fd, node->name, &base_fd);
	if (r < 0)
		return r;
	r = backing_stat_open(base_fd, &st);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	r = backing_may_write(dir_fd, node->name, base_fd);
	if (r < 0)
		return r;
	stage = stage_new(fs, node);
	stage->base_fd = fd_steal(&base_fd);
	stage->base_size = stage->size = st.st_size;
	stage->mtime = st.st_mtim;
	stage->base_ino = st.st_ino;
	if (kept_n_links(fs, &st) > 1)
		stage_share(fs, stage);
	ranges_add(&stage->equal, 0, st.st_size);
	*ret_stage = stage;
	return 0;
}

/* Before a writer is told that the disk is full, what is only kept is given up (P17). */
static bool stage_is_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT;
}

bool stage_make_room(Fs *fs, int r)
{
	HOLD(&fs->lock);

	return stage_is_full(r) && former_give_up(fs);
}

/* The file of a new name, with mode and owner. ret_hidden: as of backing_stage(). */
static int stage_make_new(Fs *fs, int dir_fd, mode_t mode, mode_t umask, uid_t uid, gid_t gid,
	int *ret_fd, char **ret_hidden)
{
	AS_GROUP(gid);
	int r;

	mode = backing_mode(dir_fd, mode & 07777, umask);
	r = backing_stage(dir_fd, mode, ret_fd, ret_hidden);
	if (stage_is_full(r) && former_give_up(fs))
		r = backing_stage(dir_fd, mode, ret_fd, ret_hidden);
	if (r < 0)
		return r;
	r = backing_own(*ret_fd, mode, uid);
	if (r < 0 && ret_hidden && *ret_hidden)
		backing_drop(dir_fd, *ret_hidden);
	return r;
}

/* The session on such a file. fd and hidden are taken. */
static Stage *stage_new_file(Fs *fs, Node *node, int fd, char *hidden)
{
	Stage *stage = stage_new(fs, node);
	struct stat st = {};

	(void)!fstat(fd, &st);
	stage->is_new = true;
	stage->hidden = hidden;
	stage->fd = fd;
	stage->size = st.st_size;
	stage->mtime = st.st_mtim;
	stage->told_ctime = st.st_ctim;
	return stage;
}

int stage_create(Fs *fs, Node *node, mode_t mode, mode_t umask, uid_t uid, gid_t gid,
	Process *opener, Stage **ret_stage)
{
	g_autofree char *hidden = NULL;
	autofd fd = -1;
	int dir_fd, r;

	r = node_parent_fd(fs, node, &dir_fd);
	if (r == 0)
		r = stage_make_new(fs, dir_fd, mode, umask, uid, gid, &fd, &hidden);
	if (r < 0)
		return r;
	backing_touch_dir(dir_fd);
	*ret_stage = stage_new_file(fs, node, fd_steal(&fd), g_steal_pointer(&hidden));
	stage_join(*ret_stage, opener);
	node->parent->n_hidden++;
	return 0;
}

int stage_create_nameless(Fs *fs, Node *dir, mode_t mode, mode_t umask, uid_t uid, gid_t gid,
	Process *opener, Stage **ret_stage)
{
	autofd fd = -1;
	Node *node;
	int dir_fd, r;

	r = node_dir_fd(fs, dir, &dir_fd);
	if (r == 0)
		r = stage_make_new(fs, dir_fd, mode, umask, uid, gid, &fd, NULL);
	if (r < 0)
		return r;
	node = node_new_nameless(fs, dir);
	*ret_stage = stage_new_file(fs, node, fd_steal(&fd), NULL);
	(*ret_stage)->nameless = true;
	stage_join(*ret_stage, opener);
	node_unref(fs, node);
	return 0;
}

/* The last writer has closed it, but somebody has it open yet: the file begins anew. */
static int stage_resume(Fs *fs, Stage *ended, Stage **ret_stage)
{
	int fd = fcntl(ended->fd, F_DUPFD_CLOEXEC, 0);
	Stage *stage;
	Node *node;

	if (fd < 0)
		return -errno;
	node = node_new_nameless(fs, ended->node->parent);
	stage = stage_new_file(fs, node, fd, NULL);
	stage->mtime = ended->mtime;
	stage->told_ctime = ended->told_ctime;
	stage->seen = ended->seen;
	stage->touched = ended->touched;
	for (unsigned i = 0; i < ended->openers->len; i++)
		stage_join(stage, ended->openers->pdata[i]);
	stage->unknown = ended->unknown;
	stage->by_driver = ended->by_driver;
	node_unref(fs, node);
	*ret_stage = stage;
	return 0;
}

int stage_name(Fs *fs, Stage *stage, Node *dir, const char *name, Stage **ret_stage)
{
	Node *known = node_find(fs, dir, name);
	int dir_fd, r;

	r = node_dir_fd(fs, dir, &dir_fd);
	if (r < 0)
		return r;
	if (stage->state == STAGE_DONE) {
		Stage *ended = stage;

		r = stage_resume(fs, ended, &stage);
		if (r < 0)
			return r;
		ended->nameless = false;
	}
	stage->nameless = false;
	/* What is remembered under the name has gone from there. */
	if (known)
		node_unlink(fs, known);
	node_move(fs, stage->node, dir, name);
	if (node_dir_fd(fs, dir, &dir_fd) == 0)
		backing_touch_dir(dir_fd);
	*ret_stage = stage;
	return 0;
}

Stage *stage_ref(Stage *stage)
{
	__atomic_add_fetch(&stage->n_refs, 1, __ATOMIC_RELAXED);
	return stage;
}

Stage *stage_unref(Fs *fs, Stage *stage)
{
	if (!stage || __atomic_sub_fetch(&stage->n_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	g_queue_remove(&fs->stages, stage);
	node_unref(fs, stage->node);
	g_ptr_array_unref(stage->aliases);
	g_ptr_array_unref(stage->openers);
	ranges_clear(&stage->equal);
	fd_clear(&stage->base_fd);
	fd_clear(&stage->told_fd);
	fd_clear(&stage->fd);
	g_free(stage->hidden);
	g_free(stage->through);
	if (stage->stale)
		g_array_unref(stage->stale);
	pthread_mutex_destroy(&stage->lock);
	g_free(stage);
	return NULL;
}

void stage_serve_on(Fs *fs, Stage *stage, Version *version)
{
	Version *first = stage->version;

	version->state = VERSION_STAGED;
	version->stage = stage_ref(stage);
	if (first->n_lookups > 0 || first->handles) {
		g_ptr_array_add(stage->aliases, version);
		stage->direct = true;
		return;
	}
	stage->version = version;
	first->stage = stage_unref(fs, first->stage);
	version_drop_unused(fs, first);
}

void stage_move(Stage *stage)
{
	stage->moved = true;
}

void stage_move_below(Fs *fs, const Node *moved)
{
	for (GList *l = fs->stages.head; l; l = l->next) {
		Stage *stage = l->data;
		const Node *node = stage->node;

		while (node && node != moved)
			node = node->parent;
		if (node)
			stage_move(stage);
	}
}

void stage_share(Fs *fs, Stage *stage)
{
	if (__atomic_exchange_n(&stage->shared, true, __ATOMIC_RELAXED))
		return;
	fs->n_shared++;
}

bool stage_is_shared(const Fs *fs, ino_t ino)
{
	for (const GList *l = fs->n_shared > 0 ? fs->stages.head : NULL; l; l = l->next) {
		const Stage *stage = l->data;

		if (__atomic_load_n(&stage->shared, __ATOMIC_RELAXED) && stage->base_ino == ino)
			return true;
	}
	return false;
}

void stage_join(Stage *stage, Process *opener)
{
	/* Whoever cannot be identified is an outsider, to himself even. */
	if (!opener) {
		stage->seen = stage->unknown = true;
		return;
	}
	for (unsigned i = 0; i < stage->openers->len; i++)
		if (step_process_equal(stage->openers->pdata[i], opener))
			return;
	if (stage->openers->len > 0)
		stage_look(stage, opener, true);
	stage->by_driver |= step_is_driver(opener);
	late_note_writer(stage->node, opener);
	g_ptr_array_add(stage->openers, step_process_ref(opener));
}

bool stage_is_family(const Stage *stage, const Process *process)
{
	for (unsigned i = 0; i < stage->openers->len; i++)
		if (step_is_family(process, stage->openers->pdata[i]))
			return true;
	return false;
}

bool stage_is_shown(const Stage *stage, const Process *process)
{
	return stage->is_new || stage->failed || stage_is_family(stage, process);
}

void stage_look(Stage *stage, const Process *process, bool bytes)
{
	const Process *first = stage->openers->len > 0 ? stage->openers->pdata[0] : NULL;

	if (first && (bytes ? step_keeps_to_itself(process, first) : step_equal(process, first)))
		return;
	/* It is make's looking for its target that makes the step run. */
	if (!bytes && first && step_is_driver_of(process, first))
		return;
	stage->seen = true;
	stage->opened |= bytes;
}

void stage_note_openers(Fs *fs, const Stage *stage)
{
	for (unsigned i = 0; i < stage->openers->len; i++)
		former_look_node(fs, stage->node, stage->openers->pdata[i], LOOK_BYTES);
	if (stage->unknown || stage->seen)
		former_look_node(fs, stage->node, NULL, LOOK_BYTES);
}

/* Whether the kernel may have another size of it than it has: the size has changed, and no writer
 * has kept the kernel's inode alive since, so that an answer on its way may have brought back an
 * older one. */
static bool stage_size_is_unsure(const Stage *stage)
{
	return stage->n_writers == 0 && __atomic_load_n(&stage->resized, __ATOMIC_RELAXED);
}

bool stage_begin_store(Stage *stage)
{
	if (!stage_size_is_unsure(stage))
		return false;
	stage->direct |= __atomic_load_n(&stage->shrunk, __ATOMIC_RELAXED);
	stage->storing = true;
	return true;
}

bool stage_is_new(const Stage *stage)
{
	return stage->is_new;
}

void stage_set_state(Fs *fs, Stage *stage, StageState state)
{
	if (stage->state == STAGE_UNDECIDED)
		g_queue_unlink(&fs->undecided, &stage->line);
	stage->state = state;
	if (state == STAGE_UNDECIDED)
		g_queue_push_tail_link(&fs->undecided, &stage->line);
}

bool stage_is_next(const Fs *fs, const Stage *stage)
{
	return fs->undecided.head == &stage->line;
}

Stage *stage_next(Fs *fs)
{
	Stage *stage = g_queue_peek_head(&fs->undecided);

	if (!stage || stage->n_inflight > 0 || stage->deciding)
		return NULL;
	stage->deciding = true;
	return stage;
}

bool stage_close(Fs *fs, Stage *stage)
{
	if (stage->state != STAGE_OPEN || stage->n_writers > 0 || stage->n_pins > 0)
		return false;
	stage_set_state(fs, stage, STAGE_UNDECIDED);
	stage->deciding = stage->n_inflight == 0;
	return stage->deciding;
}

void stage_enter(Stage *stage)
{
	stage->n_inflight++;
}

bool stage_leave(Stage *stage)
{
	stage->n_left++;
	if (--stage->n_inflight > 0 || stage->state != STAGE_UNDECIDED || stage->deciding)
		return false;
	stage->deciding = true;
	return true;
}

void stage_drop_hidden(Fs *fs, Stage *stage)
{
	int dir_fd;

	if (!stage->hidden)
		return;
	if (node_dir_fd(fs, stage->node->parent, &dir_fd) < 0 ||
		backing_drop(dir_fd, stage->hidden) < 0)
		backing_drop(fs->root_fd, stage->hidden);
	g_clear_pointer(&stage->hidden, g_free);
}

void stage_drop_through(Fs *fs, Stage *stage)
{
	int dir_fd;

	if (!stage->through)
		return;
	if (node_dir_fd(fs, stage->node->parent, &dir_fd) < 0 ||
		backing_drop(dir_fd, stage->through) < 0)
		backing_drop(fs->root_fd, stage->through);
	g_clear_pointer(&stage->through, g_free);
	stage->left = false;
}

void stage_hide_through(Fs *fs, Stage *stage)
{
	int dir_fd;

	if (stage->hidden || stage->left)
		stage_drop_through(fs, stage);
	if (!stage->through)
		return;
	if (node_dir_fd(fs, stage->node->parent, &dir_fd) < 0 ||
		backing_hide_through(dir_fd, stage->through, &stage->hidden) < 0)
		(void)!backing_hide_through(fs->root_fd, stage->through, &stage->hidden);
	if (stage->hidden)
		g_clear_pointer(&stage->through, g_free);
}

/* Whether what is exposed has names left. */
static bool stage_has_names(const Fs *fs, const Stage *stage)
{
	struct stat st;

	return stage->base_fd >= 0 && backing_stat_open(stage->base_fd, &st) == 0 &&
	       kept_n_links(fs, &st) > 0;
}

bool stage_is_missed(const Fs *fs, const Stage *stage)
{
	return !stage->node->linked && stage->other_names && stage_has_names(fs, stage);
}

/* Whether what is exposed has names besides the session's own, which has just gone; the backing may
 * have it yet, until what has been renamed over it is exposed. */
static bool stage_has_other_names(Fs *fs, const Stage *stage)
{
	struct stat st, named;
	int dir_fd;
	bool own;

	if (!stage_has_names(fs, stage) || fstat(stage->base_fd, &st) < 0)
		return false;
	own = node_dir_fd(fs, stage->node->parent, &dir_fd) == 0 &&
	      backing_stat(dir_fd, stage->node->name, &named) == 0 && named.st_ino == st.st_ino &&
	      named.st_dev == st.st_dev;
	return kept_n_links(fs, &st) > (own ? 1 : 0);
}

void stage_came_back(Fs *fs, ino_t ino)
{
	for (GList *l = fs->stages.head; l; l = l->next) {
		Stage *stage = l->data;

		if (!stage->node->linked && stage->base_ino == ino)
			stage->other_names = false;
	}
}

/* Its directory may go now, too. */
static void stage_move_through(Fs *fs, const Stage *stage)
{
	int dir_fd;

	if (stage->through && node_dir_fd(fs, stage->node->parent, &dir_fd) == 0)
		(void)!renameat(dir_fd, stage->through, fs->root_fd, stage->through);
}

void stage_out_of_sight(Fs *fs, Stage *stage)
{
	stage_drop_hidden(fs, stage);
	stage_move_through(fs, stage);
	stage->other_names = stage_has_other_names(fs, stage);
	/* While somebody exposes it, it stays; the next attempt finds that it has no name. */
	if (stage->state == STAGE_FAILED && stage->n_exposing == 0 && !stage_is_missed(fs, stage))
		stage_end(fs, stage, NULL);
}

static void stage_supersede_ids(Fs *fs, Stage *stage)
{
	for (unsigned i = 0; i < stage->aliases->len; i++)
		version_supersede(fs, stage->aliases->pdata[i]);
	g_ptr_array_set_size(stage->aliases, 0);
}

void stage_end(Fs *fs, Stage *stage, Version *keep)
{
	stage_ref(stage);
	if (stage->state != STAGE_DONE && __atomic_load_n(&stage->shared, __ATOMIC_RELAXED))
		fs->n_shared--;
	stage_set_state(fs, stage, STAGE_DONE);
	failed_forget(fs, stage);
	g_queue_remove(&fs->stages, stage);
	if (!stage->is_new)
		stage_drop_hidden(fs, stage);
	/* What is exposed is half of it: the next mount finishes that. */
	if (stage->torn && stage_has_names(fs, stage))
		g_clear_pointer(&stage->through, g_free);
	stage_drop_through(fs, stage);
	if (keep)
		keep->stage = stage_unref(fs, keep->stage);
	else if (stage->version)
		version_supersede(fs, stage->version);
	stage->version = NULL;
	stage_supersede_ids(fs, stage);
	if (stage->node->stage == stage) {
		stage->node->stage = NULL;
		stage_unref(fs, stage);
	}
	stage_unref(fs, stage);
}

void stage_renumber(Fs *fs, Stage *stage)
{
	Version *old = stage->version;

	if (!stage->direct && !__atomic_load_n(&stage->shrunk, __ATOMIC_RELAXED))
		return;
	stage_make_version(fs, stage);
	version_supersede(fs, old);
	stage_supersede_ids(fs, stage);
	__atomic_store_n(&stage->resized, false, __ATOMIC_RELAXED);
	__atomic_store_n(&stage->shrunk, false, __ATOMIC_RELAXED);
	stage->direct = false;
}

Stage *stage_of(const Version *version)
{
	Stage *stage = version->node->stage;

	if (version->stage || !version->node->linked)
		return version->stage;
	return stage && stage->is_new ? stage : NULL;
}

bool stage_decide_anew(Fs *fs, Stage *stage)
{
	if (stage->state != STAGE_FAILED)
		return false;
	stage_set_state(fs, stage, STAGE_OPEN);
	return stage_close(fs, stage);
}

int stage_stat(const Stage *stage, struct stat *ret_stat)
{
	bool own = stage->is_new || stage->base_fd < 0;
	struct stat told;

	/* Once the session has ended, nobody changes fd any more. */
	if (stage->state == STAGE_DONE && stage->fd >= 0)
		return fstat(stage->fd, ret_stat) < 0 ? -errno : 0;
	if (fstat(own ? stage->fd : stage->base_fd, ret_stat) < 0)
		return -errno;
	if (stage->is_new) {
		ret_stat->st_ctim = stage->told_ctime;
		ret_stat->st_nlink = stage->node->linked ? 1 : 0;
		return 0;
	}
	ret_stat->st_size = __atomic_load_n(&stage->size, __ATOMIC_RELAXED);
	ret_stat->st_blocks = (ret_stat->st_size + 511) / 512;
	ret_stat->st_mtim = stage->mtime;
	if (stage->drop_set_id)
		ret_stat->st_mode = backing_mode_after_write(ret_stat->st_mode);
	/* SQLite takes a file whose number changes for another one. */
	if (stage->told_fd >= 0 && fstat(stage->told_fd, &told) == 0)
		ret_stat->st_ino = told.st_ino;
	return 0;
}
