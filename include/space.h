/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Room for the content of a stage: allocating it, punching holes, and where data is. */

#include "stage.h"

/* fallocate(2) on what is staged; mode as there, in bytes. Room for bytes that are not stored yet
 * is only made sure of, and had with the staging file. Takes stage->lock. 0 or -errno: -EOPNOTSUPP
 * for a mode that is not known, or that the backing does not have. */
int space_allocate(Fs *fs, Stage *stage, int mode, off_t offset, off_t length);

/* lseek(2) with SEEK_DATA or SEEK_HOLE: what is not stored is data. The kernel must have handed
 * over what it has. Takes stage->lock. -ENXIO behind the end. */
int space_seek(Stage *stage, int whence, off_t offset, off_t *ret_offset);

/* The same for what is all data, of that size. */
int space_seek_data(off_t size, int whence, off_t offset, off_t *ret_offset);

/* Allocates in a staging file that has just been made what was only made sure of; stage->lock held.
 */
int space_claim(const Stage *stage, int fd);
