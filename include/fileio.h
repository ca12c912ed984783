/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole reads and writes, copying that keeps holes. Nothing here knows about versions or names. All
 * functions return 0 or -errno unless they say otherwise; offsets and lengths are bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads until length bytes are there or the file ends; *ret_n is how many were read. */
int fileio_pread(int fd, void *buffer, size_t length, off_t offset, size_t *ret_n);

/* Writes all of it. */
int fileio_pwrite(int fd, const void *buffer, size_t length, off_t offset);

/* The same where the descriptor stands: a pipe, a terminal, a file that is appended to. *ret_n is
 * how many were written, also if the rest was not. */
int fileio_write(int fd, const void *buffer, size_t length, size_t *ret_n);

/* Copies [offset, offset + length) to the same place in another file, holes left out: the place
 * copied to must be a hole or beyond the end. Shares blocks where the file system can. */
int fileio_copy(int from_fd, int to_fd, off_t offset, off_t length);

/* Finds the first data at or after offset, below end: *ret_data is where it begins (end if there is
 * none). A file system that does not know holes says that everything is data. */
int fileio_next_data(int fd, off_t offset, off_t end, off_t *ret_data);

/* Whether a buffer holds nothing but zeros. */
bool fileio_all_zero(const void *buffer, size_t length);
