/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compares what was told, and what the backing has, seen past the mount, with the model.
 *
 * Nobody who looks past the mount is waited for, and a close hands its verdict only to those who
 * look through it. So the daemon is first asked how many sessions are open, until there are as many
 * as there should be. */

#include <stdarg.h>
#include <time.h>

#include "apply-name.h"

enum { SETTLE_SECONDS = 30 };

typedef struct Check Check;

struct Check {
	int below;        /* the directory of this run, in the backing */
	char status[300]; /* the daemon's */
	char said[2048];  /* what is wrong; empty: nothing */
};

__attribute__((format(printf, 2, 3))) static bool differs(Check *c, const char *format, ...)
{
	size_t n = strlen(c->said);
	va_list ap;

	va_start(ap, format);
	if (n + 2 < sizeof(c->said)) {
		if (n > 0)
			c->said[n++] = '\n';
		vsnprintf(c->said + n, sizeof(c->said) - n, format, ap);
	}
	va_end(ap);
	return false;
}

static const char *type_name(uint32_t type)
{
	return type == S_IFREG   ? "a file"
	       : type == S_IFDIR ? "a directory"
	       : type == S_IFLNK ? "a link"
	       : type == 0       ? "nothing"
				 : "something odd";
}

/* A time in few digits; some static buffers. */
static const char *time_text(int64_t t)
{
	static char buffers[4][40];
	static int i;

	i = (i + 1) % 4;
	snprintf(buffers[i], sizeof(buffers[i]), "%lld.%09lld", (long long)(t / 1000000000),
		(long long)(t % 1000000000));
	return buffers[i];
}

static void check_told_stat(Check *c, const Expect *e, const Answer *a)
{
	if (a->type != e->type)
		differs(c, "told of %s instead of %s", type_name(a->type), type_name(e->type));
	if (e->type != S_IFDIR && a->size != e->size)
		differs(c, "told size %lld instead of %lld", (long long)a->size,
			(long long)e->size);
	if (e->mode && a->mode != e->mode)
		differs(c, "told mode %o instead of %o", a->mode, e->mode);
	if (e->n_links && a->n_links != e->n_links)
		differs(c, "told %d links instead of %d", a->n_links, e->n_links);
	if (!e->times || (a->mtime >= e->lo && a->mtime <= e->hi))
		return;
	if (e->lo == e->hi)
		differs(c, "told mtime %s instead of %s", time_text(a->mtime), time_text(e->lo));
	else
		differs(c, "told mtime %s, which is not from %s to %s", time_text(a->mtime),
			time_text(e->lo), time_text(e->hi));
}

static void list_print(char *buffer, size_t size, uint32_t names)
{
	size_t n = 0;

	buffer[0] = '\0';
	for (int i = 0; i < N_PATHS; i++)
		if ((names & 1u << i) && n < size)
			n += (size_t)snprintf(
				buffer + n, size - n, "%s%s", n ? " " : "", paths[i].name);
}

static bool check_told(Check *c, const Expect *e, const Answer *a)
{
	char is[200], was[200];

	/* POSIX leaves the choice: xfs says so of what a directory is renamed over. */
	if (e->error == ENOTEMPTY && a->error == EEXIST)
		return true;
	if (a->error != e->error)
		return differs(c, "told: %s, instead of: %s",
			a->error ? strerror(a->error) : "success",
			e->error ? strerror(e->error) : "success");
	if (e->error)
		return true;
	if (e->stat)
		check_told_stat(c, e, a);
	if (e->bytes && (a->size != e->size || a->hash != e->hash))
		differs(c, "read %lld bytes that are not the %lld expected", (long long)a->size,
			(long long)e->size);
	if (e->list && (a->names != e->names || a->n_strange > 0)) {
		list_print(is, sizeof(is), a->names);
		list_print(was, sizeof(was), e->names);
		differs(c, "listed \"%s\" and %d strange ones instead of \"%s\"", is, a->n_strange,
			was);
	}
	return c->said[0] == '\0';
}

/* The number of open sessions in the daemon's status; -1: it cannot be had. */
static int status_staged(const Check *c)
{
	char buffer[4096];
	int fd = open(c->status, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);
	const char *at;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	buffer[n] = '\0';
	at = strstr(buffer, "\"staged\":");
	return at ? atoi(at + strlen("\"staged\":")) : -1;
}

