/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Locks on ranges of one file, as of fcntl(2): who holds what, and what is in the way. A lock on
 * all of it, as of flock(2), is one with the largest range. Knows nothing of waiting, and has no
 * lock of its own. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_LOCK_END INT64_MAX

typedef struct RecordLock RecordLock;
typedef struct RecordLocks RecordLocks;

struct RecordLock {
	uint64_t owner;  /* whose; the kernel's number for a process, or for an open file */
	uint64_t handle; /* the open file that it was asked for by; 0: does not matter */
	int64_t start;   /* the first byte, from 0 */
	int64_t end;     /* the last one; RECORD_LOCK_END: whatever the size will be */
	pid_t pid;       /* to be told */
	bool exclusive;
};

RecordLocks *record_locks_new(void);
RecordLocks *record_locks_free(RecordLocks *locks);
bool record_locks_is_empty(const RecordLocks *locks);

/* The lock of another owner that is in the way of this one, the first in the file; NULL: none is.
 * Valid until something is changed. */
const RecordLock *record_locks_find(const RecordLocks *locks, const RecordLock *wanted);

/* The same, one after the other: *position is 0 at first. */
const RecordLock *record_locks_next(
	const RecordLocks *locks, const RecordLock *wanted, unsigned *position);

/* The owner has this lock from now on, in place of what he had there. Nothing may be in the way. */
void record_locks_set(RecordLocks *locks, const RecordLock *wanted);

/* The owner has no locks in this range any more. */
void record_locks_clear(RecordLocks *locks, uint64_t owner, int64_t start, int64_t end);

/* Those that were asked for by this handle end. */
void record_locks_clear_handle(RecordLocks *locks, uint64_t handle);
