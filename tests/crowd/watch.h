/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The watchdog: a place whose count stands still for too long is said, with where its process and
 * the daemon's threads wait in the kernel. It reads /proc/PID/task alone, which waits for nobody.
 */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>

#include "shared.h"

enum { MAX_STACKS = 6 }; /* of one kind */

/* A file of a thread in /proc, without what ends it; empty if it cannot be read. */
static inline void read_task(const char *task, const char *file, char *text, size_t size)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", task, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
}

static inline void watch_tell_task(const char *task)
{
	char comm[64], wchan[128], call[256], stack[2048], *line, *rest = stack;

	read_task(task, "comm", comm, sizeof(comm));
	read_task(task, "wchan", wchan, sizeof(wchan));
	read_task(task, "syscall", call, sizeof(call));
	read_task(task, "stack", stack, sizeof(stack));
	printf("  %s (%s) waits in %s; system call %s\n", task, comm, *wchan ? wchan : "?",
		*call ? call : "?");
	while ((line = strsep(&rest, "\n")) && *line)
		printf("      %s\n", line);
}

static inline void watch_tell_process(pid_t pid)
{
	char dir[64], task[128];
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%d/task", (int)pid);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(task, sizeof(task), "%s/%.20s", dir, e->d_name);
		watch_tell_task(task);
	}
	if (d)
		closedir(d);
}

/* The watchdog's clock. Where all processes are stopped together, with this one among them (a
 * virtual machine that is saved, a control group that is frozen), nobody stands still by himself:
 * of the time between two looks no more than a second counts. */
static inline int64_t watch_clock(Crowd *crowd)
{
	const int64_t second = INT64_C(1000000000), now = now_ns();
	const int64_t since = now - crowd->looked;

	crowd->clock += since < second ? since : second;
	crowd->looked = now;
	return crowd->clock;
}

/* Whether one stands still; says so, for as many as fit. */
static inline bool watch_barks(Crowd *crowd)
{
	const int64_t now = watch_clock(crowd);
	int n = 0;

	for (int i = 0; i < crowd->n_slots; i++) {
		Slot *slot = &crowd->slots[i];
		uint64_t n_done = atomic_load(&slot->n_done);

		if (n_done != slot->n_done_seen || slot->moved == 0) {
			slot->n_done_seen = n_done;
			slot->moved = now;
		}
		if (atomic_load(&slot->pid) == 0 ||
			now - slot->moved < slot->stall * INT64_C(1000000000))
			continue;
		if (n++ == 0)
			crowd_fail(crowd, "process %d stands still for %d s in: %s",
				(int)atomic_load(&slot->pid), slot->stall,
				atomic_load(&slot->doing));
		if (n <= MAX_STACKS)
			watch_tell_process(atomic_load(&slot->pid));
	}
	if (n == 0)
		return false;
	printf("%d of %d stand still; the daemon's threads:\n", n, crowd->n_slots);
	watch_tell_process(crowd->daemon);
	fflush(stdout);
	return true;
}
