/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sessions whose bytes could not be exposed (P17): everybody reads what is staged, and exposing is
 * tried again until it can be done, or the mount ends. All under fs->lock. */

#include "stage.h"

/* Exposing it has failed with r (-errno): says so, unless that has been said, and sets the time of
 * the next attempt. */
void failed_note(Fs *fs, Stage *stage, int r);

/* It has been exposed after all: says so. */
void failed_mend(Fs *fs, Stage *stage);

/* It has not, but there is nothing left to be exposed. */
void failed_forget(Fs *fs, Stage *stage);

/* If it is time at now (monotonic, in microseconds), adds the sessions whose verdict is to be
 * reached anew to due. Returns when it is time again, or -1 for never. */
int64_t failed_due(Fs *fs, int64_t now, GPtrArray *due);

/* The same, whatever the time. */
void failed_due_now(Fs *fs, GPtrArray *due);

/* What the status says of them: members of a JSON object. */
void failed_describe(Fs *fs, GString *out);
