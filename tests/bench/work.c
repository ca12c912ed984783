/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The works that run.py times, on files that it has made.
 *
 *     work [--each] WORK DIR N [SEED]
 *
 * does WORK so often and prints how many nanoseconds one took. With --each every one is done by a
 * process of its own, as in a build, which is what is timed, without its start and its end. Works:
 * stat, read (open, read 4 KiB, close), small and big (open with O_TRUNC, write 4 KiB, or 64 MiB in
 * pieces of 64 KiB, close), replace (4 KiB in a new file, which is renamed over the old one). SEED
 * is in what is written, and counts up from one time to the next if it is not 0. `lookup` takes N
 * for nothing: it lists DIR/many and stats all that is there, and prints how many that were. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SMALL 4096
#define PIECE 65536
#define BIG ((size_t)64 << 20)
#define ONE_FD 3 /* where a process that is started for one work says how long it took */

typedef struct {
	const char *name;
	const char *file;
	void (*run)(const char *path, uint64_t seed);
} Work;

static char piece[PIECE];

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fill(void)
{
	uint64_t x = 1;

	for (size_t i = 0; i < PIECE; i += sizeof(x)) {
		x = x * 6364136223846793005 + 1442695040888963407;
		memcpy(piece + i, &x, sizeof(x));
	}
}

static void run_stat(const char *path, uint64_t seed)
{
	struct stat st;

	(void)seed;
	if (stat(path, &st) < 0)
		die(path);
}

static void run_read(const char *path, uint64_t seed)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)seed;
	if (fd < 0 || read(fd, piece, SMALL) != SMALL || close(fd) < 0)
		die(path);
}

static void rewrite(const char *path, uint64_t seed, size_t size, size_t step)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);

	memcpy(piece, &seed, sizeof(seed));
	for (size_t done = 0; fd >= 0 && done < size; done += step)
		if (write(fd, piece, step) != (ssize_t)step)
			die(path);
	if (fd < 0 || close(fd) < 0)
		die(path);
}

static void run_small(const char *path, uint64_t seed)
{
	rewrite(path, seed, SMALL, SMALL);
}

static void run_replace(const char *path, uint64_t seed)
{
	char made[4096];

	if (snprintf(made, sizeof(made), "%s.new", path) >= (int)sizeof(made))
		die(path);
	rewrite(made, seed, SMALL, SMALL);
	if (rename(made, path) < 0)
		die(path);
}

static void run_big(const char *path, uint64_t seed)
{
	rewrite(path, seed, BIG, PIECE);
}

static void look_up_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	unsigned n = 0;

	if (!dir)
		die(path);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && n++ < UINT32_MAX &&
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			die(entry->d_name);
	closedir(dir);
	printf("%u\n", n);
}

static const Work works[] = {
	{"stat", "known", run_stat},
	{"read", "known", run_read},
	{"small", "small", run_small},
	{"replace", "replaced", run_replace},
	{"big", "big", run_big},
};

/* One work by a process of its own; returns how long it took. */
static uint64_t run_one(char **argv, uint64_t seed)
{
	char text[32];
	uint64_t ns = 0;
	int fds[2], status;
	pid_t pid;

	snprintf(text, sizeof(text), "%" PRIu64, seed);
	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe");
	pid = vfork();
	if (pid < 0)
		die("vfork");
	if (pid == 0) {
		if (dup2(fds[1], ONE_FD) != ONE_FD)
			_exit(1);
		execl("/proc/self/exe", "work", "--one", argv[0], argv[1], "1", text, (char *)NULL);
		_exit(1);
	}
	close(fds[1]);
	if (read(fds[0], &ns, sizeof(ns)) != sizeof(ns) || waitpid(pid, &status, 0) != pid ||
		status != 0)
		die("a process");
	close(fds[0]);
	return ns;
}

int main(int argc, char **argv)
{
	bool each = argc > 1 && strcmp(argv[1], "--each") == 0;
	bool one = argc > 1 && strcmp(argv[1], "--one") == 0;
	const Work *work = NULL;
	uint64_t n, seed, begin, ns = 0;
	char path[4096];

	argc -= each || one;
	argv += each || one;
	if (argc < 4) {
		fprintf(stderr, "usage: work [--each] WORK DIR N [SEED]\n");
		return 2;
	}
	n = strtoull(argv[3], NULL, 10);
	seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	if (strcmp(argv[1], "lookup") == 0) {
		snprintf(path, sizeof(path), "%s/many", argv[2]);
		look_up_all(path);
		return 0;
	}
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (strcmp(argv[1], works[i].name) == 0)
			work = &works[i];
	if (!work || n == 0) {
		fprintf(stderr, "work: no such work: %s %s\n", argv[1], argv[3]);
		return 2;
	}
	snprintf(path, sizeof(path), "%s/%s", argv[2], work->file);
	fill();
	begin = now();
	for (uint64_t i = 0; i < n; i++) {
		uint64_t s = seed ? seed + i : 0;

		if (each)
			ns += run_one(argv + 1, s);
		else
			work->run(path, s);
	}
	if (!each)
		ns = now() - begin;
	if (one)
		return write(ONE_FD, &ns, sizeof(ns)) == sizeof(ns) ? 0 : 1;
	printf("%" PRIu64 "\n", ns / n);
	return 0;
}
