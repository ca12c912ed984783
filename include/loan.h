/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A new name that was there before is mostly written with the same bytes. So the file of its last
 * former version is lent to the session, to compare with as an exposed file is: nothing is stored
 * as long as all is equal (stage-content.c), and the file itself comes back at the end
 * (publish.c). */

#include "stage.h"

/* Lends the session of a new name what its opener may bring back, if that is large enough. fs->lock
 * held. */
void loan_begin(Fs *fs, Stage *stage);

/* Whether the content is what has been found equal, and not in the staging file. Either lock. */
bool loan_is_open(const Stage *stage);

/* Claims room for all of it, so that what is equal can be stored at any time; -errno if there is
 * none, or if that cannot be told. stage->lock held. */
int loan_claim(const Stage *stage);

/* Whether what is lent is what the name was last, of the size of what is staged, and the first that
 * writer (NULL: unknown) would bring back. Both locks held. */
bool loan_is_next(Fs *fs, const Stage *stage, const Process *writer);

/* The attributes of the staging file become those of what is staged. fs->lock held. */
void loan_stat(const Stage *stage, struct stat *st);

/* The staging file has the content, or nobody is going to miss it. Both locks held, or the session
 * is the caller's alone and fs->lock is. */
void loan_end(Stage *stage);
