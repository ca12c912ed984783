/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Same bytes or not: of a buffer, of ranges that are known to be equal so far, of whole files.
 * Bytes are compared, never hashes. Not thread safe: the owner locks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Ranges Ranges;
typedef struct Range Range;

struct Range {
	off_t begin; /* bytes */
	off_t end;   /* first byte behind */
};

/* A sorted set of ranges that neither overlap nor touch. Zeroed is empty. */
struct Ranges {
	Range *items;
	size_t n_items;
	size_t n_allocated;
};

void ranges_clear(Ranges *ranges);

/* Adds [begin, end) and joins it with its neighbours. */
void ranges_add(Ranges *ranges, off_t begin, off_t end);

/* Forgets everything at and behind size. */
void ranges_cut(Ranges *ranges, off_t size);

/* Finds the first range that ends behind offset; *ret_range is empty at end if there is none. */
void ranges_next(const Ranges *ranges, off_t offset, off_t end, Range *ret_range);

/* Whether the file has exactly these bytes at offset. A file that ends too early has not. */
int compare_buffer(int fd, const void *buffer, size_t length, off_t offset, bool *ret_same);

/* Whether [begin, end) of the file reads as zeros; its holes are not read. */
int compare_zero(int fd, off_t begin, off_t end, bool *ret_same);

/* Whether two files have the same bytes in [0, size); holes of both are not read. hint is an offset
 * looked at first, where a difference has been seen once. */
int compare_files(int a_fd, int b_fd, off_t size, off_t hint, bool *ret_same);

/* How two files differ in [0, size): *ret_first is the offset of the first byte that does, or size
 * if none does. From there on it is counted how many do, into *ret_n, until max bytes have been
 * looked at or size is reached; *ret_end is where that was. */
int compare_count(int a_fd, int b_fd, off_t size, off_t max, off_t *ret_first, uint64_t *ret_n,
	off_t *ret_end);
