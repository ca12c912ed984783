/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* flock(2) belongs to the file, not to one of its versions: readers and writers of a name are on
 * different inodes for the kernel, and exclude each other here. Takes fs->lock. */

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "fs.h"

/* Locks, converts or unlocks (operation as of flock(2)) for an owner, and answers the request: at
 * once, or when the lock is free, or with EINTR when the caller is interrupted. */
void flock_request(Fs *fs, Node *node, uint64_t owner, int operation, fuse_req_t req);

/* The owner has closed: what he held is free. Called in the order of receipt, for the kernel may
 * use the same number for another file as soon as this one is closed; fs->lock held. */
void flock_drop_owner(Fs *fs, Node *node, uint64_t owner);

/* Gives what is free to those who wait for it. */
void flock_grant_waiting(Fs *fs, Node *node);
