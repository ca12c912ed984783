/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the processes of the crowd share, and what each has for itself. */

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../race/content.h"

typedef struct Crowd Crowd;
typedef struct Slot Slot;
typedef struct Worker Worker;

enum {
	N_WORKERS_MAX = 256,
	N_SLOTS_MAX = N_WORKERS_MAX + 2,
	N_STEADY = 8, /* workers that are not killed: each rewrites a file of its own in place */
	N_RENAMED = 8,
	MAX_MESSAGES = 10,
	BUFFER = 256 * 1024,
};

/* A place for one process after another. */
struct Slot {
	_Atomic pid_t pid;
	int stall;                 /* constant: so many seconds it may stand still */
	_Atomic uint64_t n_done;   /* works that it has done: this must move */
	const char *_Atomic doing; /* a literal: the parent forked with the same ones */
	int64_t longest;           /* its own: ns; a work of its */
	const char *longest_work;  /* its own: which */
	uint64_t n_done_seen;      /* the watchdog's */
	int64_t moved;             /* the watchdog's: ns on its own clock; when it last moved */
	bool killed;               /* the parent's: by itself */
};

struct Crowd {
	/* constant */
	const char *dir;    /* the tree under test; its processes work in it */
	const char *cgroup; /* file that takes the process ids of the group with little memory */
	uint64_t seed;
	int n_workers, n_slots, seconds, stall;
	bool drop_caches;
	char *program; /* an executable file's bytes, for works to write and to run */
	size_t program_size;
	pid_t daemon;

	_Atomic bool over;
	_Atomic int n_failures;
	_Atomic uint64_t n_stale;       /* calls that ended with ESTALE */
	const char *_Atomic stale_call; /* the last of these */
	_Atomic uint64_t n_noted;       /* EIO of those that sync or close */
	_Atomic uint64_t n_whole;       /* whole contents that were read */
	_Atomic uint64_t generation;
	int64_t looked, clock; /* the watchdog's: ns; see watch_clock() */
	uint64_t n_killed,
		n_lost; /* the parent's: by itself, and by the kernel for want of memory */
	Slot slots[N_SLOTS_MAX];
};

/* One process. */
struct Worker {
	Crowd *crowd;
	Slot *slot;
	int index;
	uint64_t random;
	char *buffer, *scratch; /* BUFFER bytes each */
};

static inline int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* 0 to n - 1. */
static inline unsigned draw(Worker *w, unsigned n)
{
	w->random += 0x9e3779b97f4a7c15ULL;
	return (unsigned)(content_mix(w->random) % n);
}

__attribute__((format(printf, 2, 3))) static inline void crowd_fail(
	Crowd *crowd, const char *format, ...)
{
	char line[512];
	va_list ap;
	int n;

	if (atomic_fetch_add(&crowd->n_failures, 1) >= MAX_MESSAGES)
		return;
	n = snprintf(line, sizeof(line), "FAIL  crowd: ");
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

/* An error that somebody else's work explains is none. */
static inline void expect(Worker *w, long r, const char *call)
{
	static const int others_work[] = {ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, EAGAIN,
		ENODATA, EINVAL, EBUSY, ETXTBSY, ENXIO, EPERM, ELOOP, EINTR, EDEADLK, EFBIG,
		ENOMEM};
	const int error = errno;

	if (r >= 0)
		return;
	if (error == ESTALE) {
		atomic_store(&w->crowd->stale_call, call);
		atomic_fetch_add(&w->crowd->n_stale, 1);
		return;
	}
	for (size_t i = 0; i < sizeof(others_work) / sizeof(others_work[0]); i++)
		if (error == others_work[i])
			return;
	crowd_fail(w->crowd, "%s in %s: %s", call, atomic_load(&w->slot->doing), strerror(error));
}

/* Whoever syncs, closes, or reads or writes past the cache is told of what somebody else has been
 * hit by. If a process is killed
 * while the kernel has the daemon note the times of a file for it (in rename, unlink, fallocate),
 * FUSE remembers that as an error of the file and of the file system: EINTR, and EIO from then on.
 * An error of the daemon's own making would be in its log, which has to be empty. */
static inline void expect_synced(Worker *w, long r, const char *call)
{
	if (r < 0 && errno == EIO)
		atomic_fetch_add(&w->crowd->n_noted, 1);
	else
		expect(w, r, call);
}
