/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large directories.
 *
 *     lister make DIR N     makes N empty files that stay: s0, s1, ...
 *     lister check DIR N    lists DIR again and again while another process makes and removes other
 *                           files in it: each name that stays is seen exactly once, each other one
 *                           at most once; and where telldir() says, seekdir() goes */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_OTHERS_MAX = 1 << 20, N_OTHERS_EACH = 200, N_PLACES = 64 };

static void make_files(int fd, const char *prefix, unsigned first, unsigned n)
{
	char name[32];

	for (unsigned i = first; i < first + n; i++) {
		int file;

		snprintf(name, sizeof name, "%s%u", prefix, i);
		file = openat(fd, name, O_CREAT | O_EXCL | O_WRONLY, 0666);
		if (file < 0)
			err(1, "cannot make %s", name);
		close(file);
	}
}

/* Never the same name twice; there are always two, or three for a moment. */
static void churn(int fd, unsigned *n_made)
{
	char name[32];

	for (unsigned i = 0; i < N_OTHERS_MAX; i++) {
		make_files(fd, "o", i, 1);
		__atomic_store_n(n_made, i + 1, __ATOMIC_SEQ_CST);
		if (i < 2)
			continue;
		snprintf(name, sizeof name, "o%u", i - 2);
		if (unlinkat(fd, name, 0) < 0)
			err(1, "cannot remove %s", name);
	}
}

/* One pass over the rest of the directory. */
static void list(DIR *dir, unsigned n)
{
	unsigned char *stays = calloc(n, 1), *others = calloc(N_OTHERS_MAX, 1);
	unsigned n_seen = 0;
	struct dirent *e;

	while ((e = readdir(dir))) {
		unsigned i = (unsigned)strtoul(e->d_name + 1, NULL, 10);

		if (*e->d_name == 's' && (i >= n || stays[i]++))
			errx(1, "%s is seen twice", e->d_name);
		if (*e->d_name == 'o' && (i >= N_OTHERS_MAX || others[i]++))
			errx(1, "%s is seen twice", e->d_name);
		n_seen += *e->d_name == 's';
	}
	if (n_seen != n)
		errx(1, "%u of %u are seen", n_seen, n);
	free(stays);
	free(others);
}

/* Whether the names behind some places are the same when they are gone to again, backwards. */
static void check_places(DIR *dir, unsigned n)
{
	char *names[N_PLACES];
	long places[N_PLACES];
	struct dirent *e;
	unsigned n_places = 0;

	rewinddir(dir);
	for (unsigned i = 0; n_places < N_PLACES; i++) {
		long place = telldir(dir);

		e = readdir(dir);
		if (!e)
			break;
		if (i % (n / N_PLACES + 1) != 0)
			continue;
		places[n_places] = place;
		names[n_places++] = strdup(e->d_name);
	}
	while (n_places-- > 0) {
		seekdir(dir, places[n_places]);
		e = readdir(dir);
		if (!e || strcmp(e->d_name, names[n_places]) != 0)
			errx(1, "%s where %s was", e ? e->d_name : "nothing", names[n_places]);
		if (telldir(dir) == places[n_places])
			errx(1, "telldir stays where it was");
		free(names[n_places]);
	}
}

static void check(const char *path, unsigned n)
{
	unsigned *n_made = mmap(
		NULL, sizeof *n_made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	DIR *dir = opendir(path), *old = opendir(path);
	unsigned n_before = 0;
	pid_t pid;
	int status;

	if (!dir || !old || n_made == MAP_FAILED)
		err(1, "%s", path);
	check_places(dir, n);
	/* what is open before is listed from its begin on */
	list(old, n);
	pid = fork();
	if (pid == 0) {
		churn(dirfd(dir), n_made);
		_exit(0);
	}
	for (unsigned i = 0; i < 3;) {
		unsigned n_now = __atomic_load_n(n_made, __ATOMIC_SEQ_CST);

		if (waitpid(pid, NULL, WNOHANG) == pid)
			errx(1, "the other process ended");
		rewinddir(dir);
		list(dir, n);
		/* a pass counts if enough was made since the last one that did */
		if (n_now - n_before < N_OTHERS_EACH)
			continue;
		n_before = n_now;
		i++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check_places(dir, n);
	closedir(dir);
	dir = opendir(path);
	list(dir, n);
	check_places(dir, n);
	closedir(dir);
	closedir(old);
}

int main(int argc, char **argv)
{
	unsigned n = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (n == 0) {
		fputs("usage: lister make|check DIR N\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "make") == 0)
		make_files(open(argv[2], O_RDONLY | O_DIRECTORY), "s", 0, n);
	else
		check(argv[2], n);
	return 0;
}