static int64_t clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return time_ns(&t);
}

/* Waits until all verdicts are in. */
static bool check_settle(Check *c, int n_sessions)
{
	int64_t limit = clock_now(CLOCK_MONOTONIC) + SETTLE_SECONDS * 1000000000LL;
	int n;

	do {
		n = status_staged(c);
		if (n == n_sessions)
			return true;
	} while (n >= 0 && clock_now(CLOCK_MONOTONIC) < limit);
	if (n < 0)
		return differs(c, "the daemon has no status to read: %s", strerror(errno));
	return differs(c, "%d sessions are open instead of %d", n, n_sessions);
}

/* The inode's mtime, as the backing has it. */
static void check_mtime(Check *c, const char *name, Inode *inode, int64_t mtime)
{
	if (inode->lo == 0) {
		if (mtime != inode->mtime)
			differs(c, "%s: its mtime is %s instead of %s", name, time_text(mtime),
				time_text(inode->mtime));
		return;
	}
	if (inode->hi == 0)
		inode->hi = clock_now(CLOCK_REALTIME);
	if (mtime < inode->lo || mtime > inode->hi)
		differs(c, "%s: its mtime is %s, which is not from %s to %s", name,
			time_text(mtime), time_text(inode->lo), time_text(inode->hi));
	else if (mtime <= inode->after)
		differs(c, "%s: its mtime is %s, which is no later than before, %s", name,
			time_text(mtime), time_text(inode->after));
	inode->mtime = mtime;
	inode->lo = inode->hi = inode->after = 0;
}

static void check_content(Check *c, int i, const Inode *inode)
{
	static char buffer[SIZE_MAX_FILE + 1];
	const char *name = paths[i].name;
	ssize_t n;
	int fd;

	if (inode->type == S_IFLNK) {
		n = readlinkat(c->below, name, buffer, sizeof(buffer));
	} else {
		fd = openat(c->below, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));
		if (fd >= 0)
			close(fd);
	}
	if (n != inode->text->size || memcmp(buffer, inode->text->data, (size_t)n) != 0)
		differs(c, "%s: the backing has %zd bytes that are not the %d expected", name, n,
			inode->text->size);
}

/* What cannot have changed must have left no trace: the same inode, the same ctime. Then the bytes
 * are what they were, too. */
static void check_inode(Check *c, int i, Inode *inode, const struct stat *st)
{
	const char *name = paths[i].name;
	int64_t ctime = time_ns(&st->st_ctim);

	if ((st->st_mode & 07777) != inode->mode)
		differs(c, "%s: its mode is %o instead of %o", name, st->st_mode & 07777,
			inode->mode);
	if (inode->type == S_IFDIR)
		return;
	check_mtime(c, name, inode, time_ns(&st->st_mtim));
	if (!inode->moved && inode->ino == st->st_ino && inode->ctime == ctime)
		return;
	if (!inode->moved)
		differs(c, "%s: a trace is left: inode %llu, was %llu; ctime %s, was %s", name,
			(unsigned long long)st->st_ino, (unsigned long long)inode->ino,
			time_text(ctime), time_text(inode->ctime));
	check_content(c, i, inode);
	inode->ino = st->st_ino;
	inode->ctime = ctime;
}

/* All names in the backing. */
static bool check_backing(Check *c, World *w)
{
	for (int i = 0; i < N_PATHS; i++) {
		Inode *inode = name_backing(&w->names[i]);
		struct stat st = {};

		if (fstatat(c->below, paths[i].name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			st.st_mode = 0;
		if ((st.st_mode & S_IFMT) != (inode ? inode->type : 0))
			differs(c, "%s: the backing has %s instead of %s", paths[i].name,
				type_name(st.st_mode & S_IFMT), type_name(inode ? inode->type : 0));
		else if (inode)
			check_inode(c, i, inode, &st);
	}
	/* All names of an inode have been seen. */
	for (int i = 0; i < N_PATHS; i++)
		if (name_backing(&w->names[i]))
			name_backing(&w->names[i])->moved = false;
	return c->said[0] == '\0';
}
