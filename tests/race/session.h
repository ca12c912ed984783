/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ways in which a program can write a file that is there already.
 *
 * All of them leave exactly the bytes of one content. They differ in how they open the file, in
 * which order and how often they write its bytes, and in what ends the session: a close, the last
 * of several descriptors, a munmap after the close, or the death of the process. */

#include <fcntl.h>

#include "crew.h"

typedef struct Write Write;

typedef enum {
	WAY_TRUNC,     /* open with O_TRUNC, write, close */
	WAY_CREAT,     /* the same with O_CREAT: what creat() and a shell's > do */
	WAY_INPLACE,   /* no truncation until the end, only if the file gets shorter */
	WAY_EDIT,      /* only the bytes that can differ, if the sizes are equal */
	WAY_SCATTER,   /* rubbish first, then pieces in any order, some twice */
	WAY_MMAP,      /* stored through a shared mapping; munmap, close */
	WAY_MMAP_LATE, /* close, store, munmap */
	WAY_DUP,       /* the first of two descriptors is closed before the writing */
	WAY_INHERIT,   /* a child writes and exits, then the opener closes */
	WAY_EXIT,      /* a child opens, writes and exits without a close */
	WAY_KILL,      /* the same, killed */
	N_SIMPLE_WAYS,
	WAY_OUTLIVED =
		N_SIMPLE_WAYS, /* a child opens, writes, leaves its descriptor to another, exits */
	N_WAYS,
} Way;

static const char *const way_names[N_WAYS] = {"open with O_TRUNC", "creat", "write in place",
	"edit", "scattered writes", "mmap", "mmap, closed before the stores", "dup",
	"inherited descriptor", "exit without close", "killed writer",
	"descriptor that outlives its opener"};

struct Write {
	Proc *p;
	const char *path;
	int name;
	Way way;
	const Content *was, *is;
	void (*before_end)(Write *w); /* by the opener, when all has been written; may be NULL */
	/* WAY_OUTLIVED: the opener, not reaped yet if zombie, and a pipe: closing it ends the heir,
	 * end of file on the other one says that it has gone */
	bool zombie;
	pid_t opener;
	int heir_fd, heir_gone_fd;
};

/* What every way does when it has written and is about to end the session. */
static inline void session_end(Write *w)
{
	Name *name = &w->p->crew->names[w->name];

	if (w->before_end)
		w->before_end(w);
	doing(w->p, "ending a session", w->name);
	atomic_store(&name->earliest, clock_ns(CLOCK_REALTIME_COARSE));
	atomic_store(&name->announced, w->is->gen);
}

static inline int write_at(int fd, const char *data, size_t n, size_t offset)
{
	ssize_t r;

	while (n > 0) {
		r = pwrite(fd, data, n, (off_t)offset);
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		data += r;
		n -= (size_t)r;
		offset += (size_t)r;
	}
	return 0;
}

/* Writes all bytes one after the other, in pieces of some size. */
static int write_pieces(Proc *p, int fd, const char *data, size_t n)
{
	size_t piece = (size_t[]){n, n, 4096, 1000 + n / 16, 65536}[pick(p, 5)];
	size_t now;
	ssize_t r;

	for (size_t done = 0; done < n; done += (size_t)r) {
		now = n - done < piece ? n - done : piece;
		r = write(fd, data + done, now);
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
	}
	return 0;
}

