/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verdict on a stage, and what follows from it. All of these take stage->lock and fs->lock;
 * call them with neither. */

#include <limits.h>

#include "record.h"

/* Whether the name is on the list of those whose rewriting always counts as a change (P16). */
bool publish_is_listed(const Fs *fs, const char *name);

/* Whether rewriting a file of this name always counts: listed, or empty, a thin archive (fd is open
 * for reading), or written by a build driver itself. */
bool publish_always_counts(const Fs *fs, const char *name, int fd, off_t size, bool by_driver);

/* A session has ended (STAGE_UNDECIDED, nothing in flight): compares, and exposes or drops what was
 * staged. Afterwards the stage is STAGE_DONE, or STAGE_FAILED if it could not be exposed. What it
 * returns is for record_write(), when nobody waits any more. */
Record *publish_end(Fs *fs, Stage *stage);

/* Exposes what is staged so far, and the session goes on (P4, P13). Does nothing if the session has
 * ended, or has not so many openers any more, unless any number will do. durable: what is exposed
 * then is on the disk when this returns. Returns 0 or -errno, which is not said. */
#define PUBLISH_ANY_OPENERS UINT_MAX
int publish_now(Fs *fs, Stage *stage, unsigned n_openers, bool durable);

/* The end of a mount: what is staged and differs, but cannot be exposed, or must not for not all of
 * it may have come, goes to NAME.lklfs-unsaved (P17). Returns 0 if there was nothing to be saved,
 * else -errno. */
int publish_save(Fs *fs, Stage *stage);
