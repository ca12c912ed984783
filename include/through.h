/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writing through (P14): the bytes that are staged go into the very inode that is exposed. */

#include "stage.h"

/* Whether the exposed file must keep its inode, for it has other names; fs->lock held. */
int through_is_needed(const Fs *fs, const Stage *stage, bool *ret_needed);

/* Writes what is staged, and whole in its staging file, into the exposed inode. Until
 * stage_drop_through() it has a hidden name besides, so that the next mount finishes it if we do
 * not. durable: all that is on the disk before this returns. stage->lock held, fs->lock not.
 * *ret_fd: a descriptor of the inode. -ESTALE: the name does not lead to it any more, but to
 * another file. */
int through_write(Fs *fs, Stage *stage, bool durable, int *ret_fd);

/* It has been written: who looks one of its other names up gets another id. The ids by which the
 * kernel may still hold pages of the old bytes are left in stage->stale; fs->lock held. */
void through_supersede(Fs *fs, Stage *stage);
