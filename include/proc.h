/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel says of processes: /proc, and descriptors that tell when a process ends. Nothing
 * here remembers anything.
 *
 * Where it says that a call can wait: /proc/PID of an exiting process can end up doing that
 * process's last unmap, which waits for this very file system. Never call it with a lock held, nor
 * from a thread that serves READ, WRITE, SETATTR or RELEASE. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#define PROC_COMMAND_MAX 72 /* 64 and a newline for the longest, a kernel thread's */

#define PROC_ARGUMENTS_MAX 4096

typedef struct ProcStat ProcStat;

struct ProcStat {
	char command[PROC_COMMAND_MAX];
	char state;               /* of its first thread */
	pid_t parent;             /* 0: none, or none that can be seen */
	int n_threads;            /* 0: it is being taken away */
	unsigned long long start; /* clock ticks since boot: with the pid, who it is */
};

/* A descriptor that can be read when the process has ended, with all of its threads; a zombie has.
 * It stays with this process, whoever gets the number later. There is none for a thread that is not
 * the first one. */
int proc_open_end(pid_t pid, int *ret_fd);

/* A descriptor for proc_command(). It stays with this thread, whoever gets the number later. */
int proc_open_command(pid_t tid, int *ret_fd);

/* The command's name as it is now; fails if the thread has gone. Does not wait. */
int proc_command(int fd, char command[static PROC_COMMAND_MAX]);

/* Can wait. -ESRCH: it is certain that there is no such process. Anything else: nobody knows. */
int proc_stat(pid_t pid, ProcStat *ret_stat);

/* The process that a thread belongs to. Can wait. */
int proc_process_of(pid_t tid, pid_t *ret_pid);

/* What the process was called with: argv[0] and what follows, NULL-terminated, one block to free
 * with g_free(). Of a long one the beginning, PROC_ARGUMENTS_MAX bytes, and then "..." as the last.
 * A process that ends has none. -EACCES: it belongs to somebody else than us and root, who might
 * have seen to it that whoever reads this from its memory waits for ever. Can wait. */
int proc_arguments(pid_t pid, char ***ret_arguments);

/* Such a block, of n bytes that are strings one after the other; the last may lack its 0. more:
 * "..." follows. */
char **proc_make_arguments(const char *text, size_t n, bool more);

/* The supplementary groups of a thread: an array of gid_t, to free. Can wait. */
int proc_groups(pid_t tid, GArray **ret_groups);

/* What the three above make of the text of /proc/PID/stat, which they spoil, and of status.
 * -EINVAL. */
int proc_parse_stat(char *line, ProcStat *ret_stat);
int proc_parse_process(const char *status, pid_t *ret_pid);
int proc_parse_groups(const char *status, GArray **ret_groups);

/* Whether it is certain that this process has gone, or is a zombie all of whose threads are. Can
 * wait. */
bool proc_has_gone(pid_t pid, unsigned long long start);
