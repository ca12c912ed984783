/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is left of a daemon that has died, told from what a living one is about to rename. */

#include "sweep.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "scratch-place.h"

/* When a process began, in the kernel's words. */
static unsigned long long start_of(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *line = NULL;
	g_auto(GStrv) words = NULL;

	g_assert_true(g_file_get_contents(path, &line, NULL, NULL));
	words = g_strsplit(strrchr(line, ')') + 2, " ", -1);
	return g_ascii_strtoull(words[19], NULL, 10);
}

static void make_hidden(int dir_fd, pid_t pid, unsigned long long start, unsigned n)
{
	g_autofree char *name =
		g_strdup_printf(BACKING_HIDDEN_PREFIX "%d-%llu-%u", (int)pid, start, n);

	make_file(dir_fd, name, "staged");
}

#define OTHERS_NAMES                                                                               \
	".lklfs .lklfs-stage " BACKING_HIDDEN_PREFIX " " BACKING_HIDDEN_PREFIX                     \
	"-1-0-0 " BACKING_HIDDEN_PREFIX "1-1 " BACKING_HIDDEN_PREFIX                               \
	"1-1-1- " BACKING_HIDDEN_PREFIX "1-1-1-1-1x " BACKING_HIDDEN_PREFIX                        \
	"1-1-1-1x " BACKING_HIDDEN_PREFIX "1-1-1x " BACKING_HIDDEN_PREFIX                          \
	"x a f.lklfs-unsaved file"

static void test_sweep_dead(Place *place, const void *data)
{
	unsigned long long start;
	pid_t pid = fork();
	autofd deep_fd = -1;

	(void)data;
	if (pid == 0)
		_exit(0);
	start = start_of(pid);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	make_dir(place->fd, "a");
	make_dir(place->fd, "a/b");
	deep_fd = openat(place->fd, "a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_hidden(place->fd, pid, start, 0);
	make_hidden(place->fd, pid, start, 1);
	make_hidden(deep_fd, pid, start, 2);
	/* somebody else has the pid now */
	make_hidden(place->fd, getpid(), start_of(getpid()) + 1, 0);
	make_hidden(deep_fd, 1, start_of(1) + 1, 0);
	/* nobody's */
	make_hidden(place->fd, 0, 0, 0);
	make_hidden(place->fd, getpid(), 0, 0);
	/* not ours */
	make_file(place->fd, BACKING_HIDDEN_PREFIX, "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "x", "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "-1-0-0", "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "1-1", "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "1-1-1x", "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "1-1-1-", "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "1-1-1-1x", "bytes");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "1-1-1-1-1x", "bytes");
	make_file(place->fd, "file", "bytes");
	make_file(place->fd, ".lklfs", "bytes");
	make_file(place->fd, ".lklfs-stage", "bytes");
	make_file(place->fd, "f.lklfs-unsaved", "bytes");
	make_file(deep_fd, "x" BACKING_HIDDEN_PREFIX "1-1-1", "bytes");
	sweep_tree(place->fd);
	check_names(place->fd, OTHERS_NAMES);
	check_names(deep_fd, "x" BACKING_HIDDEN_PREFIX "1-1-1");
	check_text(place->fd, "file", "bytes");
	/* what can be listed can be swept once more */
	sweep_tree(place->fd);
	check_names(place->fd, OTHERS_NAMES);
}

/* Another daemon may be about to rename it. */
static void test_sweep_living(Place *place, const void *data)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();
	const pid_t living[] = {parent, pid};

	(void)data;
	if (pid == 0)
		scratch_wait_for_death(parent);
	make_dir(place->fd, "dir");
	for (size_t i = 0; i < G_N_ELEMENTS(living); i++) {
		g_autofree char *name = g_strdup_printf(
			BACKING_HIDDEN_PREFIX "%d-%llu-7", (int)living[i], start_of(living[i]));
		g_autofree char *in_dir = g_strconcat("dir/", name, NULL);

		make_file(place->fd, name, "staged");
		make_file(place->fd, in_dir, "staged");
		sweep_tree(place->fd);
		check_text(place->fd, name, "staged");
		check_text(place->fd, in_dir, "staged");
	}
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	sweep_tree(place->fd);
	{
		g_autofree char *left = g_strdup_printf(
			BACKING_HIDDEN_PREFIX "%d-%llu-7 dir", (int)getpid(), start_of(getpid()));

		check_names(place->fd, left);
	}
}

