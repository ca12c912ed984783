/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pid that cannot be looked at tells nothing: there may be no descriptor left to look with, or
 * /proc hides the processes of others. So what is certain is told apart from what is not. */

#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fileio.h"
#include "util.h"

#define PROC_MORE "..." /* stands for arguments that are left out */

static int proc_open(pid_t pid, const char *file, int *ret_fd)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (errno != ENOENT)
		return -errno;
	/* It is not there, or only not shown (hidepid); signals know. */
	return kill(pid, 0) < 0 && errno == ESRCH ? -ESRCH : -EACCES;
}

int proc_open_end(pid_t pid, int *ret_fd)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int proc_open_command(pid_t tid, int *ret_fd)
{
	return proc_open(tid, "comm", ret_fd);
}

/* Unlike stat, it is made without a look at the memory of the process: so it costs a sixth, and
 * waits for nobody. */
int proc_command(int fd, char command[static PROC_COMMAND_MAX])
{
	ssize_t n = pread(fd, command, PROC_COMMAND_MAX - 1, 0);

	if (n < 0)
		return -errno;
	if (n > 0 && command[n - 1] == '\n')
		n--;
	command[n] = 0;
	return 0;
}

static int proc_read(pid_t pid, const char *file, char *buffer, size_t size)
{
	autofd fd = -1;
	size_t n = 0;
	int r;

	r = proc_open(pid, file, &fd);
	if (r < 0)
		return r;
	r = fileio_pread(fd, buffer, size - 1, 0, &n);
	if (r < 0)
		return r;
	buffer[n] = 0;
	return 0;
}

/* The command may hold anything, parentheses too, so the last one ends it. */
int proc_parse_stat(char *line, ProcStat *ret_stat)
{
	char *open = strchr(line, '('), *close = strrchr(line, ')');
	int parent;

	if (!open || !close || close < open)
		return -EINVAL;
	*close = 0;
	if (sscanf(close + 1,
		    " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
		    "%llu",
		    &ret_stat->state, &parent, &ret_stat->n_threads, &ret_stat->start) != 4)
		return -EINVAL;
	ret_stat->parent = parent;
	g_strlcpy(ret_stat->command, open + 1, sizeof(ret_stat->command));
	return 0;
}

int proc_stat(pid_t pid, ProcStat *ret_stat)
{
	char line[1024];
	int r;

	r = proc_read(pid, "stat", line, sizeof(line));
	if (r < 0)
		return r;
	return proc_parse_stat(line, ret_stat);
}

int proc_parse_process(const char *status, pid_t *ret_pid)
{
	const char *line = strstr(status, "\nTgid:");
	pid_t pid = line ? (pid_t)strtol(line + 6, NULL, 10) : 0;

	if (pid <= 0)
		return -EINVAL;
	*ret_pid = pid;
	return 0;
}

int proc_process_of(pid_t tid, pid_t *ret_pid)
{
	char status[4096];
	int r;

	r = proc_read(tid, "status", status, sizeof(status));
	return r < 0 ? r : proc_parse_process(status, ret_pid);
}

int proc_parse_groups(const char *status, GArray **ret_groups)
{
	const char *at = strstr(status, "\nGroups:");
	GArray *groups;

	if (!at)
		return -EINVAL;
	groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
	at += strlen("\nGroups:");
	for (;;) {
		gid_t group;
		char *end;

		at += strspn(at, " \t");
		if (!g_ascii_isdigit(*at))
			break;
		group = (gid_t)strtoul(at, &end, 10);
		g_array_append_val(groups, group);
		at = end;
	}
	*ret_groups = groups;
	return 0;
}

char **proc_make_arguments(const char *text, size_t n, bool more)
{
	const size_t n_last = more ? sizeof(PROC_MORE) : 0;
	size_t n_arguments = more, i = 0;
	char **arguments, *copy;

	for (size_t at = 0; at < n; at++)
		n_arguments += text[at] == 0 || at + 1 == n;
	arguments = g_malloc0((n_arguments + 1) * sizeof(char *) + n + 1 + n_last);
	copy = (char *)(arguments + n_arguments + 1);
	memcpy(copy, text, n);
	for (size_t at = 0; at < n; at += strlen(copy + at) + 1)
		arguments[i++] = copy + at;
	if (more)
		arguments[i] = memcpy(copy + n + 1, PROC_MORE, n_last);
	return arguments;
}

int proc_arguments(pid_t pid, char ***ret_arguments)
{
	char text[PROC_ARGUMENTS_MAX + 1];
	autofd fd = -1;
	struct stat st;
	char path[32];
	size_t n = 0;
	int r;

	/* Of the directory: what is in it is root's if its process has made itself unreadable. */
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	r = stat(path, &st) < 0 ? -errno : 0;
	if (r == 0 && st.st_uid != 0 && st.st_uid != geteuid())
		r = -EACCES;
	if (r == 0)
		r = proc_open(pid, "cmdline", &fd);
	if (r == 0)
		r = fileio_pread(fd, text, sizeof(text), 0, &n);
	if (r < 0)
		return r;
	*ret_arguments = proc_make_arguments(
		text, MIN(n, (size_t)PROC_ARGUMENTS_MAX), n > PROC_ARGUMENTS_MAX);
	return 0;
}

int proc_groups(pid_t tid, GArray **ret_groups)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)tid);
	g_autofree char *text = NULL;

	/* As long as its longest line, of groups. */
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return -ESRCH;
	return proc_parse_groups(text, ret_groups);
}

bool proc_has_gone(pid_t pid, unsigned long long start)
{
	ProcStat stat;
	int r;

	r = proc_stat(pid, &stat);
	if (r < 0)
		return r == -ESRCH;
	if (stat.start != start)
		return true;
	/* The state is that of the first thread, which may end before the others. */
	return (stat.state == 'Z' || stat.state == 'X') && stat.n_threads <= 1;
}
