/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that is killed shows as a zombie as soon as its first thread has ended; lklfs's first
 * thread waits for nothing that could keep it. The directory of the process in /proc then tells
 * nothing of its descriptors any more, but that of a thread that is left does. */

#include "mount-daemon.h"

#include "proc.h"
#include "util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"
#define END_TIMEOUT_MS 2000 /* how long a thread may take to end that nothing keeps any more */

/* ---- looking at one ---- */

/* Whether a process, or a thread (its directory in /proc), is in our namespace of that kind. */
static bool shares_namespace(const char *task, const char *kind)
{
	g_autofree char *path = g_strdup_printf("%s/ns/%s", task, kind);
	g_autofree char *own_path = g_strdup_printf("/proc/self/ns/%s", kind);
	g_autofree char *own = g_file_read_link(own_path, NULL);
	g_autofree char *theirs = g_file_read_link(path, NULL);

	return own && theirs && !strcmp(own, theirs);
}

static bool task_has_open(const char *task, const char *target)
{
	g_autofree char *path = g_strdup_printf("%s/fd", task);
	g_autoptr(GDir) fds = g_dir_open(path, 0, NULL);
	const char *name;

	while (fds && (name = g_dir_read_name(fds))) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_autofree char *found = g_file_read_link(file, NULL);

		if (!g_strcmp0(found, target))
			return true;
	}
	return false;
}

bool daemon_is_near(pid_t pid)
{
	g_autofree char *task = g_strdup_printf("/proc/%d", pid);

	return shares_namespace(task, "pid");
}

bool daemon_has_open(pid_t pid, const char *dir)
{
	g_autofree char *task = g_strdup_printf("/proc/%d", pid);

	return task_has_open(task, dir);
}

/* The effective user of a process. */
static bool find_user(pid_t pid, uid_t *ret_uid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", pid);
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %*u %u", ret_uid) == 1;
}

/* The directory in /proc of a thread of a process that has been killed, and which is left; or NULL.
 */
static char *find_left(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
	const char *name;

	while (tasks && (name = g_dir_read_name(tasks)))
		if (strtol(name, NULL, 10) != pid)
			return g_build_filename(path, name, NULL);
	return NULL;
}

/* Whether a process serves the mount, for all that can be seen, and is in that state. Its state and
 * user come last: whoever reads them may have to wait for a process that ends, which may wait for
 * the mount; a daemon does not. */
static bool is_daemon(pid_t pid, const Mount *mount, DaemonState state)
{
	bool killed = state == DAEMON_KILLED;
	g_autofree char *task = killed ? find_left(pid) : g_strdup_printf("/proc/%d", pid);
	ProcStat stat;
	uid_t uid;

	if (!task || !shares_namespace(task, "pid") || !task_has_open(task, DEVICE) ||
		!task_has_open(task, mount->dir))
		return false;
	/* A directory of that name in another namespace is another one. That matters where a mount
	 * that lives may be taken for dead. */
	if (killed && !shares_namespace(task, "mnt"))
		return false;
	return proc_stat(pid, &stat) == 0 && stat.state == (killed ? 'Z' : 'T') &&
	       find_user(pid, &uid) && (uid == 0 || uid == mount->uid);
}

/* ---- all of them ---- */

static void daemon_clear(void *data)
{
	fd_clear(&((Daemon *)data)->fd);
}

GArray *daemon_find(const Mount *mount, DaemonState state)
{
	GArray *found = g_array_new(FALSE, FALSE, sizeof(Daemon));
	g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
	const char *name;

	g_array_set_clear_func(found, daemon_clear);
	while (processes && (name = g_dir_read_name(processes))) {
		Daemon daemon = {.pid = (pid_t)strtol(name, NULL, 10), .fd = -1};

		if (daemon.pid <= 0 || !is_daemon(daemon.pid, mount, state))
			continue;
		daemon.fd = pidfd_open(daemon.pid, 0);
		if (daemon.fd >= 0)
			g_array_append_val(found, daemon);
	}
	return found;
}

void daemon_wake(const GArray *found)
{
	for (unsigned i = 0; i < found->len; i++)
		(void)!pidfd_send_signal(g_array_index(found, Daemon, i).fd, SIGCONT, NULL, 0);
}

bool daemon_is_done(const GArray *found, const char *dir)
{
	for (unsigned i = 0; i < found->len; i++) {
		const Daemon *daemon = &g_array_index(found, Daemon, i);
		struct pollfd p = {.fd = daemon->fd, .events = POLLIN};

		if (poll(&p, 1, 0) > 0 || !daemon_has_open(daemon->pid, dir))
			return true;
	}
	return found->len == 0;
}

int daemon_bury(const Mount *mount)
{
	g_autoptr(GArray) found = daemon_find(mount, DAEMON_KILLED);
	int r;

	if (found->len == 0)
		return -ESRCH;
	r = helper_abort(mount->minor);
	for (unsigned i = 0; r == 0 && i < found->len; i++) {
		struct pollfd p = {.fd = g_array_index(found, Daemon, i).fd, .events = POLLIN};

		(void)!poll(&p, 1, END_TIMEOUT_MS);
	}
	return r;
}
