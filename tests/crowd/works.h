/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a process does to mess/, a small tree that all of them share: whatever comes. Nothing is
 * said of what is in there; every call must come back, with success or with an error that somebody
 * else's work explains. No work waits for another process but for flock and fcntl locks, of which
 * it holds one at a time, and for children that it has made. */

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "whole.h"

typedef struct Path Path;

struct Path {
	char text[64];
};

/* Directories are called as files are, so each may be in the way of the other. */
static inline Path draw_path(Worker *w)
{
	Path p;

	if (draw(w, 3) == 0)
		snprintf(p.text, sizeof(p.text), "mess/%c", 'a' + draw(w, 12));
	else
		snprintf(p.text, sizeof(p.text), "mess/%c/%c", 'a' + draw(w, 4), 'a' + draw(w, 12));
	return p;
}

static inline unsigned draw_size(Worker *w)
{
	return draw(w, 4) ? draw(w, 65536) : draw(w, 4 << 20);
}

static inline int open_drawn(Worker *w, int flags)
{
	Path p = draw_path(w);
	int fd = open(p.text, flags | O_CLOEXEC | O_NOFOLLOW, 0644);

	expect(w, fd, "open");
	return fd;
}

static inline void close_drawn(Worker *w, int fd)
{
	expect_synced(w, close(fd), "close");
}

/* n bytes that are the same as often as not. */
static inline const char *draw_bytes(Worker *w)
{
	memset(w->buffer, 'a' + (int)draw(w, 3), BUFFER);
	return w->buffer;
}

static inline void write_some(Worker *w, int fd)
{
	const char *bytes = draw_bytes(w);

	for (unsigned i = draw(w, 4) + 1; i > 0; i--)
		expect(w, pwrite(fd, bytes, draw(w, BUFFER), draw_size(w)), "pwrite");
}

static inline void work_write(Worker *w)
{
	static const int more[] = {0, O_TRUNC, O_APPEND, O_SYNC, O_DSYNC, O_TRUNC | O_EXCL};
	int fd = open_drawn(w, O_CREAT | O_RDWR | more[draw(w, 6)]);

	if (fd < 0)
		return;
	write_some(w, fd);
	close_drawn(w, fd);
}

static inline void work_read(Worker *w)
{
	int fd = open_drawn(w, O_RDONLY);
	ssize_t n = 1;

	if (fd < 0)
		return;
	for (int i = 0; i < 16 && n > 0; i++)
		expect(w, n = read(fd, w->buffer, BUFFER), "read");
	if (draw(w, 4) == 0)
		(void)!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close_drawn(w, fd);
}

/* ---- mapped ---- */

static sigjmp_buf mapped_beyond_end;

/* The file has become shorter meanwhile. */
static inline void on_sigbus(int number)
{
	(void)number;
	siglongjmp(mapped_beyond_end, 1);
}

/* A function of its own, for what a jump leaves in the variables of another nobody knows. */
__attribute__((noinline)) static void touch_pages(char *map, size_t size, bool store)
{
	if (sigsetjmp(mapped_beyond_end, 1))
		return;
	for (size_t at = 0; at < size; at += 4096) {
		if (store)
			map[at] = (char)('a' + (at >> 12) % 3);
		else
			(void)*(volatile char *)(map + at);
	}
}

static inline void work_map(Worker *w)
{
	bool store = draw(w, 2);
	int fd = open_drawn(w, store ? O_CREAT | O_RDWR : O_RDONLY);
	size_t size = 4096 + draw_size(w) * 2;
	char *map;

	if (fd < 0)
		return;
	if (store)
		expect(w, ftruncate(fd, (off_t)size), "ftruncate");
	map = mmap(NULL, size, store ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (draw(w, 2)) {
		close_drawn(w, fd);
		fd = -1;
	}
	if (map != MAP_FAILED) {
		touch_pages(map, size, store);
		if (draw(w, 4) == 0)
			expect_synced(
				w, msync(map, size, draw(w, 2) ? MS_SYNC : MS_ASYNC), "msync");
		munmap(map, size);
	}
	if (fd >= 0)
		close_drawn(w, fd);
}

/* ---- sizes and room ---- */

static inline void work_truncate(Worker *w)
{
	Path p = draw_path(w);
	int fd;

	if (draw(w, 2)) {
		expect(w, truncate(p.text, draw_size(w)), "truncate");
		return;
	}
	fd = open_drawn(w, O_RDWR);
	if (fd < 0)
		return;
	expect(w, ftruncate(fd, draw_size(w)), "ftruncate");
	close_drawn(w, fd);
}

static inline void work_fallocate(Worker *w)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
	int fd = open_drawn(w, O_CREAT | O_RDWR), r;

	if (fd < 0)
		return;
	r = fallocate(fd, modes[draw(w, 4)], draw_size(w), 1 + draw_size(w));
	if (r < 0 && errno != EOPNOTSUPP)
		expect(w, r, "fallocate");
	r = (int)lseek(fd, 0, draw(w, 2) ? SEEK_DATA : SEEK_HOLE);
	expect(w, r, "lseek");
	close_drawn(w, fd);
}