static inline int open_for(Write *w, int flags)
{
	int fd;

	doing(w->p, "opening for writing", w->name);
	fd = open(w->path, flags | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

static inline int close_or_errno(int fd)
{
	return close(fd) < 0 ? -errno : 0;
}

static int write_from_start(Write *w, int flags)
{
	int r, fd = open_for(w, flags);

	if (fd < 0)
		return fd;
	doing(w->p, "writing", w->name);
	r = write_pieces(w->p, fd, w->p->out, w->is->size);
	if (r == 0 && !(flags & O_TRUNC) && w->is->size < w->was->size)
		r = ftruncate(fd, (off_t)w->is->size) < 0 ? -errno : 0;
	if (r == 0)
		session_end(w);
	return close_or_errno(fd) < 0 ? -errno : r;
}

static int write_edit(Write *w)
{
	const size_t mark = w->is->size - sizeof(uint64_t);
	int r, fd;

	if (w->is->size != w->was->size || w->is->pattern != w->was->pattern)
		return write_from_start(w, O_RDWR);
	fd = open_for(w, O_RDWR);
	if (fd < 0)
		return fd;
	doing(w->p, "writing both ends", w->name);
	r = write_at(fd, w->p->out, sizeof(Content), 0);
	if (r == 0)
		r = write_at(fd, w->p->out + mark, sizeof(uint64_t), mark);
	if (r == 0)
		session_end(w);
	return close_or_errno(fd) < 0 ? -errno : r;
}

static int write_scatter(Write *w)
{
	const size_t n = w->is->size, piece = 1 + n / (1 + pick(w->p, 8));
	const size_t n_pieces = (n + piece - 1) / piece, first = pick(w->p, (unsigned)n_pieces);
	int r, fd = open_for(w, pick(w->p, 2) ? O_RDWR : O_WRONLY | O_TRUNC);
	char rubbish[100];
	size_t at, offset;

	if (fd < 0)
		return fd;
	doing(w->p, "writing here and there", w->name);
	memset(rubbish, 'x', sizeof(rubbish));
	/* from inside the file to beyond its end, cut off again below */
	r = write_at(fd, rubbish, sizeof(rubbish), pick(w->p, (unsigned)n));
	for (size_t i = 0; r == 0 && i < n_pieces; i++) {
		at = (first + n_pieces - i) % n_pieces;
		offset = at * piece;
		r = write_at(
			fd, w->p->out + offset, n - offset < piece ? n - offset : piece, offset);
		if (r == 0 && pick(w->p, 4) == 0)
			r = write_at(fd, w->p->out + offset, 1, offset);
	}
	if (r == 0 && ftruncate(fd, (off_t)n) < 0)
		r = -errno;
	if (r == 0)
		session_end(w);
	return close_or_errno(fd) < 0 ? -errno : r;
}

static int write_mmap(Write *w)
{
	const size_t n = w->is->size;
	int fd = open_for(w, O_RDWR);
	char *map;

	if (fd < 0)
		return fd;
	doing(w->p, "storing through a mapping", w->name);
	if (n != w->was->size && ftruncate(fd, (off_t)n) < 0)
		return -errno;
	map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (w->way == WAY_MMAP_LATE && close(fd) < 0)
		return -errno;
	memcpy(map, w->p->out, n);
	session_end(w);
	munmap(map, n);
	return w->way == WAY_MMAP_LATE ? 0 : close_or_errno(fd);
}

static int write_dup(Write *w)
{
	int r, fd = open_for(w, O_WRONLY | O_TRUNC), fd2;

	if (fd < 0)
		return fd;
	fd2 = dup(fd);
	if (fd2 < 0 || close(fd) < 0)
		return -errno;
	doing(w->p, "writing through a second descriptor", w->name);
	r = write_pieces(w->p, fd2, w->p->out, w->is->size);
	if (r == 0)
		session_end(w);
	return close_or_errno(fd2) < 0 ? -errno : r;
}

static int wait_for(pid_t pid, int status_wanted)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == status_wanted ? 0 : -ECHILD;
}

static int write_inherit(Write *w)
{
	int r, fd = open_for(w, O_WRONLY | O_TRUNC);
	pid_t pid;

	if (fd < 0)
		return fd;
	pid = fork_bound();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(write_pieces(w->p, fd, w->p->out, w->is->size) < 0);
	r = wait_for(pid, 0);
	if (r == 0)
		session_end(w);
	return close_or_errno(fd) < 0 ? -errno : r;
}

/* The child of write_child(): leaves its descriptor open. */
static int write_and_leave_open(Write *w)
{
	int r, fd = open_for(w, O_WRONLY | O_TRUNC);

	if (fd < 0)
		return fd;
	r = write_pieces(w->p, fd, w->p->out, w->is->size);
	return r < 0 ? r : fd;
}

static int write_child(Write *w)
{
	pid_t pid = fork_bound();
	int r;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		r = write_and_leave_open(w);
		if (r < 0) {
			fail(w->p, "%s: %s", way_names[w->way], strerror(-r));
			_exit(1);
		}
		session_end(w);
		if (w->way == WAY_KILL)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	return wait_for(pid, w->way == WAY_KILL ? SIGKILL : 0);
}

/* The opener of write_outlived(): forks the heir and exits. */
static void outlived_opener(Write *w, int release_fd, int gone_fd)
{
	int r = write_and_leave_open(w);
	char byte;

	if (r < 0) {
		fail(w->p, "%s: %s", way_names[w->way], strerror(-r));
		_exit(1);
	}
	switch (fork()) {
	case -1:
		_exit(1);
	case 0: /* the heir: waits for the end of file, with the descriptor and gone_fd open */
		if (read(release_fd, &byte, 1) != 0)
			_exit(1);
		/* An exit closes in no order that is promised; that it has gone must come last. */
		close_range(3, (unsigned)gone_fd - 1, 0);
		close_range((unsigned)gone_fd + 1, ~0u, 0);
		_exit(0);
	}
	close(gone_fd);
	session_end(w);
	_exit(0);
}

static int write_outlived(Write *w)
{
	int release[2], gone[2];
	siginfo_t info;

	if (pipe2(release, O_CLOEXEC) < 0 || pipe2(gone, O_CLOEXEC) < 0)
		return -errno;
	w->opener = fork_bound();
	if (w->opener < 0)
		return -errno;
	if (w->opener == 0) {
		close(release[1]);
		close(gone[0]);
		outlived_opener(w, release[0], gone[1]);
	}
	close(release[0]);
	close(gone[1]);
	w->heir_fd = release[1];
	w->heir_gone_fd = gone[0];
	w->zombie = pick(w->p, 2);
	if (!w->zombie)
		return wait_for(w->opener, 0);
	if (waitid(P_PID, (id_t)w->opener, &info, WEXITED | WNOWAIT) < 0)
		return -errno;
	return info.si_code == CLD_EXITED && info.si_status == 0 ? 0 : -ECHILD;
}

/* Ends the heir of a WAY_OUTLIVED and waits until it has gone. */
static int session_outlived_end(Write *w)
{
	char byte;
	int r = 0;

	doing(w->p, "ending the heir of a descriptor", w->name);
	close(w->heir_fd);
	if (w->zombie)
		r = wait_for(w->opener, 0);
	while (read(w->heir_gone_fd, &byte, 1) < 0)
		if (errno != EINTR)
			return -errno;
	close(w->heir_gone_fd);
	return r;
}

/* Writes w->is over w->was as w->way says. Says what failed. */
static bool session_write(Write *w)
{
	int r;

	content_fill(w->is, w->p->out);
	switch (w->way) {
	case WAY_TRUNC:
		r = write_from_start(w, O_WRONLY | O_TRUNC);
		break;
	case WAY_CREAT:
		r = write_from_start(w, O_WRONLY | O_CREAT | O_TRUNC);
		break;
	case WAY_INPLACE:
		r = write_from_start(w, O_WRONLY);
		break;
	case WAY_EDIT:
		r = write_edit(w);
		break;
	case WAY_SCATTER:
		r = write_scatter(w);
		break;
	case WAY_MMAP:
	case WAY_MMAP_LATE:
		r = write_mmap(w);
		break;
	case WAY_DUP:
		r = write_dup(w);
		break;
	case WAY_INHERIT:
		r = write_inherit(w);
		break;
	case WAY_EXIT:
	case WAY_KILL:
		r = write_child(w);
		break;
	case WAY_OUTLIVED:
		r = write_outlived(w);
		break;
	default:
		abort();
	}
	if (r < 0)
		return fail(w->p, "n%d, %s: %s", w->name, way_names[w->way], strerror(-r));
	return true;
}
