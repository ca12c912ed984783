/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Outputs that stay older than what their build steps have read, so that make and ninja make them
 * again each time (P15). Everything here is under fs->lock. */

#include "fs.h"

typedef struct Outdated Outdated;

Outdated *outdated_new(void);
/* Forgets all, and lets go of their nodes. */
Outdated *outdated_free(Fs *fs);

/* What is under the node's name has been left as it was, though its step has read something of the
 * mtime newest, which is later. Beyond some 10,000 of them it is not written down. */
void outdated_note(Fs *fs, Node *node, const struct timespec *newest);

/* How many are so still. Looks at each of them in the backing. */
unsigned outdated_count(Fs *fs);

/* Their paths from the root of the mount, n_max of them at most, sorted; an array of strings that
 * it owns. After outdated_count(). */
GPtrArray *outdated_names(Fs *fs, unsigned n_max);
