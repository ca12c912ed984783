/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The works that run.py times, on files of its own.
 *
 *     work [--each] [--processes K] [--size BYTES] [--step BYTES] WORK DIR N [SEED [INPUT...]]
 *
 * K processes (1) begin at once, and each does WORK N times in its DIR/pI; printed is how many
 * nanoseconds passed from the first beginning to the last end. Each ends with a look (stat) at what
 * it has worked on, within that time: what closing a file has set going is to be over. With --each
 * there is one process at a time, but a new one for each time, as in a build: what is printed is
 * the sum of the times of these without their starts and their ends. Works, on DIR/pI/file:
 *
 *     stat       stat
 *     read       open, read --size bytes in pieces of --step bytes, close
 *     list       list DIR/pI and stat all that is there
 *     create     a new file of a name of its own: open, write, close
 *     write      open with O_TRUNC, write, close
 *     recreate   unlink, then the same
 *     replace    write a new file and rename it over the old one
 *     map        write all bytes through a shared mapping, unmap, close
 *     cp, ld, ar what `cp INPUT file`, `ld -r -o file INPUT...` and `ar crD file INPUT...` do
 *
 * SEED is what all bytes that are written depend on, and counts up from one time to the next if it
 * is not 0. Not timed:
 *
 *     prepare    makes DIR, and for each process pI in it, with --size bytes in `file`, or with N
 *                empty files if N is not 1
 *     drop       lets go of what is cached of pI/file
 *     populate   makes DIR/0, DIR/1 and so on with --step empty files each, N in all
 *     lookup     stats all that `populate` has made, from the SEEDth to the Nth; says how many */

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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIOD ((size_t)64 << 10) /* after so many bytes those of a file begin again */
#define LARGEST ((size_t)1 << 20) /* step */
#define MAX_PROCESSES 64
#define MAX_INPUTS 64
#define ONE_FD 3 /* where a process that is started for one time says how long it took */

typedef struct {
	const char *name;
	void (*run)(const char *path, uint64_t seed);
} Work;

typedef struct {
	uint64_t begin, end;
} Span;

static char buffer[LARGEST];
static size_t size = 4096, step = 4096;
static char **inputs; /* ends with NULL */
static char **arguments;

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

static void join(char *ret_path, size_t room, const char *dir, const char *name)
{
	if (snprintf(ret_path, room, "%s/%s", dir, name) >= (int)room) {
		errno = ENAMETOOLONG;
		die(name);
	}
}

/* What one time writes is in the buffer, from the byte on that its offset in a period says. */
static void fill(uint64_t seed)
{
	static uint64_t filled_with = UINT64_MAX;
	size_t first = size < PERIOD ? size : PERIOD;
	uint64_t x = 2 * seed + 1;

	if (seed == filled_with)
		return;
	for (size_t i = 0; i < first; i += sizeof(x)) {
		x = x * 6364136223846793005 + 1442695040888963407;
		memcpy(buffer + i, &x, sizeof(x));
	}
	for (size_t i = PERIOD; i < step; i += PERIOD)
		memcpy(buffer + i, buffer, PERIOD);
	filled_with = seed;
}

static void write_file(const char *path, uint64_t seed, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

	fill(seed);
	for (size_t done = 0; fd >= 0 && done < size; done += step)
		if (write(fd, buffer + done % PERIOD, step) != (ssize_t)step)
			die(path);
	if (fd < 0 || close(fd) < 0)
		die(path);
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
	for (size_t done = 0; fd >= 0 && done < size; done += step)
		if (read(fd, buffer, step) != (ssize_t)step)
			die(path);
	if (fd < 0 || close(fd) < 0)
		die(path);
}

/* Returns how many there are. */
static unsigned look_at_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	unsigned n = 0;

	if (!dir)
		die(path);
	for (; (entry = readdir(dir)); n++)
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			die(entry->d_name);
	closedir(dir);
	return n;
}

static void run_list(const char *path, uint64_t seed)
{
	char dir[4096];

	(void)seed;
	join(dir, sizeof(dir), path, "");
	*strrchr(dir, '/') = '\0';
	*strrchr(dir, '/') = '\0';
	look_at_all(dir);
}

static void run_create(const char *path, uint64_t seed)
{
	char made[4096];

	if (snprintf(made, sizeof(made), "%s.%" PRIu64, path, seed) >= (int)sizeof(made))
		die(path);
	write_file(made, seed, O_EXCL);
}

static void run_write(const char *path, uint64_t seed)
{
	write_file(path, seed, O_TRUNC);
}

static void run_recreate(const char *path, uint64_t seed)
{
	if (unlink(path) < 0)
		die(path);
	write_file(path, seed, O_EXCL);
}

static void run_replace(const char *path, uint64_t seed)
{
	char made[4096];

	if (snprintf(made, sizeof(made), "%s.new", path) >= (int)sizeof(made))
		die(path);
	write_file(made, seed, O_EXCL);
	if (rename(made, path) < 0)
		die(path);
}

