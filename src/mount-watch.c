/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When a process ends, the kernel closes its end of a FUSE connection, and whoever waits for an
 * answer is told that it is no longer connected. But a thread of the daemon may have asked the
 * kernel to hand over dirty pages, and wait for their writeback, which the other threads, ended
 * already, were to answer. Not even SIGKILL ends that wait, nor closes what the process has open;
 * only cutting the connection does.
 *
 * So a child, which has nothing open and takes no signal but SIGTERM, is told by the kernel when
 * the thread that started it has ended, which is the daemon's first one and waits for nothing of
 * the kind. If the daemon has not ended a moment later, which a pipe shows, it cuts what it has
 * been told of. */

#include "mount-watch.h"

#include "mount-helper.h"
#include "util.h"

#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "lklfs-watch"
#define PARENT_ENDS SIGUSR1
#define GRACE_MS 1000 /* for a daemon to end after its first thread has */

struct Watch {
	pid_t pid;
	int process_fd; /* owned */
	int fd;         /* owned: the pipe's end into which the minor numbers go */
};

/* ---- the child ---- */

/* Whether the daemon has all of the pipe's other end still; what it has written does not count. */
static bool daemon_is_left(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, GRACE_MS) == 0;
}

/* The first thread of the process that started us has ended. */
static void cut_all(int fd)
{
	unsigned minor;

	if (!daemon_is_left(fd))
		return;
	while (read(fd, &minor, sizeof minor) == sizeof minor)
		(void)!helper_abort(minor);
}

G_NORETURN static void watch_run(pid_t parent, int fd, const sigset_t *signals)
{
	sigset_t wanted;
	int number;

	/* What the terminal or the service manager sends to all of a group is for the daemon. */
	setsid();
	prctl(PR_SET_NAME, NAME);
	prctl(PR_SET_PDEATHSIG, PARENT_ENDS);
	(void)!chdir("/");
	dup2(fd, STDIN_FILENO);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, signals, NULL);
	/* This lets the daemon go on. */
	close_range(STDIN_FILENO + 1, UINT_MAX, 0);

	sigemptyset(&wanted);
	sigaddset(&wanted, PARENT_ENDS);
	if (getppid() == parent)
		(void)!sigwait(&wanted, &number);
	cut_all(STDIN_FILENO);
	_exit(0);
}

/* ---- the daemon ---- */

Watch *watch_new(void)
{
	autofd read_fd = -1, write_fd = -1, ready_fd = -1, unready_fd = -1, process_fd = -1;
	pid_t pid, parent = getpid();
	sigset_t signals, mask;
	int fds[2], ready[2];
	Watch *watch;
	char byte;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	read_fd = fds[0];
	write_fd = fds[1];
	if (pipe2(ready, O_CLOEXEC) < 0)
		return NULL;
	ready_fd = ready[0];
	unready_fd = ready[1];
	/* Before it is there, or it might miss them. */
	sigfillset(&signals);
	sigdelset(&signals, SIGTERM);
	pthread_sigmask(SIG_SETMASK, &signals, &mask);
	pid = fork();
	if (pid == 0)
		watch_run(parent, read_fd, &signals);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	process_fd = pid < 0 ? -1 : pidfd_open(pid, 0);
	if (process_fd < 0)
		return NULL;
	/* It has another name, and nothing of our caller's, when it has closed this. */
	fd_clear(&unready_fd);
	(void)!read(ready_fd, &byte, 1);
	watch = g_new(Watch, 1);
	*watch = (Watch){pid, fd_steal(&process_fd), fd_steal(&write_fd)};
	return watch;
}

void watch_add(Watch *watch, unsigned minor)
{
	if (watch)
		(void)!write(watch->fd, &minor, sizeof minor);
}

Watch *watch_free(Watch *watch)
{
	siginfo_t info;

	if (!watch)
		return NULL;
	pidfd_send_signal(watch->process_fd, SIGTERM, NULL, 0);
	/* As process 1 its parent may have been told of its end already. */
	waitid(P_PIDFD, (id_t)watch->process_fd, &info, WEXITED);
	fd_clear(&watch->process_fd);
	fd_clear(&watch->fd);
	g_free(watch);
	return NULL;
}
