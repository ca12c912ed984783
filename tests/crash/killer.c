/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kills a process before or after one of its system calls, whichever of its threads makes it.
 *
 *     killer PID N before|after [answers]
 *
 * Only system calls that change something outside of the process count: names, contents and
 * attributes of files, and if asked for answers to the kernel. From the line "ready" on they are
 * counted, and at the N-th one PID gets SIGKILL: before it has had any effect, or when it has had
 * it. "killed at NAME" is said then. It ends with PID; or when standard input does, and says how
 * many calls there were.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static const struct {
	long number;
	const char *name;
} calls[] = {
	{SYS_openat, "openat"}, /* if it makes a file */
	{SYS_linkat, "linkat"},
	{SYS_symlinkat, "symlinkat"},
	{SYS_renameat, "renameat"},
	{SYS_renameat2, "renameat2"},
	{SYS_unlinkat, "unlinkat"},
	{SYS_mkdirat, "mkdirat"},
	{SYS_ftruncate, "ftruncate"},
	{SYS_fallocate, "fallocate"},
	{SYS_pwrite64, "pwrite64"},
	{SYS_copy_file_range, "copy_file_range"},
	{SYS_ioctl, "ioctl"},
	{SYS_utimensat, "utimensat"},
	{SYS_fchmod, "fchmod"},
	{SYS_fchmodat, "fchmodat"},
	{SYS_fchown, "fchown"},
	{SYS_fchownat, "fchownat"},
	{SYS_fsetxattr, "fsetxattr"},
	{SYS_fremovexattr, "fremovexattr"},
	{SYS_fsync, "fsync"},
	{SYS_writev, "writev"},
};

static pid_t pid;
static unsigned n_wanted, n_calls;
static unsigned n_threads, n_stopped; /* at the beginning */
static bool before, answers, killed;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static const char *call_of(const struct ptrace_syscall_info *info)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == (long)info->entry.nr &&
			(answers || info->entry.nr != SYS_writev))
			return info->entry.nr != SYS_openat ||
					       (info->entry.args[2] & (O_CREAT | O_TMPFILE) &
						       ~O_DIRECTORY)
				       ? calls[i].name
				       : NULL;
	return NULL;
}

static void kill_at(const char *name)
{
	kill(pid, SIGKILL);
	killed = true;
	printf("killed at %s\n", name);
	fflush(stdout);
}

/* Of the thread that makes the N-th call: its end is waited for. */
static pid_t awaited;
static const char *awaited_call;

static void take_call(pid_t tid)
{
	struct ptrace_syscall_info info;
	const char *name;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && tid == awaited)
		kill_at(awaited_call);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || n_stopped < n_threads)
		return;
	name = call_of(&info);
	if (!name || ++n_calls != n_wanted)
		return;
	if (before) {
		kill_at(name);
	} else {
		awaited = tid;
		awaited_call = name;
	}
}

static void take_stop(pid_t tid, int status)
{
	const int stop = WSTOPSIG(status), event = status >> 16;
	int signal = 0;

	if (event == PTRACE_EVENT_STOP && n_stopped < n_threads)
		n_stopped++;
	if (stop == (SIGTRAP | 0x80) && !killed)
		take_call(tid);
	else if (event == 0 && stop != (SIGTRAP | 0x80))
		signal = stop;
	if (!killed)
		ptrace(PTRACE_SYSCALL, tid, 0, signal);
}

static void attach(void)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		die(path);
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)atol(entry->d_name);

		if (tid <= 0)
			continue;
		if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) < 0) {
			if (errno == ESRCH)
				continue; /* it has just ended */
			die("PTRACE_SEIZE");
		}
		if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
			die("PTRACE_INTERRUPT");
		n_threads++;
	}
	closedir(dir);
}

/* false: none is left. */
static bool take_stops(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
		if (WIFSTOPPED(status))
			take_stop(tid, status);
	return tid == 0;
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	struct signalfd_siginfo info;
	sigset_t set;

	if (argc < 4 || (strcmp(argv[3], "before") != 0 && strcmp(argv[3], "after") != 0)) {
		fprintf(stderr, "usage: killer PID N before|after [answers]\n");
		return 2;
	}
	pid = (pid_t)atol(argv[1]);
	n_wanted = (unsigned)atol(argv[2]);
	before = strcmp(argv[3], "before") == 0;
	answers = argc > 4;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	attach();
	for (bool ready = false; take_stops();) {
		if (!ready && n_stopped == n_threads) {
			ready = true;
			printf("ready\n");
			fflush(stdout);
		}
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[1].revents)
			(void)!read(p[1].fd, &info, sizeof(info));
		if (p[0].revents && !killed) {
			printf("%u calls\n", n_calls);
			return 0;
		}
		if (p[0].revents)
			p[0].fd = -1;
	}
	return 0;
}
