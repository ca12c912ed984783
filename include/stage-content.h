/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a session has written: compared with what is exposed as it comes, and stored from the first
 * difference on. */

#include "stage.h"

/* These take stage->lock and return 0 or -errno. */
int stage_read(Fs *fs, Stage *stage, void *buffer, size_t length, off_t offset, size_t *ret_n);
int stage_write(Fs *fs, Stage *stage, const void *buffer, size_t length, off_t offset);
int stage_truncate(Fs *fs, Stage *stage, off_t size);

/* These want stage->lock held, and not fs->lock. */

/* The content has been changed, and has this size now. */
void stage_note_change(Stage *stage, off_t size);

/* Whether the content equals what is exposed. */
int stage_compare(Stage *stage, bool *ret_same);

/* Makes sure that the content is in a staging file, whole. */
int stage_materialise(Fs *fs, Stage *stage);

/* The same, and that the file may be changed, to be of this size then: what an exposed inode that
 * is written in part is to be finished with after a crash stays whole, under its name. */
int stage_make_writable(Fs *fs, Stage *stage, off_t size);

/* What is staged has been exposed and the session goes on: from now on that is what it compares
 * with. replaced: the staging file is the exposed one now; else the exposed file kept its inode.
 * fs->lock held as well. */
void stage_rebase(Fs *fs, Stage *stage, bool replaced);
