/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each test has a directory of its own, in the working directory. The file systems that take both
 * times or none are played by the two calls below, which stand before libc's. */

#include "stamp.h"

#include <sys/syscall.h>

#include "scratch-place.h"

/* What is below. */
typedef enum {
	BELOW_KERNEL,  /* what the kernel does */
	BELOW_NO_OMIT, /* one time alone is passed over in silence, and now is the coarse clock's */
} Below;

static Below below;
static int n_calls; /* that set times */
static int n_sizes; /* calls that set sizes */

static int set_below(int dir_fd, const char *name, const struct timespec times[2], int flags)
{
	struct timespec coarse[2] = {};

	n_calls++;
	if (below == BELOW_NO_OMIT) {
		for (int i = 0; i < 2; i++) {
			if (times && times[i].tv_nsec == UTIME_OMIT)
				return 0;
			if (!times || times[i].tv_nsec == UTIME_NOW)
				clock_gettime(CLOCK_REALTIME_COARSE, &coarse[i]);
			else
				coarse[i] = times[i];
		}
		times = coarse;
	}
	return (int)syscall(SYS_utimensat, dir_fd, name, times, flags);
}

int utimensat(int dir_fd, const char *name, const struct timespec times[2], int flags)
{
	return set_below(dir_fd, name, times, flags);
}

int futimens(int fd, const struct timespec times[2])
{
	return set_below(fd, NULL, times, 0);
}

int ftruncate(int fd, off_t size)
{
	n_sizes++;
	return (int)syscall(SYS_ftruncate, fd, size);
}

static void set_up(Place *place, const void *data)
{
	below = (Below)GPOINTER_TO_INT(data);
	place_set_up(place, NULL);
	make_file(place->fd, "file", "bytes");
	make_file(place->fd, "other", "bytes");
	make_link(place->fd, "link", "file");
}

static struct timespec mtime_of(Place *place, const char *name)
{
	return stat_of(place->fd, name).st_mtim;
}

static const struct timespec old[2] = {
	{.tv_sec = 1000000001, .tv_nsec = 5}, {.tv_sec = 1000000002, .tv_nsec = 123456789}};

/* Times of long ago, by which one that has moved is known. */
static void set_old(Place *place, const char *name)
{
	g_assert_cmpint(syscall(SYS_utimensat, place->fd, name, old, AT_SYMLINK_NOFOLLOW), ==, 0);
}

static void check_times(Place *place, const char *name, time_t atime, time_t mtime)
{
	struct stat st = stat_of(place->fd, name);

	g_assert_cmpint(st.st_atim.tv_sec, ==, atime);
	g_assert_cmpint(st.st_mtim.tv_sec, ==, mtime);
}

static void test_set(Place *place, const void *data)
{
	const struct timespec mtime[2] = {
		{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1200000000, .tv_nsec = 7}};
	const struct timespec atime[2] = {{.tv_sec = 1300000000}, {.tv_nsec = UTIME_OMIT}};
	const struct timespec both[2] = {{.tv_sec = 1400000000}, {.tv_sec = 1400000001}};
	autofd fd = openat(place->fd, "other", O_RDONLY | O_CLOEXEC);

	(void)data;
	for (const char *const *name = (const char *const[]){"file", "link", ".", NULL}; *name;
		name++) {
		set_old(place, *name);
		ASSERT_OK(stamp_set(place->fd, *name, mtime));
		check_times(place, *name, 1000000001, 1200000000);
		g_assert_cmpint(mtime_of(place, *name).tv_nsec, ==, 7);
		ASSERT_OK(stamp_set(place->fd, *name, atime));
		check_times(place, *name, 1300000000, 1200000000);
		ASSERT_OK(stamp_set(place->fd, *name, both));
		check_times(place, *name, 1400000000, 1400000001);
	}
	set_old(place, "other");
	ASSERT_OK(stamp_set_open(fd, mtime));
	check_times(place, "other", 1000000001, 1200000000);
	ASSERT_OK(stamp_set_open(fd, atime));
	check_times(place, "other", 1300000000, 1200000000);
	ASSERT_ERROR(stamp_set(place->fd, "none", mtime), ENOENT);
	ASSERT_ERROR(stamp_set_open(-1, both), EBADF);
}

/* What does what it is told is told once. */
static void test_set_once(Place *place, const void *data)
{
	const struct timespec mtime[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1200000000}};

	(void)data;
	set_old(place, "file");
	n_calls = 0;
	ASSERT_OK(stamp_set(place->fd, "file", mtime));
	ASSERT_OK(stamp_now_name(place->fd, "file"));
	g_assert_cmpint(n_calls, ==, 2);
}

