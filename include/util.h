/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Scoped ownership, used by every module: descriptors close themselves, locks drop themselves. */

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* An owning local descriptor: starts at -1, closes itself, is handed over with g_steal_fd_at(). */
static inline void fd_clear(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define autofd __attribute__((cleanup(fd_clear))) int

/* Hands a descriptor over: the caller owns the result, the variable holds -1. GLib has one
 * from 2.70 on, but only behind a macro that warns for older targets. */
static inline int fd_steal(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

/* A file, as a key of GLib's tables. */
typedef struct FileId FileId;

struct FileId {
	dev_t dev;
	ino_t ino;
};

static inline FileId file_id(const struct stat *st)
{
	return (FileId){st->st_dev, st->st_ino};
}

static inline guint file_id_hash(gconstpointer data)
{
	const FileId *id = data;

	return (guint)(id->ino ^ id->ino >> 32) * 31 + (guint)id->dev;
}

static inline gboolean file_id_equal(gconstpointer a, gconstpointer b)
{
	const FileId *x = a, *y = b;

	return x->dev == y->dev && x->ino == y->ino;
}

static inline bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static inline bool time_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static inline pthread_mutex_t *hold_take(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}
static inline void hold_drop(pthread_mutex_t **m)
{
	if (*m)
		pthread_mutex_unlock(*m);
}
/* Whether somebody has it; takes it for a moment. */
static inline bool lock_is_busy(pthread_mutex_t *m)
{
	if (pthread_mutex_trylock(m) != 0)
		return true;
	pthread_mutex_unlock(m);
	return false;
}
#define HOLD_NAME2(line) hold_##line
#define HOLD_NAME(line) HOLD_NAME2(line)
/* Holds a pthread mutex to the end of the enclosing block. */
#define HOLD(m)                                                                                    \
	__attribute__((cleanup(hold_drop), unused)) pthread_mutex_t *HOLD_NAME(__LINE__) =         \
		hold_take(m)
