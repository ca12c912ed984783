/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file that has other names is not replaced, for these would go on showing the old one; nor is
 * what cannot be replaced as it was. This is not atomic: who reads by another name may see half of
 * it.
 *
 * What can be told before the first byte is written is found out before: that there is room for all
 * of it. What goes wrong after that leaves half of it; the stage is what everybody reads by its
 * name then, and a later attempt, or after a crash the next mount, writes all of it. */

#include "through.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backing.h"
#include "fileio.h"
#include "former.h"
#include "kept.h"
#include "stamp.h"
#include "util.h"

#define PIECE (128 * 1024)

int through_is_needed(const Fs *fs, const Stage *stage, bool *ret_needed)
{
	struct stat st;
	int r = backing_stat_open(stage->base_fd, &st);

	if (r < 0)
		return r;
	*ret_needed = kept_n_links(fs, &st) > 1;
	return 0;
}

/* By its name, or by what the session has open of it if that has gone. */
static int through_open_named(Fs *fs, const Stage *stage, int *ret_fd)
{
	int dir_fd, r;

	if (!stage->node->linked)
		return backing_reopen_write(stage->base_fd, ret_fd);
	r = node_parent_fd(fs, stage->node, &dir_fd);
	return r < 0 ? r : backing_open_write(dir_fd, stage->node->name, ret_fd);
}

static int through_open(Fs *fs, Stage *stage, int *ret_fd)
{
	autofd fd = -1;
	struct stat base, st;
	int r;
	HOLD(&fs->lock);

	r = through_open_named(fs, stage, &fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || fstat(stage->base_fd, &base) < 0)
		return -errno;
	if (st.st_ino != base.st_ino || st.st_dev != base.st_dev)
		return -ESTALE;
	former_release(fs, &st);
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* Allocates whatever is going to hold data. */
static int through_allocate(const Stage *stage, int fd)
{
	for (off_t offset = 0; offset < stage->size;) {
		off_t data, hole;
		int r = fileio_next_data(stage->fd, offset, stage->size, &data);

		if (r < 0 || data >= stage->size)
			return r;
		hole = lseek(stage->fd, data, SEEK_HOLE);
		if (hole < 0 || hole > stage->size)
			hole = stage->size;
		if (fallocate(fd, FALLOC_FL_KEEP_SIZE, data, hole - data) < 0)
			return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
		offset = hole;
	}
	return 0;
}

/* Makes sure that there is room; if there is not, the file is as before. */
static int through_reserve(const Stage *stage, int fd)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = through_allocate(stage, fd);
	if (r == 0)
		return 0;
	/* What it got beyond its end would be missed elsewhere. */
	times[1] = st.st_mtim;
	if (ftruncate(fd, st.st_size) == 0)
		(void)!stamp_set_open(fd, times);
	return r;
}

/* A hidden name of the staging file, in this directory; NULL: it cannot be had. A number on another
 * file system may be anybody's on this one. */
static char *through_link(Stage *stage, int dir_fd)
{
	struct stat base, staged;

	if (fstat(stage->base_fd, &base) < 0 || fstat(stage->fd, &staged) < 0 ||
		base.st_dev != staged.st_dev)
		return NULL;
	return backing_link_through(stage->fd, &stage->hidden, dir_fd, stage->base_fd);
}

/* Its hidden name, in this directory or in the root of the mount. A second attempt has it already;
 * what an earlier one has left is dropped when there is something newer. Returns the directory in
 * which a new one is. */
static int through_name(Fs *fs, Stage *stage, int dir_fd)
{
	char *name = NULL;

	if (stage->through && !stage->left)
		return dir_fd;
	name = through_link(stage, dir_fd);
	if (!name) {
		dir_fd = fs->root_fd;
		name = through_link(stage, dir_fd);
	}
	if (name) {
		stage_drop_through(fs, stage);
		stage->through = name;
	}
	return dir_fd;
}

/* The bytes are in a file with a hidden name until they are through, in the same directory or in
 * the root of the mount: if we are killed in between, the next mount finishes it. Where that name
 * cannot be had nothing is worse than in a plain write. */
