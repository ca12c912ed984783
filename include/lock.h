/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Locks that programs ask for. They belong to the file, not to one of its versions: readers and
 * writers of a name are on different inodes for the kernel, and exclude each other here. flock(2)
 * always comes here, fcntl(2) with -o posix_locks. All of these take fs->lock, unless it says
 * otherwise. */

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "fs.h"
#include "record-lock.h"

typedef enum {
	LOCK_WHOLE,  /* of flock(2); the owner is an open file */
	LOCK_RECORD, /* of fcntl(2); the owner is a process, or an open file (F_OFD_SETLK) */
	N_LOCK_KINDS,
} LockKind;

/* Locks, converts or unlocks (operation as of flock(2)) for an owner, and answers the request: at
 * once, or when the lock is free, or with EINTR when the caller is interrupted. */
void lock_whole(Fs *fs, Node *node, uint64_t owner, int operation, fuse_req_t req);

/* The same for a range: type is F_RDLCK, F_WRLCK or F_UNLCK, waits is for F_SETLKW. Answers EDEADLK
 * if owners would wait for each other for ever; that of an open file counts as a process here. */
void lock_record(
	Fs *fs, Node *node, const RecordLock *wanted, int type, bool waits, fuse_req_t req);

/* Answers with the lock that is in the way of this one (F_GETLK). */
void lock_test(Fs *fs, Node *node, const RecordLock *wanted, fuse_req_t req);

/* The owner has closed the file, or the handle is closed: the locks are free, and those who wait
 * are due. Called in the order of receipt, for the kernel may use the same number for another file
 * as soon as this one is closed; fs->lock held. */
void lock_drop_owner(Fs *fs, Node *node, LockKind kind, uint64_t owner);
void lock_drop_handle(Fs *fs, Node *node, uint64_t handle);

/* Gives what is free to those who wait for it. */
void lock_grant_waiting(Fs *fs, Node *node);

/* The connection has ended: nobody holds or waits any more. */
void lock_end(Fs *fs);
