/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel may read and write less than it was asked for; callers here never want that. Copying
 * looks for data with SEEK_DATA, so that a sparse output of some hundred GiB stays sparse, and asks
 * for shared blocks first (FICLONERANGE), then for a copy inside the kernel, then copies by hand.
 */

#include "fileio.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <unistd.h>

#include "util.h"

#define COPY_CHUNK (256 * 1024)

int fileio_pread(int fd, void *buffer, size_t length, off_t offset, size_t *ret_n)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = pread(fd, (char *)buffer + done, length - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_n = done;
	return 0;
}

int fileio_pwrite(int fd, const void *buffer, size_t length, off_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = pwrite(
			fd, (const char *)buffer + done, length - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int fileio_write(int fd, const void *buffer, size_t length, size_t *ret_n)
{
	for (*ret_n = 0; *ret_n < length;) {
		ssize_t n = write(fd, (const char *)buffer + *ret_n, length - *ret_n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*ret_n += (size_t)n;
	}
	return 0;
}

int fileio_next_data(int fd, off_t offset, off_t end, off_t *ret_data)
{
	off_t data = lseek(fd, offset, SEEK_DATA);

	if (data < 0 && errno == ENXIO)
		data = end;
	else if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
		data = offset;
	else if (data < 0)
		return -errno;
	*ret_data = MIN(data, end);
	return 0;
}

bool fileio_all_zero(const void *buffer, size_t length)
{
	const unsigned char *p = buffer;

	return length == 0 || (p[0] == 0 && memcmp(p, p + 1, length - 1) == 0);
}

/* Copies a stretch of data by hand: the fallback of fallbacks. */
static int copy_by_hand(int from_fd, int to_fd, off_t offset, off_t end)
{
	g_autofree char *buffer = g_malloc(COPY_CHUNK);
	int r;

	while (offset < end) {
		size_t n = 0;

		r = fileio_pread(
			from_fd, buffer, (size_t)MIN((off_t)COPY_CHUNK, end - offset), offset, &n);
		if (r < 0)
			return r;
		if (n == 0)
			return 0;
		r = fileio_pwrite(to_fd, buffer, n, offset);
		if (r < 0)
			return r;
		offset += (off_t)n;
	}
	return 0;
}

static int copy_data(int from_fd, int to_fd, off_t offset, off_t end)
{
	while (offset < end) {
		off_t in = offset, out = offset;
		ssize_t n = copy_file_range(from_fd, &in, to_fd, &out, (size_t)(end - offset), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return -errno;
		if (n <= 0)
			return copy_by_hand(from_fd, to_fd, offset, end);
		offset += n;
	}
	return 0;
}

/* Shares the blocks of the range if both files lie on a file system that can; the range must be
 * aligned to blocks, except at the end of the file. */
static bool clone_range(int from_fd, int to_fd, off_t offset, off_t length)
{
	struct file_clone_range range = {
		.src_fd = from_fd,
		.src_offset = (uint64_t)offset,
		.src_length = (uint64_t)length,
		.dest_offset = (uint64_t)offset,
	};

	return ioctl(to_fd, FICLONERANGE, &range) == 0;
}

int fileio_copy(int from_fd, int to_fd, off_t offset, off_t length)
{
	off_t end = offset + length;
	int r;

	if (length <= 0 || clone_range(from_fd, to_fd, offset, length))
		return 0;

	while (offset < end) {
		off_t data, hole;

		r = fileio_next_data(from_fd, offset, end, &data);
		if (r < 0)
			return r;
		if (data >= end)
			return 0;
		hole = lseek(from_fd, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		r = copy_data(from_fd, to_fd, data, hole);
		if (r < 0)
			return r;
		offset = hole;
	}
	return 0;
}
