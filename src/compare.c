/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Comparing as it comes: a write that equals what is exposed at that place need not be stored, only
 * remembered as a range. Most rewrites are sequential, so that the set is one range that grows;
 * random writes make more of them, which the stage bounds. What cannot be decided by ranges is
 * read, in pieces, data only: a hole on both sides is equal without a look. */

#include "compare.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>

#include "fileio.h"
#include "util.h"

#define COMPARE_CHUNK (128 * 1024)

void ranges_clear(Ranges *ranges)
{
	g_free(ranges->items);
	*ranges = (Ranges){};
}

/* The index of the first range that ends at or behind offset. */
static size_t ranges_find(const Ranges *ranges, off_t offset)
{
	size_t low = 0, high = ranges->n_items;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].end < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void ranges_add(Ranges *ranges, off_t begin, off_t end)
{
	size_t first, last;

	if (begin >= end)
		return;
	first = ranges_find(ranges, begin);
	for (last = first; last < ranges->n_items && ranges->items[last].begin <= end; last++) {
		begin = MIN(begin, ranges->items[last].begin);
		end = MAX(end, ranges->items[last].end);
	}
	if (last == first && ranges->n_items == ranges->n_allocated) {
		ranges->n_allocated = MAX(4, ranges->n_allocated * 2);
		ranges->items = g_renew(Range, ranges->items, ranges->n_allocated);
	}
	memmove(ranges->items + first + 1, ranges->items + last,
		(ranges->n_items - last) * sizeof(Range));
	ranges->items[first] = (Range){begin, end};
	ranges->n_items = ranges->n_items - (last - first) + 1;
}

void ranges_cut(Ranges *ranges, off_t size)
{
	while (ranges->n_items > 0 && ranges->items[ranges->n_items - 1].begin >= size)
		ranges->n_items--;
	if (ranges->n_items > 0 && ranges->items[ranges->n_items - 1].end > size)
		ranges->items[ranges->n_items - 1].end = size;
}

void ranges_next(const Ranges *ranges, off_t offset, off_t end, Range *ret_range)
{
	size_t i = ranges_find(ranges, offset + 1);

	if (i >= ranges->n_items || ranges->items[i].begin >= end) {
		*ret_range = (Range){end, end};
		return;
	}
	ret_range->begin = MAX(ranges->items[i].begin, offset);
	ret_range->end = MIN(ranges->items[i].end, end);
}

int compare_buffer(int fd, const void *buffer, size_t length, off_t offset, bool *ret_same)
{
	char chunk[32 * 1024];
	size_t done = 0;
	int r;

	while (done < length) {
		size_t want = MIN(sizeof(chunk), length - done), n = 0;

		r = fileio_pread(fd, chunk, want, offset + (off_t)done, &n);
		if (r < 0)
			return r;
		if (n < want || memcmp(chunk, (const char *)buffer + done, want) != 0) {
			*ret_same = false;
			return 0;
		}
		done += want;
	}
	*ret_same = true;
	return 0;
}

int compare_zero(int fd, off_t begin, off_t end, bool *ret_same)
{
	g_autofree char *chunk = g_malloc(COMPARE_CHUNK);
	int r;

	while (begin < end) {
		size_t n = 0;

		r = fileio_next_data(fd, begin, end, &begin);
		if (r < 0)
			return r;
		r = fileio_pread(
			fd, chunk, (size_t)MIN((off_t)COMPARE_CHUNK, end - begin), begin, &n);
		if (r < 0)
			return r;
		if (n == 0)
			break;
		if (!fileio_all_zero(chunk, n)) {
			*ret_same = false;
			return 0;
		}
		begin += (off_t)n;
	}
	*ret_same = true;
	return 0;
}

/* Reads the same piece of two files; what a file that ends too early does not have is zeros. */
static int read_pieces(int a_fd, int b_fd, char *a, char *b, off_t offset, size_t length)
{
	size_t n_a = 0, n_b = 0;
	int r;

	r = fileio_pread(a_fd, a, length, offset, &n_a);
	if (r == 0)
		r = fileio_pread(b_fd, b, length, offset, &n_b);
	if (r < 0)
		return r;
	memset(a + n_a, 0, length - n_a);
	memset(b + n_b, 0, length - n_b);
	/* One of them ends before the other: that differs, be the other zeros. */
	return n_a == n_b && n_a == length ? 0 : 1;
}

/* Compares one piece of two files. */
static int compare_piece(
	int a_fd, int b_fd, char *a, char *b, off_t offset, size_t length, bool *ret_same)
{
	int r = read_pieces(a_fd, b_fd, a, b, offset, length);

	if (r < 0)
		return r;
	*ret_same = r == 0 && memcmp(a, b, length) == 0;
	return 0;
}

/* The first offset at or behind this one where either file has data, or size. */
static int next_data(int a_fd, int b_fd, off_t offset, off_t size, off_t *ret_data)
{
	off_t a_data, b_data;
	int r;

	r = fileio_next_data(a_fd, offset, size, &a_data);
	if (r == 0)
		r = fileio_next_data(b_fd, offset, size, &b_data);
	if (r < 0)
		return r;
	*ret_data = MIN(a_data, b_data);
	return 0;
}

int compare_files(int a_fd, int b_fd, off_t size, off_t hint, bool *ret_same)
{
	const size_t chunk = (size_t)MIN((off_t)COMPARE_CHUNK, MAX(size, 1));
	g_autofree char *a = g_malloc(chunk);
	g_autofree char *b = g_malloc(chunk);
	bool same = true;
	off_t offset = 0;
	int r;

	if (hint >= 0 && hint < size) {
		r = compare_piece(
			a_fd, b_fd, a, b, hint, (size_t)MIN((off_t)4096, size - hint), &same);
		if (r < 0)
			return r;
	}
	while (same && offset < size) {
		size_t length;

		r = next_data(a_fd, b_fd, offset, size, &offset);
		if (r < 0)
			return r;
		if (offset >= size)
			break;
		length = (size_t)MIN((off_t)chunk, size - offset);
		r = compare_piece(a_fd, b_fd, a, b, offset, length, &same);
		if (r < 0)
			return r;
		offset += (off_t)length;
	}
	*ret_same = same;
	return 0;
}

/* Of two pieces that are known to differ. */
static size_t first_difference(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] == b[i])
		i++;
	return i;
}

static uint64_t count_differences(const char *a, const char *b, size_t length)
{
	uint64_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += a[i] != b[i];
	return n;
}

int compare_count(int a_fd, int b_fd, off_t size, off_t max, off_t *ret_first, uint64_t *ret_n,
	off_t *ret_end)
{
	const size_t chunk = (size_t)MIN((off_t)COMPARE_CHUNK, MAX(size, 1));
	g_autofree char *a = g_malloc(chunk);
	g_autofree char *b = g_malloc(chunk);
	off_t offset = 0, first = size, end = size;
	uint64_t n = 0;
	int r;

	while (offset < end) {
		size_t length;

		r = next_data(a_fd, b_fd, offset, end, &offset);
		if (r < 0)
			return r;
		length = (size_t)MIN((off_t)chunk, end - offset);
		r = read_pieces(a_fd, b_fd, a, b, offset, length);
		if (r < 0)
			return r;
		if (first == size && memcmp(a, b, length) != 0) {
			first = offset + (off_t)first_difference(a, b);
			end = size - first > max ? first + max : size;
		}
		if (first < size && offset < end)
			n += count_differences(a, b, (size_t)MIN((off_t)length, end - offset));
		offset += (off_t)length;
	}
	*ret_first = first;
	*ret_n = n;
	*ret_end = end;
	return 0;
}
