/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compare as it comes. A session on an existing file opens what is exposed and stores nothing as
 * long as every write equals it: the ranges found equal are remembered. At the first difference the
 * equal ranges are copied (their blocks shared, where the backing can) into a staging file, and
 * from then on writes go there. An unchanged rewrite so writes nothing anywhere.
 *
 * A new name has a staging file from the start, for its inode number is told at once (P6). */

#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backing.h"
#include "failed.h"
#include "fileio.h"
#include "former.h"
#include "kept.h"
#include "log.h"
#include "space.h"
#include "util.h"

/* So many separate equal ranges cost more to keep than the file does to store. */
#define STAGE_RANGES_MAX 4096

static off_t stage_size(const Stage *stage)
{
	return __atomic_load_n(&stage->size, __ATOMIC_RELAXED);
}

static void stage_set_size(Stage *stage, off_t size)
{
	if (size != stage_size(stage))
		__atomic_store_n(&stage->resized, true, __ATOMIC_RELAXED);
	if (size < stage_size(stage))
		__atomic_store_n(&stage->shrunk, true, __ATOMIC_RELAXED);
	__atomic_store_n(&stage->size, size, __ATOMIC_RELAXED);
}

static void stage_set_dirty(Stage *stage, bool dirty)
{
	__atomic_store_n(&stage->dirty, dirty, __ATOMIC_RELAXED);
}

void stage_note_change(Stage *stage, off_t size)
{
	stage_set_dirty(stage, true);
	stage_set_size(stage, size);
}

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
	stage->aliases = g_ptr_array_new();
	stage->openers = step_process_array_new();
	g_queue_init(&stage->parked);
	g_queue_init(&stage->draining);
	pthread_mutex_init(&stage->lock, NULL);
	stage->base_fd = stage->fd = stage->told_fd = -1;
	stage->difference = -1;
	clock_gettime(CLOCK_REALTIME_COARSE, &stage->began);
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

	if (first && step_equal(process, first))
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
 * older one (design 3.3). */
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

bool stage_close(Stage *stage)
{
	if (stage->state != STAGE_OPEN || stage->n_writers > 0 || stage->n_pins > 0)
		return false;
	stage->state = STAGE_UNDECIDED;
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
}

