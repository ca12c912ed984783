/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Some linkers allocate the whole output before they write it. Where that comes out with the same
 * bytes nothing is to be stored, so a stage without a file of its own gets none by this: it is
 * enough that there is room for one at that moment. Room that is asked for in several places is
 * rare, and worth a file. */

#include "space.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "stage-content.h"
#include "util.h"

static bool space_is_free(int fd, off_t length)
{
	struct statvfs st;

	return fstatvfs(fd, &st) == 0 && st.f_frsize > 0 &&
	       (uint64_t)length / st.f_frsize < (uint64_t)st.f_bavail;
}

/* Whether it is enough to remember what room has been asked for. */
static bool space_defer(Stage *stage, off_t begin, off_t end)
{
	Range *claim = &stage->claim;

	if (stage->fd >= 0)
		return false;
	if (claim->end > claim->begin) {
		if (begin > claim->end || end < claim->begin)
			return false;
		begin = MIN(begin, claim->begin);
		end = MAX(end, claim->end);
	}
	if (!space_is_free(stage->base_fd, end - begin))
		return false;
	*claim = (Range){begin, end};
	return true;
}

int space_claim(const Stage *stage, int fd)
{
	const Range *claim = &stage->claim;

	if (claim->end <= claim->begin ||
		fallocate(fd, FALLOC_FL_KEEP_SIZE, claim->begin, claim->end - claim->begin) == 0 ||
		errno == EOPNOTSUPP)
		return 0;
	return -errno;
}

static int space_apply(Fs *fs, Stage *stage, int mode, off_t offset, off_t length)
{
	int r = stage_make_writable(fs, stage, stage->size);

	if (r == 0 && fallocate(stage->fd, mode, offset, length) < 0)
		r = -errno;
	return r;
}

int space_allocate(Fs *fs, Stage *stage, int mode, off_t offset, off_t length)
{
	const int holes = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	off_t end = offset + length;
	int r = 0;
	HOLD(&stage->lock);

	if (mode & ~(holes | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if ((mode & holes) || !space_defer(stage, offset, end)) {
		r = space_apply(fs, stage, mode, offset, length);
		if (r < 0 && stage_make_room(fs, r))
			r = space_apply(fs, stage, mode, offset, length);
	}
	if (r < 0)
		return r;
	stage_note_change(stage, mode & FALLOC_FL_KEEP_SIZE ? stage->size : MAX(end, stage->size));
	return 0;
}

int space_seek_data(off_t size, int whence, off_t offset, off_t *ret_offset)
{
	if (offset < 0 || offset >= size)
		return -ENXIO;
	*ret_offset = whence == SEEK_DATA ? offset : size;
	return 0;
}

int space_seek(Stage *stage, int whence, off_t offset, off_t *ret_offset)
{
	off_t found;
	HOLD(&stage->lock);

	if (stage->fd < 0 || offset < 0 || offset >= stage->size)
		return space_seek_data(stage->size, whence, offset, ret_offset);
	found = lseek(stage->fd, offset, whence);
	if (found < 0)
		return -errno;
	*ret_offset = found;
	return 0;
}