static inline void work_direct(Worker *w)
{
	bool store = draw(w, 2);
	int fd = open_drawn(w, O_DIRECT | (store ? O_CREAT | O_RDWR : O_RDONLY));
	size_t size = 4096 * (1 + draw(w, BUFFER / 4096 - 1));
	off_t at = (off_t)4096 * draw(w, 256);

	if (fd < 0)
		return;
	if (store)
		expect_synced(w, pwrite(fd, draw_bytes(w), size, at), "direct pwrite");
	else
		expect_synced(w, pread(fd, w->buffer, size, at), "direct pread");
	close_drawn(w, fd);
}

static inline void work_copy(Worker *w)
{
	int from = open_drawn(w, O_RDONLY), to = open_drawn(w, O_CREAT | O_RDWR);
	ssize_t r;

	if (from >= 0 && to >= 0) {
		r = draw(w, 2) ? copy_file_range(from, NULL, to, NULL, draw_size(w), 0)
			       : sendfile(to, from, NULL, draw_size(w));
		expect(w, r, "copy");
	}
	if (from >= 0)
		close_drawn(w, from);
	if (to >= 0)
		close_drawn(w, to);
}

/* ---- names ---- */

static inline void work_rename(Worker *w)
{
	static const unsigned flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	Path from = draw_path(w), to = draw_path(w);

	expect(w, renameat2(AT_FDCWD, from.text, AT_FDCWD, to.text, flags[draw(w, 5)]), "rename");
}

static inline void work_link(Worker *w)
{
	Path from = draw_path(w), to = draw_path(w);
	char target[64];

	if (draw(w, 2)) {
		expect(w, link(from.text, to.text), "link");
		return;
	}
	expect(w, symlink(from.text + strlen("mess/"), to.text), "symlink");
	expect(w, readlink(to.text, target, sizeof(target)), "readlink");
}

static inline void work_unlink(Worker *w)
{
	Path p = draw_path(w);

	expect(w, unlink(p.text), "unlink");
}

static inline void work_mkdir(Worker *w)
{
	Path p = draw_path(w);

	expect(w, mkdir(p.text, 0755), "mkdir");
}

static inline void work_rmdir(Worker *w)
{
	Path p = draw_path(w);

	expect(w, rmdir(p.text), "rmdir");
}

static inline void work_list(Worker *w)
{
	Path p = draw_path(w);
	const char *path = draw(w, 2) ? p.text : "mess";
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;

	if (!d) {
		expect(w, -1, "opendir");
		return;
	}
	while ((e = readdir(d)))
		expect(w, fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW), "fstatat");
	if (draw(w, 16) == 0)
		expect_synced(w, fsync(dirfd(d)), "fsync of a directory");
	closedir(d);
}

static inline void work_nameless(Worker *w)
{
	Path p = draw_path(w);
	int fd = open("mess", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	char link[64];

	expect(w, fd, "open of O_TMPFILE");
	if (fd < 0)
		return;
	write_some(w, fd);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	expect(w, linkat(AT_FDCWD, link, AT_FDCWD, p.text, AT_SYMLINK_FOLLOW), "linkat");
	close_drawn(w, fd);
}

static inline void work_attributes(Worker *w)
{
	static const char *const names[] = {"user.a", "user.b"};
	Path p = draw_path(w);
	const char *name = names[draw(w, 2)];

	expect(w, lsetxattr(p.text, name, draw_bytes(w), draw(w, 64), 0), "setxattr");
	expect(w, lgetxattr(p.text, name, w->buffer, 64), "getxattr");
	expect(w, llistxattr(p.text, w->buffer, 4096), "listxattr");
	expect(w, lremovexattr(p.text, name), "removexattr");
}

static inline void work_times(Worker *w)
{
	const struct timespec times[2] = {{.tv_sec = 1000000000},
		{.tv_sec = draw(w, 2) ? 0 : 1000000000, .tv_nsec = UTIME_NOW}};
	Path p = draw_path(w);

	expect(w, utimensat(AT_FDCWD, p.text, draw(w, 2) ? times : NULL, AT_SYMLINK_NOFOLLOW),
		"utimensat");
	expect(w, chmod(p.text, draw(w, 2) ? 0755 : 0700), "chmod");
}

/* ---- locks ---- */

static inline void work_flock(Worker *w)
{
	int fd = open_drawn(w, O_CREAT | O_RDWR);
	int how = draw(w, 2) ? LOCK_EX : LOCK_SH, r;

	if (fd < 0)
		return;
	r = flock(fd, draw(w, 4) ? how | LOCK_NB : how);
	expect(w, r, "flock");
	if (r == 0 && how == LOCK_EX)
		expect(w, pwrite(fd, draw_bytes(w), 100, 0), "pwrite");
	close_drawn(w, fd);
}

static inline void work_record_lock(Worker *w)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = draw(w, 4) * 100, .l_len = 200};
	int fd = open_drawn(w, O_CREAT | O_RDWR), r;

	if (fd < 0)
		return;
	r = fcntl(fd, draw(w, 4) ? F_SETLK : F_SETLKW, &lock);
	expect(w, r, "fcntl");
	if (r == 0)
		expect(w, pwrite(fd, draw_bytes(w), 100, 0), "pwrite");
	close_drawn(w, fd);
}

