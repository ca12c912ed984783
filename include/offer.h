/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An id of what is exposed that one thread alone has been told: the one that has written the name
 * last, for whoever rewrites a file rewrites it often (a log, the tests of a configure script). If
 * it does so again, its open is served on that id at once, without a refusal and the lookups after
 * it (design 3.1); if it only reads, it reads the exposed file by another id.
 *
 * The id becomes the stage's only as long as nobody else can have it, or a cached name: an offer
 * ends with the next lookup of the name that is answered with something else, with the name, and as
 * soon as anybody has opened the id or the name for writing. All under fs->lock. */

#include "node.h"

/* The thread (0: unknown) has opened the file for writing. */
void offer_note_writer(Fs *fs, Node *node, pid_t tid);

/* The version that the thread's lookup of the node, which shows this regular file, is to be
 * answered with, uncached; NULL if it is no candidate. */
Version *offer_make(Fs *fs, Node *node, const struct stat *st, pid_t tid);

/* The name has been told to somebody else, or leads elsewhere. */
void offer_withdraw(Node *node);

/* The name has gone. The caller has a reference to the node. */
void offer_forget(Fs *fs, Node *node);

/* Forgets who wrote what, at the end of the mount. */
void offers_end(Fs *fs);

/* Whether the thread may open this version for writing as it stands. */
bool offer_is_for(const Version *version, pid_t tid);