static int through_begin(Fs *fs, Stage *stage, bool durable)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, stage->mtime};
	autofd list_fd = -1;
	int dir_fd, r;

	{
		HOLD(&fs->lock);
		r = stage->node->linked ? node_parent_fd(fs, stage->node, &dir_fd) : 0;
		if (r < 0)
			return r;
		if (!stage->node->linked)
			dir_fd = fs->root_fd;
		/* Its ctime tells when the writing began, its mtime is what the file gets should
		 * another have to finish it. */
		if (stage->times_set)
			(void)!stamp_set_open(stage->fd, times);
		else
			(void)!stamp_now(stage->fd);
		/* A sweep finishes only what is ours. */
		if (geteuid() == 0)
			(void)!fchown(stage->fd, 0, (gid_t)-1);
		dir_fd = through_name(fs, stage, dir_fd);
		if (!stage->through || !durable)
			return 0;
		r = backing_open_list(dir_fd, &list_fd);
	}
	return r < 0 ? r : fsync(list_fd) < 0 && errno != EINVAL ? -errno : 0;
}

static void through_set_torn(Fs *fs, Stage *stage, bool torn)
{
	HOLD(&fs->lock);

	stage->torn = torn;
}

/* Nothing has been written: a crash must leave it at that. */
static void through_call_off(Fs *fs, Stage *stage)
{
	HOLD(&fs->lock);

	if (!stage->torn)
		stage_hide_through(fs, stage);
}

/* Skips what is a hole in both: it need not be written, nor read. */
static int through_next(const Stage *stage, int fd, off_t *offset)
{
	off_t from, to;
	int r;

	r = fileio_next_data(stage->fd, *offset, stage->size, &from);
	if (r == 0)
		r = fileio_next_data(fd, *offset, stage->size, &to);
	if (r == 0)
		*offset = MIN(from, to);
	return r;
}

/* Writes what differs into the exposed inode. */
static int through_copy(Stage *stage, int fd)
{
	g_autofree char *piece = g_malloc(PIECE);
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < stage->size && ftruncate(fd, stage->size) < 0)
		return -errno;
	for (off_t offset = 0;;) {
		size_t n = 0;
		bool same;

		r = through_next(stage, fd, &offset);
		if (r < 0)
			return r;
		if (offset >= stage->size)
			break;
		r = fileio_pread(stage->fd, piece, (size_t)MIN((off_t)PIECE, stage->size - offset),
			offset, &n);
		if (r < 0)
			return r;
		if (n == 0)
			return -EIO;
		r = compare_buffer(fd, piece, n, offset, &same);
		if (r == 0 && !same)
			r = fileio_pwrite(fd, piece, n, offset);
		if (r < 0)
			return r;
		offset += (off_t)n;
	}
	return st.st_size > stage->size && ftruncate(fd, stage->size) < 0 ? -errno : 0;
}

int through_write(Fs *fs, Stage *stage, bool durable, int *ret_fd)
{
	autofd fd = -1;
	int r;

	r = through_open(fs, stage, &fd);
	if (r < 0)
		return r;
	r = through_begin(fs, stage, durable);
	/* Even that moves the mtime, so it comes after the hidden name. */
	if (r == 0)
		r = through_reserve(stage, fd);
	if (r < 0) {
		through_call_off(fs, stage);
		return r;
	}
	through_set_torn(fs, stage, true);
	r = through_copy(stage, fd);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	/* Half of it may be there: the hidden name stays. */
	if (r < 0)
		return r;
	through_set_torn(fs, stage, false);
	*ret_fd = fd_steal(&fd);
	return 0;
}

void through_supersede(Fs *fs, Stage *stage)
{
	GHashTableIter iter;
	gpointer value;
	struct stat st;

	if (fstat(stage->base_fd, &st) < 0)
		return;
	if (!stage->stale)
		stage->stale = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	g_hash_table_iter_init(&iter, fs->versions);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Version *version = value;

		/* What another session stages is its own. */
		if (version->ino == st.st_ino && version->type == S_IFREG &&
			version->state != VERSION_STAGED && version != stage->version)
			g_array_append_val(stage->stale, version->id);
	}
	for (unsigned i = 0; i < stage->stale->len; i++) {
		Version *version = version_find(fs, g_array_index(stage->stale, uint64_t, i));

		if (version && version->state == VERSION_EXPOSED)
			version_supersede(fs, version);
	}
}