void stage_out_of_sight(Fs *fs, Stage *stage)
{
	stage_drop_hidden(fs, stage);
	if (stage->state == STAGE_FAILED)
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
	stage->state = STAGE_DONE;
	failed_forget(fs, stage);
	g_queue_remove(&fs->stages, stage);
	if (!stage->is_new)
		stage_drop_hidden(fs, stage);
	/* Its other names show half of it: the next mount finishes that. */
	if (stage->torn && !stage->node->linked)
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

bool stage_decide_anew(Stage *stage)
{
	if (stage->state != STAGE_FAILED)
		return false;
	stage->state = STAGE_OPEN;
	return stage_close(stage);
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
	ret_stat->st_size = stage_size(stage);
	ret_stat->st_blocks = (ret_stat->st_size + 511) / 512;
	ret_stat->st_mtim = stage->mtime;
	/* SQLite takes a file whose number changes for another one. */
	if (stage->told_fd >= 0 && fstat(stage->told_fd, &told) == 0)
		ret_stat->st_ino = told.st_ino;
	return 0;
}

/* Reads content that is not in a file of its own: the exposed bytes where they are known to be
 * equal, zeros elsewhere. */
static int stage_read_equal(Stage *stage, char *buffer, size_t length, off_t offset)
{
	off_t end = offset + (off_t)length;
	int r;

	memset(buffer, 0, length);
	while (offset < end) {
		size_t n = 0;
		Range range;

		ranges_next(&stage->equal, offset, end, &range);
		if (range.begin >= end)
			break;
		buffer += range.begin - offset;
		r = fileio_pread(
			stage->base_fd, buffer, (size_t)(range.end - range.begin), range.begin, &n);
		if (r < 0)
			return r;
		buffer += range.end - range.begin;
		offset = range.end;
	}
	return 0;
}

int stage_read(Fs *fs G_GNUC_UNUSED, Stage *stage, void *buffer, size_t length, off_t offset,
	size_t *ret_n)
{
	HOLD(&stage->lock);

	if (stage->fd >= 0)
		return fileio_pread(stage->fd, buffer, length, offset, ret_n);
	if (offset >= stage->size) {
		*ret_n = 0;
		return 0;
	}
	*ret_n = (size_t)MIN((off_t)length, stage->size - offset);
	return stage_read_equal(stage, buffer, *ret_n, offset);
}

/* A staging file in the directory concerned; if that cannot be written, in the root of the mount:
 * then it is exposed by writing through. */
static int stage_open_file(Fs *fs, Stage *stage, int *ret_fd)
{
	int dir_fd = fs->root_fd, r;
	HOLD(&fs->lock);

	if (node_dir_fd(fs, stage->node->parent, &dir_fd) < 0)
		dir_fd = fs->root_fd;
	r = backing_stage(dir_fd, 0600, ret_fd, &stage->hidden);
	if ((r == -EACCES || r == -EPERM || r == -ENOENT) && dir_fd != fs->root_fd)
		r = backing_stage(fs->root_fd, 0600, ret_fd, &stage->hidden);
	return r;
}

/* Fills a staging file with what is equal to the exposed file so far; the rest reads as zeros. */
static int stage_copy_equal(const Stage *stage, int fd)
{
	int r;

	if (ftruncate(fd, stage->size) < 0)
		return -errno;
	for (off_t offset = 0; offset < stage->size;) {
		Range range;

		ranges_next(&stage->equal, offset, stage->size, &range);
		r = fileio_copy(stage->base_fd, fd, range.begin, range.end - range.begin);
		if (r < 0)
			return r;
		offset = range.end;
	}
	return 0;
}

static int stage_make_file(Fs *fs, Stage *stage)
{
	autofd fd = -1;
	int r;

	r = stage_open_file(fs, stage, &fd);
	if (r < 0)
		return r;
	r = space_claim(stage, fd);
	if (r == 0)
		r = stage_copy_equal(stage, fd);
	if (r < 0) {
		HOLD(&fs->lock);
		stage_drop_hidden(fs, stage);
		return r;
	}
	ranges_clear(&stage->equal);
	stage->fd = fd_steal(&fd);
	return 0;
}

int stage_materialise(Fs *fs, Stage *stage)
{
	int r;

	if (stage->fd >= 0)
		return 0;
	r = stage_make_file(fs, stage);
	return r < 0 && stage_make_room(fs, r) ? stage_make_file(fs, stage) : r;
}

bool stage_is_busy(Stage *stage)
{
	if (pthread_mutex_trylock(&stage->lock) != 0)
		return true;
	pthread_mutex_unlock(&stage->lock);
	return false;
}

/* Whether the bytes need not be stored, for they are exposed at that offset already. */
static bool stage_write_equal(Stage *stage, const void *buffer, size_t length, off_t offset)
{
	off_t end = offset + (off_t)length;
	bool same = false;

	if (stage->fd >= 0 || end > stage->base_size ||
		__atomic_load_n(&stage->shared, __ATOMIC_RELAXED) ||
		stage->equal.n_items >= STAGE_RANGES_MAX)
		return false;
	if (compare_buffer(stage->base_fd, buffer, length, offset, &same) < 0 || !same)
		return false;
	ranges_add(&stage->equal, offset, end);
	if (end > stage->size)
		stage_set_size(stage, end);
	return true;
}

int stage_write(Fs *fs, Stage *stage, const void *buffer, size_t length, off_t offset)
{
	off_t end = offset + (off_t)length;
	int r;
	HOLD(&stage->lock);

	stage_set_dirty(stage, true);
	if (stage_write_equal(stage, buffer, length, offset))
		return 0;
	r = stage_materialise(fs, stage);
	if (r == 0 && stage->difference < 0)
		stage->difference = offset;
	if (r == 0)
		r = fileio_pwrite(stage->fd, buffer, length, offset);
	if (r < 0 && stage_make_room(fs, r))
		r = fileio_pwrite(stage->fd, buffer, length, offset);
	if (r < 0) {
		stage->error = r;
		return r;
	}
	if (end > stage->size)
		stage_set_size(stage, end);
	return 0;
}

int stage_truncate(Fs *fs G_GNUC_UNUSED, Stage *stage, off_t size)
{
	HOLD(&stage->lock);

	stage_set_dirty(stage, true);
	if (stage->fd >= 0 && ftruncate(stage->fd, size) < 0)
		return -errno;
	/* Written from the beginning once more, it will be whole. */
	if (size == 0)
		stage->error = 0;
	ranges_cut(&stage->equal, size);
	stage->claim.end = MIN(stage->claim.end, size);
	stage_set_size(stage, size);
	return 0;
}

/* A file system in user space may cache bytes by name, and those of another name of the file may be
 * others by now: opened again, it has to ask. */
static int stage_refresh(Stage *stage)
{
	autofd fd = -1;

	return __atomic_load_n(&stage->shared, __ATOMIC_RELAXED)
		       ? backing_reopen_read(stage->base_fd, &fd)
		       : 0;
}

int stage_compare(Stage *stage, bool *ret_same)
{
	struct stat st;
	bool same = true;
	int r;

	*ret_same = false;
	if (stage->is_new || stage->error || stage_refresh(stage) < 0 ||
		backing_stat_open(stage->base_fd, &st) < 0 || stage->size != st.st_size)
		return 0;
	if (stage->fd >= 0)
		return compare_files(
			stage->fd, stage->base_fd, stage->size, stage->difference, ret_same);
	for (off_t offset = 0; offset < stage->size && same;) {
		Range range;

		ranges_next(&stage->equal, offset, stage->size, &range);
		r = compare_zero(stage->base_fd, offset, range.begin, &same);
		if (r < 0)
			return r;
		offset = range.end;
	}
	*ret_same = same;
	return 0;
}

void stage_rebase(Fs *fs, Stage *stage, bool replaced)
{
	struct stat st;

	if (replaced) {
		if (stage->told_fd < 0)
			stage->told_fd = fd_steal(&stage->base_fd);
		fd_clear(&stage->base_fd);
		stage->base_fd = fd_steal(&stage->fd);
		if (fstat(stage->base_fd, &st) == 0)
			stage->base_ino = st.st_ino;
	}
	fd_clear(&stage->fd);
	stage_drop_hidden(fs, stage);
	stage_drop_through(fs, stage);
	stage->base_size = stage->size;
	stage->claim = (Range){};
	ranges_clear(&stage->equal);
	ranges_add(&stage->equal, 0, stage->size);
	stage->is_new = false;
	stage->difference = -1;
	stage->seen = stage->opened || stage->unknown;
	stage->touched = false;
	stage->moved = false;
	stage->times_set = false;
	stage->error = 0;
	stage->drop_set_id = false;
	stage_set_dirty(stage, false);
}
