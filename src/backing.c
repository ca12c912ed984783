/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directory under the mount is reached through a descriptor that was opened before mounting,
 * and everything below it by one name at a time. A hidden name carries the pid and the start time
 * of its daemon: a sweep leaves alone what another, living daemon may be about to rename. */

#include "backing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fileio.h"
#include "log.h"
#include "proc.h"
#include "stamp.h"
#include "util.h"
#include "walk.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define XATTR_SIZE_SMALL 4096

static void proc_path(int fd, char path[static 32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

bool backing_is_hidden(const char *name)
{
	return strncmp(name, BACKING_HIDDEN_PREFIX, strlen(BACKING_HIDDEN_PREFIX)) == 0;
}

static int backing_open(int dir_fd, const char *name, int flags, int *ret_fd)
{
	int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int backing_open_dir(int dir_fd, const char *name, int *ret_fd)
{
	return backing_open(dir_fd, name, O_PATH | O_DIRECTORY, ret_fd);
}

int backing_open_list(int dir_fd, int *ret_fd)
{
	return backing_open(dir_fd, ".", O_RDONLY | O_DIRECTORY, ret_fd);
}

int backing_open_path(int dir_fd, const char *name, int *ret_fd)
{
	return backing_open(dir_fd, name, O_PATH, ret_fd);
}

int backing_open_read(int dir_fd, const char *name, int *ret_fd)
{
	int r = backing_open(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOATIME, ret_fd);

	if (r == -EPERM)
		r = backing_open(dir_fd, name, O_RDONLY | O_NONBLOCK, ret_fd);
	return r;
}

int backing_may_write(int dir_fd, const char *name, int fd)
{
	struct statx st;

	if (faccessat(dir_fd, name, W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0 &&
		(errno == EROFS || errno == EPERM))
		return -errno;
	if (statx(fd, "", AT_EMPTY_PATH, 0, &st) == 0 &&
		(st.stx_attributes & (STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE)))
		return -EPERM;
	return 0;
}

int backing_open_write(int dir_fd, const char *name, int *ret_fd)
{
	return backing_open(dir_fd, name, O_RDWR | O_NONBLOCK, ret_fd);
}

static int reopen(int fd, int flags, int *ret_fd)
{
	char path[32];
	int copy;

	proc_path(fd, path);
	copy = open(path, flags | O_CLOEXEC);
	if (copy < 0)
		return -errno;
	*ret_fd = copy;
	return 0;
}

int backing_reopen_read(int fd, int *ret_fd)
{
	return reopen(fd, O_RDONLY, ret_fd);
}

int backing_reopen_quietly(int fd, int *ret_fd)
{
	return reopen(fd, O_RDONLY | O_NOATIME, ret_fd);
}

int backing_reopen_write(int fd, int *ret_fd)
{
	return reopen(fd, O_RDWR, ret_fd);
}

int backing_open_unreadable(int dir_fd, const char *name, int *ret_fd)
{
	autofd fd = -1;
	struct stat st;
	int r;

	r = backing_open(dir_fd, name, O_WRONLY | O_NONBLOCK, &fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (fchmod(fd, (st.st_mode & 07777) | S_IRUSR) == 0) {
		r = backing_reopen_read(fd, ret_fd);
		if (fchmod(fd, st.st_mode & 07777) < 0)
			log_errno(-errno, "cannot set the mode of %s back to %o, chmod it by hand",
				name, st.st_mode & 07777);
		if (r == 0)
			return 0;
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

static struct timespec time_of(const struct statx_timestamp *time)
{
	return (struct timespec){.tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec};
}

/* Another file system in user space answers from the kernel's cache otherwise. */
static int stat_fresh(int dir_fd, const char *name, int flags, struct stat *ret_stat)
{
	struct statx st;

	if (statx(dir_fd, name, flags | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	*ret_stat = (struct stat){
		.st_dev = makedev(st.stx_dev_major, st.stx_dev_minor),
		.st_ino = st.stx_ino,
		.st_mode = st.stx_mode,
		.st_nlink = st.stx_nlink,
		.st_uid = st.stx_uid,
		.st_gid = st.stx_gid,
		.st_rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor),
		.st_size = (off_t)st.stx_size,
		.st_blksize = (blksize_t)st.stx_blksize,
		.st_blocks = (blkcnt_t)st.stx_blocks,
		.st_atim = time_of(&st.stx_atime),
		.st_mtim = time_of(&st.stx_mtime),
		.st_ctim = time_of(&st.stx_ctime),
	};
	return 0;
}

int backing_stat(int dir_fd, const char *name, struct stat *ret_stat)
{
	return stat_fresh(dir_fd, name, AT_SYMLINK_NOFOLLOW, ret_stat);
}

int backing_stat_open(int fd, struct stat *ret_stat)
{
	return stat_fresh(fd, "", AT_EMPTY_PATH, ret_stat);
}

int backing_find(int dir_fd, const char *name, bool *ret_found)
{
	struct stat st;
	int r = backing_stat(dir_fd, name, &st);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret_found = r == 0;
	return 0;
}

bool backing_exists(int dir_fd, const char *name)
{
	bool found = false;

	return backing_find(dir_fd, name, &found) == 0 && found;
}

static char *hidden_name(void)
{
	static unsigned long long start; /* atomic; constant once it is known */
	static unsigned n;               /* atomic: makes the names of one process differ */
	ProcStat stat;

	if (!__atomic_load_n(&start, __ATOMIC_RELAXED) && proc_stat(getpid(), &stat) == 0)
		__atomic_store_n(&start, stat.start, __ATOMIC_RELAXED);
	return g_strdup_printf(BACKING_HIDDEN_PREFIX "%d-%llu-%u", (int)getpid(),
		__atomic_load_n(&start, __ATOMIC_RELAXED),
		__atomic_add_fetch(&n, 1, __ATOMIC_RELAXED));
}

int backing_stage(int dir_fd, mode_t mode, int *ret_fd, char **ret_hidden)
{
	g_autofree char *hidden = NULL;
	int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	struct timespec times[2];

	if (fd < 0 && ret_hidden &&
		(errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL)) {
		stamp_save_dir(dir_fd, times);
		hidden = hidden_name();
		fd = openat(
			dir_fd, hidden, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0)
			stamp_restore_dir(dir_fd, times);
	}
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	if (ret_hidden)
		*ret_hidden = g_steal_pointer(&hidden);
	return 0;
}

int backing_drop(int dir_fd, const char *hidden)
{
	struct timespec times[2];

	stamp_save_dir(dir_fd, times);
	if (unlinkat(dir_fd, hidden, 0) < 0)
		return -errno;
	stamp_restore_dir(dir_fd, times);
	return 0;
}

gid_t backing_group_begin(gid_t gid)
{
	return geteuid() == 0 ? (gid_t)setfsgid(gid) : gid;
}

void backing_group_end(const gid_t *gid)
{
	if (geteuid() == 0)
		setfsgid(*gid);
}

int backing_own(int fd, mode_t mode, uid_t uid)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid == uid)
		return 0;
	if (fchown(fd, uid, (gid_t)-1) < 0 && geteuid() == 0)
		return -errno;
	/* The change of owner has dropped set-id bits that were asked for. */
	if (!(mode & (S_ISUID | S_ISGID)) || fstat(fd, &st) < 0)
		return 0;
	return fchmod(fd, (st.st_mode & 0777) | (mode & 07000)) < 0 ? -errno : 0;
}

mode_t backing_mode(int dir_fd, mode_t mode, mode_t umask)
{
	char path[32];

	proc_path(dir_fd, path);
	return getxattr(path, ACL_DEFAULT, NULL, 0) > 0 ? mode : mode & ~umask;
}

int backing_link(int fd, int dir_fd, const char *name)
{
	char path[32];

	proc_path(fd, path);
	return linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Renames the staged file over the name, by way of a hidden name. A file that has lost its only
 * name can never get another: should the renaming fail, it keeps this one. */
static int expose_over(int fd, char **hidden, int dir_fd, const char *name)
{
	if (!*hidden) {
		g_autofree char *own = hidden_name();
		int r = backing_link(fd, dir_fd, own);

		if (r < 0)
			return r;
		*hidden = g_steal_pointer(&own);
	}
	if (renameat(dir_fd, *hidden, dir_fd, name) < 0)
		return -errno;
	g_clear_pointer(hidden, g_free);
	return 0;
}

int backing_expose(int fd, char **hidden, int dir_fd, const char *name, bool fresh)
{
	struct timespec times[2];
	int r = -EEXIST;

	stamp_save_dir(dir_fd, times);
	if (fresh && !*hidden)
		r = backing_link(fd, dir_fd, name);
	if (r == -EEXIST)
		r = expose_over(fd, hidden, dir_fd, name);
	if (r == 0)
		stamp_restore_dir(dir_fd, times);
	return r;
}

int backing_make_store(int root_fd, char **ret_name, int *ret_fd)
{
	g_autofree char *name = hidden_name();
	struct timespec times[2];
	int r;

	stamp_save_dir(root_fd, times);
	if (mkdirat(root_fd, name, 0700) < 0)
		return -errno;
	stamp_restore_dir(root_fd, times);
	r = backing_open_dir(root_fd, name, ret_fd);
	if (r < 0) {
		unlinkat(root_fd, name, AT_REMOVEDIR);
		return r;
	}
	*ret_name = g_steal_pointer(&name);
	return 0;
}

void backing_remove_store(int root_fd, const char *name)
{
	struct timespec times[2];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	stamp_save_dir(root_fd, times);
	if (backing_open(root_fd, name, O_RDONLY | O_DIRECTORY, &fd) < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
	if (unlinkat(root_fd, name, AT_REMOVEDIR) == 0)
		stamp_restore_dir(root_fd, times);
}

int backing_put_back(int store_fd, const char *kept, int dir_fd, const char *name)
{
	struct timespec times[2];

	stamp_save_dir(dir_fd, times);
	if (renameat(store_fd, kept, dir_fd, name) < 0)
		return -errno;
	stamp_restore_dir(dir_fd, times);
	return 0;
}

void backing_touch_dir(int dir_fd)
{
	/* Nothing is lost if it cannot be done: exposing the name moves it as well. */
	(void)!stamp_now_name(dir_fd, ".");
}

/* Copies one extended attribute. */
static int carry_attribute(int from_fd, int to_fd, const char *name)
{
	g_autofree char *value = NULL;
	ssize_t n = fgetxattr(from_fd, name, NULL, 0);

	if (n < 0)
		return errno == ENODATA ? 0 : -errno;
	value = g_malloc((size_t)n + 1);
	n = fgetxattr(from_fd, name, value, (size_t)n);
	if (n < 0)
		return -errno;
	if (fsetxattr(to_fd, name, value, (size_t)n, 0) == 0)
		return 0;
	/* Labels are the security module's affair: it has set the right one already, or none. */
	if (g_str_has_prefix(name, "security.") || g_str_has_prefix(name, "trusted."))
		return 0;
	return -errno;
}

/* Takes the attributes away that the other file does not have. */
static int carry_nothing_else(int from_fd, int to_fd)
{
	g_autofree char *names = NULL;
	ssize_t n = flistxattr(to_fd, NULL, 0);

	if (n <= 0)
		return n < 0 && errno != EOPNOTSUPP && errno != ENOSYS ? -errno : 0;
	names = g_malloc((size_t)n + 1);
	n = flistxattr(to_fd, names, (size_t)n);
	if (n < 0)
		return -errno;
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		bool label = g_str_has_prefix(name, "security.") &&
			     strcmp(name, "security.capability") != 0;

		if (label || (fgetxattr(from_fd, name, NULL, 0) >= 0 || errno != ENODATA))
			continue;
		if (fremovexattr(to_fd, name) < 0 && errno != ENODATA)
			return -errno;
	}
	return 0;
}

static int carry_attributes(int from_fd, int to_fd)
{
	g_autofree char *names = NULL;
	bool acl = false;
	ssize_t n;
	int r;

	n = flistxattr(from_fd, NULL, 0);
	if (n < 0)
		return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
	names = g_malloc((size_t)n + 1);
	n = flistxattr(from_fd, names, (size_t)n);
	if (n < 0)
		return -errno;
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		acl |= strcmp(name, ACL_ACCESS) == 0;
		if (strcmp(name, "security.capability") == 0)
			continue;
		r = carry_attribute(from_fd, to_fd, name);
		if (r < 0)
			return r;
	}
	/* The directory's default ACL has been given to the new file; the old one has none. */
	if (!acl && flistxattr(to_fd, NULL, 0) != 0 && fremovexattr(to_fd, ACL_ACCESS) < 0 &&
		errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	return 0;
}

mode_t backing_mode_after_write(mode_t mode)
{
	mode &= ~(mode_t)S_ISUID;
	return mode & S_IXGRP ? mode & ~(mode_t)S_ISGID : mode;
}

int backing_carry(int from_fd, int to_fd, bool drop_set_id)
{
	struct stat from, to;
	mode_t mode;
	int r;

	if (fstat(from_fd, &from) < 0 || fstat(to_fd, &to) < 0)
		return -errno;
	if ((from.st_uid != to.st_uid || from.st_gid != to.st_gid) &&
		fchown(to_fd, from.st_uid, from.st_gid) < 0)
		return -errno;
	r = carry_attributes(from_fd, to_fd);
	if (r < 0)
		return r;
	mode = from.st_mode & 07777;
	if (drop_set_id)
		mode = backing_mode_after_write(mode);
	/* Writing in place would not have moved it. (One time alone some file systems pass over.)
	 */
	(void)!futimens(to_fd, (struct timespec[2]){from.st_atim, to.st_mtim});
	return fchmod(to_fd, mode) < 0 ? -errno : 0;
}

bool backing_link_is_plain(int dir_fd, const char *name)
{
	char path[32], names[XATTR_SIZE_SMALL];
	autofd fd = -1;
	ssize_t n;

	if (backing_open_path(dir_fd, name, &fd) < 0)
		return false;
	proc_path(fd, path);
	n = listxattr(path, names, sizeof(names));
	if (n < 0)
		return errno == EOPNOTSUPP;
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		if (g_str_has_prefix(names + i, "trusted."))
			return false;
	return true;
}

/* Whether the attribute has the same value, or is absent, in both. */
static bool attribute_is_same(int a_fd, int b_fd, const char *name)
{
	char a[XATTR_SIZE_SMALL], b[XATTR_SIZE_SMALL];
	ssize_t n = fgetxattr(a_fd, name, a, sizeof(a)), m = fgetxattr(b_fd, name, b, sizeof(b));

	return n == m && (n <= 0 || memcmp(a, b, (size_t)n) == 0);
}

/* Whether both have the same extended attributes. What is too large to tell counts as different. */
static bool attributes_are_same(int a_fd, int b_fd)
{
	char a[XATTR_SIZE_SMALL], b[XATTR_SIZE_SMALL];
	ssize_t n = flistxattr(a_fd, a, sizeof(a)), m = flistxattr(b_fd, b, sizeof(b));

	if (n != m || (n > 0 && memcmp(a, b, (size_t)n) != 0))
		return false;
	for (const char *name = a; n > 0 && name < a + n; name += strlen(name) + 1)
		if (!attribute_is_same(a_fd, b_fd, name))
			return false;
	return n >= 0 || errno == EOPNOTSUPP || errno == ENOSYS;
}

int backing_assume(int from_fd, int to_fd)
{
	struct stat from, to;
	int r = 0;

	if (fstat(from_fd, &from) < 0 || fstat(to_fd, &to) < 0)
		return -errno;
	if ((from.st_uid != to.st_uid || from.st_gid != to.st_gid) &&
		fchown(to_fd, from.st_uid, from.st_gid) < 0)
		return -errno;
	if (!attributes_are_same(from_fd, to_fd)) {
		r = carry_attributes(from_fd, to_fd);
		if (r == 0)
			r = carry_attribute(from_fd, to_fd, "security.capability");
		if (r == 0)
			r = carry_nothing_else(from_fd, to_fd);
		if (r == 0 && !attributes_are_same(from_fd, to_fd))
			r = -EOPNOTSUPP;
	}
	if (r < 0 || fstat(to_fd, &to) < 0)
		return r < 0 ? r : -errno;
	if ((from.st_mode & 07777) == (to.st_mode & 07777))
		return 0;
	return fchmod(to_fd, from.st_mode & 07777) < 0 ? -errno : 0;
}

int backing_chmod(int path_fd, mode_t mode)
{
	char path[32];
	struct stat st;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	if ((st.st_mode & 07777) == (mode & 07777))
		return 0;
	proc_path(path_fd, path);
	return chmod(path, mode & 07777) < 0 ? -errno : 0;
}

int backing_chown(int path_fd, uid_t uid, gid_t gid)
{
	struct stat st;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	/* A change of owner drops set-id bits even where the owner stays. */
	if ((uid == (uid_t)-1 || uid == st.st_uid) && (gid == (gid_t)-1 || gid == st.st_gid) &&
		!(st.st_mode & (S_ISUID | S_ISGID)))
		return 0;
	return fchownat(path_fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											: 0;
}

/* When a file was made, in nanoseconds; 0: the file system does not say. Numbers of inodes are used
 * again, sometimes at once. */
static uint64_t file_birth(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) < 0 || !(st.stx_mask & STATX_BTIME))
		return 0;
	return (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
}

char *backing_link_through(int fd, char **hidden, int dir_fd, int to_fd)
{
	g_autofree char *own = hidden_name(), *name = NULL;
	struct timespec times[2];
	struct stat st;
	int r = -1;

	if (fstat(to_fd, &st) < 0)
		return NULL;
	name = g_strdup_printf(
		"%s-%ju-%ju", own, (uintmax_t)st.st_ino, (uintmax_t)file_birth(to_fd));
	stamp_save_dir(dir_fd, times);
	if (*hidden && (r = renameat(dir_fd, *hidden, dir_fd, name)) == 0)
		g_clear_pointer(hidden, g_free);
	if (r < 0)
		r = backing_link(fd, dir_fd, name);
	if (r < 0)
		return NULL;
	stamp_restore_dir(dir_fd, times);
	return g_steal_pointer(&name);
}

int backing_hide_through(int dir_fd, const char *through, char **ret_hidden)
{
	g_autofree char *own = hidden_name();
	struct timespec times[2];

	stamp_save_dir(dir_fd, times);
	if (renameat(dir_fd, through, dir_fd, own) < 0)
		return -errno;
	stamp_restore_dir(dir_fd, times);
	*ret_hidden = g_steal_pointer(&own);
	return 0;
}

/* The parts of a name that hidden_name() or backing_link_through() makes. */
typedef struct Hidden Hidden;

struct Hidden {
	int pid;
	unsigned long long start;
	unsigned long long ino, birth; /* 0: none */
};

/* Takes a number off, and what is behind it, as they are written there: no sign, no zero in front.
 */
static bool hidden_number(const char **rest, uint64_t max, unsigned long long *ret_number)
{
	char *end;

	errno = 0;
	if (!g_ascii_isdigit(**rest) || (**rest == '0' && g_ascii_isdigit((*rest)[1])))
		return false;
	*ret_number = g_ascii_strtoull(*rest, &end, 10);
	if (errno || *ret_number > max || (*end && *end != '-') || (*end && !end[1]))
		return false;
	*rest = end + (*end == '-');
	return true;
}

static bool hidden_parse(const char *name, Hidden *ret_hidden)
{
	const char *rest = name + strlen(BACKING_HIDDEN_PREFIX);
	unsigned long long pid, n;

	*ret_hidden = (Hidden){};
	if (!hidden_number(&rest, INT_MAX, &pid) ||
		!hidden_number(&rest, UINT64_MAX, &ret_hidden->start) ||
		!hidden_number(&rest, UINT_MAX, &n))
		return false;
	ret_hidden->pid = (int)pid;
	if (*rest && !hidden_number(&rest, UINT64_MAX, &ret_hidden->ino))
		return false;
	if (*rest && !hidden_number(&rest, UINT64_MAX, &ret_hidden->birth))
		return false;
	return !*rest;
}

bool backing_is_made(const char *hidden)
{
	Hidden parts;

	return hidden_parse(hidden, &parts);
}

bool backing_is_through(const char *hidden, ino_t *ret_ino, uint64_t *ret_birth)
{
	Hidden parts;

	if (!hidden_parse(hidden, &parts) || parts.ino == 0)
		return false;
	*ret_ino = (ino_t)parts.ino;
	*ret_birth = parts.birth;
	return true;
}

bool backing_is_born(int fd, uint64_t birth)
{
	return !birth || birth == file_birth(fd);
}

bool backing_is_living(const char *hidden)
{
	Hidden parts;

	return hidden_parse(hidden, &parts) && parts.pid > 0 && parts.start > 0 &&
	       !proc_has_gone(parts.pid, parts.start);
}