static void run_map(const char *path, uint64_t seed)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *map =
		fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die(path);
	fill(seed);
	for (size_t done = 0; done < size; done += step)
		memcpy(map + done, buffer + done % PERIOD, step);
	if (munmap(map, size) < 0 || close(fd) < 0)
		die(path);
}

/* FIRST... INPUT..., and `last` if there is one */
static void run_command(const char *const *first, const char *last)
{
	const char *argv[MAX_INPUTS + 8];
	size_t n = 0;
	int status;
	pid_t pid;

	while (first[n]) {
		argv[n] = first[n];
		n++;
	}
	for (size_t i = 0; inputs[i] && i < MAX_INPUTS; i++)
		argv[n++] = inputs[i];
	if (last)
		argv[n++] = last;
	argv[n] = NULL;
	pid = vfork();
	if (pid == 0) {
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die(argv[0]);
	if (status != 0) {
		errno = ECHILD;
		die(argv[0]);
	}
}

static void run_cp(const char *path, uint64_t seed)
{
	(void)seed;
	run_command((const char *const[]){"cp", NULL}, path);
}

static void run_ld(const char *path, uint64_t seed)
{
	(void)seed;
	run_command((const char *const[]){"ld", "-r", "-o", path, NULL}, NULL);
}

static void run_ar(const char *path, uint64_t seed)
{
	(void)seed;
	run_command((const char *const[]){"ar", "crD", path, NULL}, NULL);
}

static const Work works[] = {
	{"stat", run_stat},
	{"read", run_read},
	{"list", run_list},
	{"create", run_create},
	{"write", run_write},
	{"recreate", run_recreate},
	{"replace", run_replace},
	{"map", run_map},
	{"cp", run_cp},
	{"ld", run_ld},
	{"ar", run_ar},
};

static void make_empty(int dir_fd, uint64_t number)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "file%" PRIu64, number);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || close(fd) < 0)
		die(name);
}

static void prepare(const char *top, unsigned n_processes, uint64_t n)
{
	char dir[4096], path[4096], name[32];

	if (mkdir(top, 0755) < 0 && errno != EEXIST)
		die(top);
	for (unsigned i = 0; i < n_processes; i++) {
		int dir_fd;

		snprintf(name, sizeof(name), "p%u", i);
		join(dir, sizeof(dir), top, name);
		dir_fd = mkdir(dir, 0755) < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir_fd < 0)
			die(dir);
		join(path, sizeof(path), dir, "file");
		if (n == 1)
			write_file(path, 0, O_EXCL);
		for (uint64_t j = 0; n > 1 && j < n; j++)
			make_empty(dir_fd, j);
		close(dir_fd);
	}
}

