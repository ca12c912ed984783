/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compare as it comes. A session on an existing file opens what is exposed and stores nothing as
 * long as every write equals it: the ranges found equal are remembered. At the first difference the
 * equal ranges are copied (their blocks shared, where the backing can) into a staging file, and
 * from then on writes go there. An unchanged rewrite so writes nothing anywhere. */

#include "stage-content.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "fileio.h"
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

	if (stage->size > 0 && ftruncate(fd, stage->size) < 0)
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

/* The staging file is left as it is, under the name that it has; its content goes on in another
 * one, as far as size. */
static int stage_leave_file(Fs *fs, Stage *stage, off_t size)
{
	autofd fd = -1;
	int r;

	{
		HOLD(&fs->lock);
		stage_drop_hidden(fs, stage);
	}
	r = stage_open_file(fs, stage, &fd);
	if (r < 0)
		return r;
	if (ftruncate(fd, MIN(size, stage->size)) < 0)
		r = -errno;
	if (r == 0)
		r = fileio_copy(stage->fd, fd, 0, MIN(size, stage->size));
	HOLD(&fs->lock);

	if (r < 0) {
		stage_drop_hidden(fs, stage);
		return r;
	}
	fd_clear(&stage->fd);
	stage->fd = fd_steal(&fd);
	stage->left = true;
	return 0;
}

int stage_make_writable(Fs *fs, Stage *stage, off_t size)
{
	int r = stage_materialise(fs, stage);

	/* Nobody else gives it that name, or takes it, as long as it is written. */
	if (r < 0 || !stage->through)
		return r;
	{
		HOLD(&fs->lock);
		if (!stage->torn)
			stage_hide_through(fs, stage);
		if (!stage->through || stage->left)
			return 0;
	}
	r = stage_leave_file(fs, stage, size);
	return r < 0 && stage_make_room(fs, r) ? stage_leave_file(fs, stage, size) : r;
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
	r = stage_make_writable(fs, stage, stage->size);
	if (r == 0 && stage->difference < 0)
		stage->difference = offset;
	if (r == 0)
		r = fileio_pwrite(stage->fd, buffer, length, offset);
	/* Both steps: it may have been the first one that failed. */
	if (r < 0 && stage_make_room(fs, r)) {
		r = stage_make_writable(fs, stage, stage->size);
		if (r == 0)
			r = fileio_pwrite(stage->fd, buffer, length, offset);
	}
	if (r < 0) {
		stage->error = r;
		return r;
	}
	if (end > stage->size)
		stage_set_size(stage, end);
	return 0;
}

int stage_truncate(Fs *fs, Stage *stage, off_t size)
{
	int r = 0;
	HOLD(&stage->lock);

	stage_set_dirty(stage, true);
	if (stage->fd >= 0)
		r = stage_make_writable(fs, stage, size);
	if (r < 0)
		return r;
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
	stage->torn = false;
	stage->base_size = stage->size;
	stage->claim = (Range){};
	ranges_clear(&stage->equal);
	ranges_add(&stage->equal, 0, stage->size);
	stage->is_new = false;
	stage->difference = -1;
	stage->seen = stage->opened || stage->unknown;
	stage->touched = false;
	stage->moved = false;
	stage->audited = false;
	stage->times_set = false;
	stage->error = 0;
	stage->drop_set_id = false;
	stage_set_dirty(stage, false);
}