/* ---- processes ---- */

/* A child has the descriptor, and may outlive its parent's close; some are waited for. */
static inline void work_inherit(Worker *w)
{
	int fd = open_drawn(w, O_CREAT | O_RDWR), status;
	pid_t child;

	if (fd < 0)
		return;
	write_some(w, fd);
	child = fork();
	if (child == 0) {
		write_some(w, fd);
		if (draw(w, 2))
			close(fd);
		_exit(0);
	}
	expect(w, child, "fork");
	close_drawn(w, fd);
	if (child > 0 && draw(w, 2))
		waitpid(child, &status, 0);
}

/* A program is written, and run at once by another process. */
static inline void work_run(Worker *w)
{
	char path[64];
	bool whole;
	pid_t child;
	int fd, status = 0;

	snprintf(path, sizeof(path), "whole/x%d", w->index);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
	expect(w, fd, "open");
	if (fd < 0)
		return;
	whole = write(fd, w->crowd->program, w->crowd->program_size) ==
		(ssize_t)w->crowd->program_size;
	close_drawn(w, fd);
	if (!whole)
		return;
	child = fork();
	if (child == 0) {
		execl(path, path, (char *)NULL);
		_exit(errno == ETXTBSY || errno == ENOMEM || errno == ENOENT ? 0 : 100);
	}
	expect(w, child, "fork");
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
		WEXITSTATUS(status) != 0)
		crowd_fail(w->crowd, "what was just written ran and ended with %d",
			WEXITSTATUS(status));
	if (draw(w, 4) == 0)
		unlink(path);
}

/* ---- the file system as a whole ---- */

static inline void work_sync(Worker *w)
{
	int fd = open_drawn(w, O_RDWR);

	if (fd < 0)
		return;
	switch (draw(w, 4)) {
	case 0:
		expect_synced(w, fsync(fd), "fsync");
		break;
	case 1:
		expect_synced(w, fdatasync(fd), "fdatasync");
		break;
	case 2:
		expect_synced(
			w, sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), "sync_file_range");
		break;
	default:
		if (draw(w, 16) == 0)
			sync();
		else
			expect_synced(w, syncfs(fd), "syncfs");
	}
	close_drawn(w, fd);
}

static inline void work_status(Worker *w)
{
	struct statvfs st;
	int fd;

	expect(w, statvfs(".", &st), "statvfs");
	fd = open(".lklfs/status", O_RDONLY | O_CLOEXEC);
	expect(w, fd, "open");
	if (fd < 0)
		return;
	expect(w, read(fd, w->buffer, BUFFER), "read of .lklfs");
	close(fd);
}

static inline void work_watch(Worker *w)
{
	Path p = draw_path(w);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return; /* there are only so many of them for each user */
	expect(w, inotify_add_watch(fd, "mess", IN_ALL_EVENTS), "inotify_add_watch");
	expect(w, inotify_add_watch(fd, p.text, IN_ALL_EVENTS), "inotify_add_watch");
	work_write(w);
	expect(w, read(fd, w->buffer, 4096), "read of events");
	close(fd);
}

typedef struct Work Work;

struct Work {
	const char *name;
	void (*run)(Worker *w);
	unsigned weight;
};

static const Work works[] = {
	{"write", work_write, 10},
	{"read", work_read, 10},
	{"map", work_map, 8},
	{"truncate", work_truncate, 5},
	{"fallocate", work_fallocate, 3},
	{"direct", work_direct, 4},
	{"copy", work_copy, 3},
	{"rename", work_rename, 8},
	{"link", work_link, 4},
	{"unlink", work_unlink, 6},
	{"mkdir", work_mkdir, 4},
	{"rmdir", work_rmdir, 3},
	{"list", work_list, 4},
	{"nameless", work_nameless, 3},
	{"attributes", work_attributes, 3},
	{"times", work_times, 3},
	{"flock", work_flock, 4},
	{"record lock", work_record_lock, 3},
	{"inherit", work_inherit, 4},
	{"run", work_run, 2},
	{"sync", work_sync, 3},
	{"status", work_status, 3},
	{"watch", work_watch, 3},
	{"renamed", work_renamed, 6},
	{"in place", work_in_place, 6},
	{"check", work_check, 8},
};

static inline const Work *draw_work(Worker *w)
{
	const size_t n = sizeof(works) / sizeof(works[0]);
	unsigned sum = 0, lot;

	for (size_t i = 0; i < n; i++)
		sum += works[i].weight;
	lot = draw(w, sum);
	for (size_t i = 0; i < n; i++) {
		if (lot < works[i].weight)
			return &works[i];
		lot -= works[i].weight;
	}
	return &works[0];
}