static void drop(const char *top, unsigned n_processes)
{
	char path[4096], name[32];

	for (unsigned i = 0; i < n_processes; i++) {
		int fd;

		snprintf(name, sizeof(name), "p%u/file", i);
		join(path, sizeof(path), top, name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
			die(path);
		close(fd);
	}
}

/* Opens, and makes if `make`, the directory of the given number. */
static int open_number(const char *top, uint64_t number, bool make)
{
	char path[4096], name[32];
	int fd;

	snprintf(name, sizeof(name), "%" PRIu64, number);
	join(path, sizeof(path), top, name);
	if (make && mkdir(path, 0755) < 0)
		die(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void populate(const char *top, uint64_t n)
{
	for (uint64_t i = 0; i < n; i += step) {
		int dir_fd = open_number(top, i / step, true);

		for (uint64_t j = i; j < i + step && j < n; j++)
			make_empty(dir_fd, j);
		close(dir_fd);
	}
}

static void look_up(const char *top, uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (uint64_t i = from; i < to; i += step) {
		int dir_fd = open_number(top, i / step, false);

		for (uint64_t j = i; j < i + step && j < to; j++, n++) {
			struct stat st;
			char name[32];

			snprintf(name, sizeof(name), "file%" PRIu64, j);
			if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
				die(name);
		}
		close(dir_fd);
	}
	printf("%" PRIu64 "\n", n);
}

static uint64_t seed_of(uint64_t seed, uint64_t i)
{
	return seed ? seed + i : 0;
}

/* What one process does. */
static void run_times(const Work *work, const char *path, uint64_t n, uint64_t seed, Span *ret_span)
{
	char made[4096];

	fill(seed);
	ret_span->begin = now();
	for (uint64_t i = 0; i < n; i++)
		work->run(path, seed_of(seed, i));
	if (work->run == run_create && snprintf(made, sizeof(made), "%s.%" PRIu64, path,
					       seed_of(seed, n - 1)) < (int)sizeof(made))
		path = made;
	if (work->run != run_list)
		run_stat(path, 0);
	ret_span->end = now();
}

/* One time by a process of its own; returns how long it took. */
static uint64_t run_one(uint64_t seed)
{
	char text[32];
	uint64_t ns = 0;
	int fds[2], status;
	pid_t pid;

	/* SEED is the last one of the arguments, for a tool has no --each. */
	snprintf(text, sizeof(text), "%" PRIu64, seed);
	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe");
	pid = vfork();
	if (pid < 0)
		die("vfork");
	if (pid == 0) {
		char sizes[32], steps[32];

		if (dup2(fds[1], ONE_FD) != ONE_FD)
			_exit(1);
		snprintf(sizes, sizeof(sizes), "%zu", size);
		snprintf(steps, sizeof(steps), "%zu", step);
		execl("/proc/self/exe", "work", "--one", "--size", sizes, "--step", steps,
			arguments[0], arguments[1], "1", text, (char *)NULL);
		_exit(1);
	}
	close(fds[1]);
	if (read(fds[0], &ns, sizeof(ns)) != sizeof(ns) || waitpid(pid, &status, 0) != pid ||
		status != 0)
		die("a process");
	close(fds[0]);
	return ns;
}

/* All processes wait until the other end of the second pipe is closed. */
static uint64_t run_processes(
	const Work *work, const char *dir, unsigned n_processes, uint64_t n, uint64_t seed)
{
	Span *spans = mmap(NULL, sizeof(*spans) * n_processes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = UINT64_MAX, end = 0;
	int ready[2], go[2], status;
	char byte = 0;

	if (spans == MAP_FAILED || pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	for (unsigned i = 0; i < n_processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			char path[4096], name[32];

			snprintf(name, sizeof(name), "p%u/file", i);
			join(path, sizeof(path), dir, name);
			close(go[1]);
			if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 0)
				die("pipe");
			/* Names and bytes of one process are not another one's. */
			run_times(work, path, n, seed ? seed + i * n : 0, &spans[i]);
			exit(0);
		}
	}
	close(ready[1]);
	for (unsigned i = 0; i < n_processes; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("pipe");
	close(go[1]);
	for (unsigned i = 0; i < n_processes; i++)
		if (wait(&status) < 0 || status != 0)
			exit(1);
	for (unsigned i = 0; i < n_processes; i++) {
		begin = spans[i].begin < begin ? spans[i].begin : begin;
		end = spans[i].end > end ? spans[i].end : end;
	}
	return end - begin;
}

__attribute__((noreturn)) static void usage(void)
{
	fputs("usage: work [--each] [--processes K] [--size BYTES] [--step BYTES] WORK DIR N [SEED "
	      "[INPUT...]]\n",
		stderr);
	exit(2);
}

static const Work *find_work(const char *name)
{
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (strcmp(name, works[i].name) == 0)
			return &works[i];
	usage();
}

static int run_work(bool each, bool one, unsigned n_processes, uint64_t n, uint64_t seed)
{
	const Work *work = find_work(arguments[0]);
	char path[4096];
	uint64_t ns = 0;
	Span span;

	if (one) {
		join(path, sizeof(path), arguments[1], "p0/file");
		run_times(work, path, 1, seed, &span);
		ns = span.end - span.begin;
		return write(ONE_FD, &ns, sizeof(ns)) == sizeof(ns) ? 0 : 1;
	}
	if (each)
		for (uint64_t i = 0; i < n; i++)
			ns += run_one(seed_of(seed, i));
	else
		ns = run_processes(work, arguments[1], n_processes, n, seed);
	printf("%" PRIu64 "\n", ns);
	return 0;
}

int main(int argc, char **argv)
{
	bool each = false, one = false;
	unsigned long n_processes = 1;
	uint64_t n, seed;
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--each") == 0)
			each = true;
		else if (strcmp(argv[i], "--one") == 0)
			one = true;
		else if (i + 1 == argc)
			usage();
		else if (strcmp(argv[i], "--processes") == 0)
			n_processes = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--size") == 0)
			size = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--step") == 0)
			step = strtoul(argv[++i], NULL, 10);
		else
			usage();
	}
	arguments = argv + i;
	argc -= i;
	n = argc > 2 ? strtoull(arguments[2], NULL, 10) : 0;
	seed = argc > 3 ? strtoull(arguments[3], NULL, 10) : 0;
	inputs = arguments + (argc > 4 ? 4 : argc);
	if (n == 0 || argc - 4 > MAX_INPUTS || n_processes == 0 || n_processes > MAX_PROCESSES ||
		step == 0 || step > LARGEST || size % step != 0)
		usage();
	if (strcmp(arguments[0], "prepare") == 0)
		prepare(arguments[1], (unsigned)n_processes, n);
	else if (strcmp(arguments[0], "drop") == 0)
		drop(arguments[1], (unsigned)n_processes);
	else if (strcmp(arguments[0], "populate") == 0)
		populate(arguments[1], n);
	else if (strcmp(arguments[0], "lookup") == 0)
		look_up(arguments[1], seed, n);
	else
		return run_work(each, one, (unsigned)n_processes, n, seed);
	return 0;
}
