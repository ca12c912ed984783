/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mtime that does not move where it should is a stale output. File systems in user space that are
 * built upon FUSE 2 (bindfs in Debian 12) get both times or none: a call that leaves one as it is
 * succeeds and does nothing. And what is now comes there from the kernel's coarse clock, which may
 * lie some milliseconds before the stamps of files that were written before. So after each call
 * that leaves one alone it is looked whether the other is set. If not, both are given.
 *
 * For now that would be the coarse clock. So a file is stamped by setting its size to what it is,
 * which the file system below stamps by its own clock, as it does with what is written; what cannot
 * be opened for that gets the time of day. Kernels before 6.13 count in ticks, and there a stamp
 * that has not moved may be right: one that is not older than the present tick is left. */

#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* name: NULL for what dir_fd is itself. */
static int get(int dir_fd, const char *name, struct stat *ret_stat)
{
	int r = name ? fstatat(dir_fd, name, ret_stat, AT_SYMLINK_NOFOLLOW)
		     : fstat(dir_fd, ret_stat);

	return r < 0 ? -errno : 0;
}

/* times: NULL for now. */
static int set(int dir_fd, const char *name, const struct timespec *times)
{
	int r = name ? utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW)
		     : futimens(dir_fd, times);

	return r < 0 ? -errno : 0;
}

/* Whether a time has become what was wanted, or cannot be told from it. */
static bool is_set(const struct timespec *wanted, const struct timespec *before,
	const struct timespec *after, const struct timespec *tick)
{
	if (wanted->tv_nsec == UTIME_OMIT)
		return true;
	if (wanted->tv_nsec == UTIME_NOW)
		return !time_equal(before, after) || !time_before(before, tick);
	return time_equal(wanted, after);
}

/* Both times; what is to stay is given as it is. */
static int set_both(int dir_fd, const char *name, const struct timespec times[static 2],
	const struct stat *before)
{
	struct timespec both[2] = {times[0], times[1]};
	int r;

	if (both[0].tv_nsec == UTIME_OMIT)
		both[0] = before->st_atim;
	if (both[1].tv_nsec == UTIME_OMIT)
		both[1] = before->st_mtim;
	for (int i = 0; i < 2; i++)
		if (both[i].tv_nsec == UTIME_NOW)
			clock_gettime(CLOCK_REALTIME, &both[i]);
	r = set(dir_fd, name, both);
	/* Who may write somebody else's file may set both times to now, but no other. */
	return r == -EPERM && times[1].tv_nsec == UTIME_NOW ? set(dir_fd, name, NULL) : r;
}

static int set_times(int dir_fd, const char *name, const struct timespec times[static 2])
{
	struct timespec tick;
	struct stat before, after;
	int r;

	clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	/* Asked for its times first, the kernel gives the inode a fine-grained stamp. */
	r = get(dir_fd, name, &before);
	if (r == 0)
		r = set(dir_fd, name, times);
	if (r == 0 && times[0].tv_nsec != UTIME_OMIT && times[1].tv_nsec != UTIME_OMIT)
		return 0;
	/* Nor may they set one to now. */
	if (r == -EPERM && times[1].tv_nsec == UTIME_NOW)
		return set(dir_fd, name, NULL);
	if (r == 0)
		r = get(dir_fd, name, &after);
	if (r < 0 || (is_set(&times[0], &before.st_atim, &after.st_atim, &tick) &&
			     is_set(&times[1], &before.st_mtim, &after.st_mtim, &tick)))
		return r;
	return set_both(dir_fd, name, times, &before);
}

int stamp_set(int dir_fd, const char *name, const struct timespec times[static 2])
{
	return set_times(dir_fd, name, times);
}

int stamp_set_open(int fd, const struct timespec times[static 2])
{
	return set_times(fd, NULL, times);
}

int stamp_now(int fd)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	struct stat before, after;

	if (fstat(fd, &before) < 0)
		return -errno;
	if (futimens(fd, times) < 0)
		return set_times(fd, NULL, times);
	if (fstat(fd, &after) == 0 && !time_equal(&before.st_mtim, &after.st_mtim))
		return 0;
	/* That would drop set-id bits, unless root does it. */
	if (S_ISREG(before.st_mode) && !(before.st_mode & (S_ISUID | S_ISGID)) &&
		ftruncate(fd, before.st_size) == 0 && fstat(fd, &after) == 0 &&
		!time_equal(&before.st_mtim, &after.st_mtim))
		return 0;
	return set_times(fd, NULL, times);
}

int stamp_now_name(int dir_fd, const char *name)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};

	return set_times(dir_fd, name, times);
}

void stamp_save_dir(int dir_fd, struct timespec ret_times[static 2])
{
	struct stat dir;

	ret_times[0] = ret_times[1] = (struct timespec){.tv_nsec = UTIME_OMIT};
	if (get(dir_fd, ".", &dir) == 0)
		ret_times[1] = dir.st_mtim;
}

void stamp_restore_dir(int dir_fd, const struct timespec times[static 2])
{
	(void)!set_times(dir_fd, ".", times);
}
