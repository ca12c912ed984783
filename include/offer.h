/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has written a name last, and comes again, is told the id of what is exposed before anybody
 * else is, uncached; for whoever rewrites a file rewrites it often (a log, the tests of a configure
 * script). If it does so again, its open is served on that id at once, without a refusal and the
 * lookups after it: nobody else can have it. All under fs->lock. */

#include "node.h"

/* The thread (0: unknown) has opened the file for writing. Until it, or another one that goes by
 * the same slot, writes another file, the node is kept for it. */
void offer_note_writer(Fs *fs, Node *node, pid_t tid);

/* Whether the thread's lookup of the node, whose exposed version this is, is to be answered with an
 * offer: uncached, and with offer_make() after the lookup has been counted. */
bool offer_is_due(const Version *version, pid_t tid);
void offer_make(Version *version, pid_t tid);

/* Whether the thread may open this version for writing as it stands. */
bool offer_is_for(const Version *version, pid_t tid);

/* The name has gone. The caller has a reference to the node. */
void offer_forget(Fs *fs, Node *node);

/* Forgets who wrote what, at the end of the mount. */
void offers_end(Fs *fs);