/* Never follows a symbolic link: neither to a directory, nor from a name that is swept. */
static void test_sweep_links(Place *place, const void *data)
{
	autofd inside_fd = -1, outside_fd = -1;

	(void)data;
	make_dir(place->fd, "inside");
	make_dir(place->fd, "outside");
	inside_fd = openat(place->fd, "inside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	outside_fd = openat(place->fd, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_hidden(outside_fd, 0, 0, 0);
	make_file(outside_fd, "file", "bytes");
	make_link(inside_fd, "link", "../outside");
	make_link(inside_fd, "loop", ".");
	make_link(inside_fd, BACKING_HIDDEN_PREFIX "0-0-1", "../outside/file");
	make_link(inside_fd, BACKING_HIDDEN_PREFIX "0-0-2", "../outside");
	sweep_tree(inside_fd);
	check_names(inside_fd, "link loop");
	check_names(outside_fd, BACKING_HIDDEN_PREFIX "0-0-0 file");
	check_text(outside_fd, "file", "bytes");
}

/* ---- what was being written through ---- */

#define THROUGH_SIZE 100000
#define WRITTEN 1700000000 /* when the daemon that died began to write */

/* A process stages "new" for the inode of a name, says so, and dies before it has written anything.
 */
static void write_through_and_die(Place *place, const char *name)
{
	const struct timespec written[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = WRITTEN}};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *none = NULL;
		int fd = make_stage(place->fd, "new", &none);
		int to_fd = openat(place->fd, name, O_RDONLY | O_CLOEXEC);
		char *hidden = backing_link_through(fd, &none, place->fd, to_fd);

		scratch_size(fd, THROUGH_SIZE); /* the rest is a hole */
		g_assert_cmpint(futimens(fd, written), ==, 0);
		_exit(hidden && backing_is_hidden(hidden) ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

/* All names of the inode see the bytes that a dead daemon did not get to write, holes and all, with
 * the time of its writing: a source that has been changed since then is newer. */
static void test_through(Place *place, const void *data)
{
	const char *const neighbours[] = {"a", "b", "c", "x", "y", "z"};
	g_autofree char *old = g_strnfill(2 * THROUGH_SIZE, 'o');
	g_autofree char *got = g_malloc0(2 * THROUGH_SIZE);
	g_autofree char *wanted = g_malloc0(THROUGH_SIZE);
	autofd fd = -1;
	struct stat st;

	(void)data;
	memcpy(wanted, "new", 3);
	make_dir(place->fd, "dir");
	for (size_t i = 0; i < G_N_ELEMENTS(neighbours); i++) {
		make_file(place->fd, neighbours[i], "neighbour");
		if (i == 3)
			make_file(place->fd, "name", old);
	}
	g_assert_cmpint(linkat(place->fd, "name", place->fd, "dir/other", 0), ==, 0);
	st = stat_of(place->fd, "name");
	write_through_and_die(place, "name");
	sweep_tree(place->fd);
	check_names(place->fd, "a b c dir name x y z");
	for (size_t i = 0; i < G_N_ELEMENTS(neighbours); i++)
		check_text(place->fd, neighbours[i], "neighbour");
	fd = openat(place->fd, "dir/other", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(pread(fd, got, 2 * THROUGH_SIZE, 0), ==, THROUGH_SIZE);
	g_assert_cmpmem(got, THROUGH_SIZE, wanted, THROUGH_SIZE);
	g_assert_cmpint(stat_of(place->fd, "name").st_ino, ==, st.st_ino);
	g_assert_cmpint(stat_of(place->fd, "name").st_nlink, ==, 2);
	g_assert_cmpint(stat_of(place->fd, "name").st_mtime, ==, WRITTEN);
}

/* Whichever directory has the file by now. */
static void test_through_elsewhere(Place *place, const void *data)
{
	(void)data;
	make_dir(place->fd, "dir");
	make_dir(place->fd, "dir/below");
	make_file(place->fd, "name", "old");
	write_through_and_die(place, "name");
	g_assert_cmpint(renameat(place->fd, "name", place->fd, "dir/below/moved"), ==, 0);
	sweep_tree(place->fd);
	check_text(place->fd, "dir/below/moved", "new");
	check_names(place->fd, "dir");
}

/* Another file has the inode number by now: here it is said to be made at another time. */
static void test_through_reused(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;

	(void)data;
	make_file(place->fd, "name", "newer");
	hidden = g_strdup_printf(BACKING_HIDDEN_PREFIX "1-1-1-%ju-4711",
		(uintmax_t)stat_of(place->fd, "name").st_ino);
	make_file(place->fd, hidden, "stale");
	sweep_tree(place->fd);
	check_text(place->fd, "name", "newer");
	check_names(place->fd, "name");
}

/* The file has gone: nobody misses the bytes. */
static void test_through_gone(Place *place, const void *data)
{
	(void)data;
	make_file(place->fd, "name", "old");
	write_through_and_die(place, "name");
	g_assert_cmpint(unlinkat(place->fd, "name", 0), ==, 0);
	sweep_tree(place->fd);
	check_names(place->fd, "");
}

/* Somebody has written the file since, long after the daemon can have done so: his bytes stay, and
 * so do the others. */
static void test_through_written_since(Place *place, const void *data)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

	(void)data;
	make_file(place->fd, "name", "native");
	write_through_and_die(place, "name");
	times[1] = stat_of(place->fd, "name").st_mtim;
	times[1].tv_sec += 3600;
	g_assert_cmpint(utimensat(place->fd, "name", times, 0), ==, 0);
	sweep_tree(place->fd);
	check_text(place->fd, "name", "native");
	/* and are not removed by a later sweep either */
	sweep_tree(place->fd);
	check_text(place->fd, "name", "native");
	g_assert_cmpint(unlinkat(place->fd, "name", 0), ==, 0);
	sweep_tree(place->fd);
	check_names(place->fd, "");
}

static void test_through_living(Place *place, const void *data)
{
	g_autofree char *none = NULL, *hidden = NULL;
	autofd fd = make_stage(place->fd, "new", &none), to_fd = -1;

	(void)data;
	make_file(place->fd, "name", "old");
	to_fd = openat(place->fd, "name", O_RDONLY | O_CLOEXEC);
	hidden = backing_link_through(fd, &none, place->fd, to_fd);
	g_assert_nonnull(hidden);
	sweep_tree(place->fd);
	check_text(place->fd, "name", "old");
	check_text(place->fd, hidden, "new");
}

/* A hidden name that is a link gives nobody's bytes to the inode it names. */
static void test_through_link(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;

	(void)data;
	make_file(place->fd, "name", "old");
	make_file(place->fd, "secret", "secret");
	hidden = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-1-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	make_link(place->fd, hidden, "secret");
	sweep_tree(place->fd);
	check_text(place->fd, "name", "old");
	check_text(place->fd, "secret", "secret");
}

/* Neither is it a file, so there are no bytes to write through: the sweep must not wait for a
 * fifo's writer, nor take a directory's size for that of the file. */
static void test_through_no_file(Place *place, const void *data)
{
	g_autofree char *fifo = NULL, *dir = NULL;

	(void)data;
	make_file(place->fd, "name", "old");
	fifo = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-1-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	dir = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-2-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	make_dir(place->fd, dir);
	sweep_tree(place->fd);
	check_text(place->fd, "name", "old");
	g_assert_cmpint(mkfifoat(place->fd, fifo, 0644), ==, 0);
	sweep_tree(place->fd);
	check_text(place->fd, "name", "old");
}

/* A hidden name that somebody else has made is nobody's stage. */
static void test_through_forged(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;

	(void)data;
	if (geteuid() != 0) {
		g_test_skip("only root has files of several owners");
		return;
	}
	make_file(place->fd, "name", "old");
	hidden = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-1-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	make_file(place->fd, hidden, "forged");
	g_assert_cmpint(fchownat(place->fd, hidden, OTHER, OTHER, 0), ==, 0);
	sweep_tree(place->fd);
	check_text(place->fd, "name", "old");
}

/* A zombie will not rename anything any more, however long nobody waits for it. */
static void test_sweep_zombie(Place *place, const void *data)
{
	pid_t pid = fork();
	siginfo_t info;

	(void)data;
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	make_hidden(place->fd, pid, start_of(pid), 0);
	sweep_tree(place->fd);
	check_names(place->fd, "");
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/* Whoever cannot be looked at counts as living: here for want of descriptors, of which the sweep
 * itself gets the last one. */
static void test_sweep_unseen(Place *place, const void *data)
{
	int status = -1;
	pid_t pid;

	(void)data;
	make_hidden(place->fd, getpid(), start_of(getpid()), 0);
	make_file(place->fd, BACKING_HIDDEN_PREFIX "0-0-0", "staged");
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		rlim_t n = (rlim_t)dup(place->fd) + 1;

		close((int)n - 1);
		if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){n, n}) < 0)
			_exit(1);
		sweep_tree(place->fd);
		/* the sweep was not kept from sweeping */
		_exit(backing_exists(place->fd, BACKING_HIDDEN_PREFIX "0-0-0") ? 1 : 0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	{
		g_autofree char *left = g_strdup_printf(
			BACKING_HIDDEN_PREFIX "%d-%llu-0", (int)getpid(), start_of(getpid()));

		check_names(place->fd, left);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	place_add("/sweep/dead", NULL, test_sweep_dead);
	place_add("/sweep/living", NULL, test_sweep_living);
	place_add("/sweep/links", NULL, test_sweep_links);
	place_add("/sweep/through", NULL, test_through);
	place_add("/sweep/through-elsewhere", NULL, test_through_elsewhere);
	place_add("/sweep/through-reused", NULL, test_through_reused);
	place_add("/sweep/through-gone", NULL, test_through_gone);
	place_add("/sweep/through-written-since", NULL, test_through_written_since);
	place_add("/sweep/through-living", NULL, test_through_living);
	place_add("/sweep/through-link", NULL, test_through_link);
	place_add("/sweep/through-no-file", NULL, test_through_no_file);
	place_add("/sweep/through-forged", NULL, test_through_forged);
	place_add("/sweep/zombie", NULL, test_sweep_zombie);
	place_add("/sweep/unseen", NULL, test_sweep_unseen);
	return g_test_run();
}