static void test_now(Place *place, const void *data)
{
	struct timespec last, now;
	autofd fd = -1, other_fd = -1;
	bool fine;

	(void)data;
	set_old(place, "file");
	fd = openat(place->fd, "file", O_RDWR | O_CLOEXEC);
	other_fd = openat(place->fd, "other", O_RDWR | O_CLOEXEC);
	ASSERT_OK(stamp_now(fd));
	g_assert_cmpint(stat_of(place->fd, "file").st_atim.tv_sec, ==, 1000000001);
	g_assert_cmpint(stat_of(place->fd, "file").st_size, ==, 5);
	/* Kernels before 6.13 count in ticks: then neighbours may tie, and none is older. */
	last = mtime_of(place, "file");
	ASSERT_OK(stamp_now(other_fd));
	now = mtime_of(place, "other");
	fine = time_before(&last, &now);
	last = now;
	for (int i = 0; i < 100; i++) {
		ASSERT_OK(stamp_now(i % 2 ? other_fd : fd));
		now = mtime_of(place, i % 2 ? "other" : "file");
		g_assert_false(time_before(&now, &last));
		if (fine)
			g_assert_true(time_before(&last, &now));
		last = now;
	}
	ASSERT_ERROR(stamp_now(-1), EBADF);
}

/* Who is not root would drop set-id bits by setting the size. */
static void test_now_set_id(Place *place, const void *data)
{
	const mode_t modes[] = {0755, 04755, 02755};
	autofd fd = openat(place->fd, "file", O_RDWR | O_CLOEXEC);
	struct timespec last;

	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_assert_cmpint(fchmod(fd, modes[i]), ==, 0);
		set_old(place, "file");
		n_sizes = 0;
		ASSERT_OK(stamp_now(fd));
		g_assert_cmpint(n_sizes, ==, modes[i] & (S_ISUID | S_ISGID) ? 0 : 1);
		last = mtime_of(place, "file");
		g_assert_true(time_before(&old[1], &last));
		g_assert_cmpint(stat_of(place->fd, "file").st_mode & 07777, ==, modes[i]);
	}
}

static void test_now_name(Place *place, const void *data)
{
	struct timespec last;

	(void)data;
	set_old(place, "file");
	set_old(place, "link");
	set_old(place, ".");
	ASSERT_OK(stamp_now_name(place->fd, "link"));
	last = mtime_of(place, "link");
	g_assert_true(time_before(&old[1], &last));
	check_times(place, "file", 1000000001, 1000000002);
	ASSERT_OK(stamp_now_name(place->fd, "file"));
	last = mtime_of(place, "file");
	g_assert_true(time_before(&old[1], &last));
	g_assert_cmpint(stat_of(place->fd, "file").st_atim.tv_sec, ==, 1000000001);
	ASSERT_OK(stamp_now_name(place->fd, "."));
	last = mtime_of(place, ".");
	g_assert_true(time_before(&old[1], &last));
	ASSERT_ERROR(stamp_now_name(place->fd, "none"), ENOENT);
}

static void test_dir(Place *place, const void *data)
{
	struct timespec times[2];

	(void)data;
	set_old(place, ".");
	stamp_save_dir(place->fd, times);
	g_assert_cmpint(renameat(place->fd, "file", place->fd, "moved"), ==, 0);
	g_assert_cmpint(renameat(place->fd, "moved", place->fd, "file"), ==, 0);
	stamp_restore_dir(place->fd, times);
	check_times(place, ".", 1000000001, 1000000002);
	g_assert_cmpint(mtime_of(place, ".").tv_nsec, ==, 123456789);
}

static void add(const char *name, Below what, void (*test)(Place *, const void *))
{
	g_test_add(name, Place, GINT_TO_POINTER(what), set_up, test, place_tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/stamp/set", BELOW_KERNEL, test_set);
	add("/stamp/set-both-or-none", BELOW_NO_OMIT, test_set);
	add("/stamp/set-once", BELOW_KERNEL, test_set_once);
	add("/stamp/now", BELOW_KERNEL, test_now);
	add("/stamp/now-both-or-none", BELOW_NO_OMIT, test_now);
	add("/stamp/now-set-id", BELOW_NO_OMIT, test_now_set_id);
	add("/stamp/now-name", BELOW_KERNEL, test_now_name);
	add("/stamp/now-name-both-or-none", BELOW_NO_OMIT, test_now_name);
	add("/stamp/dir", BELOW_KERNEL, test_dir);
	add("/stamp/dir-both-or-none", BELOW_NO_OMIT, test_dir);
	return g_test_run();
}
