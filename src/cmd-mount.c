/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lklfs mount: goes into the background, and returns when all mounts are live.
 *
 * The parent waits for one byte of the child. If none comes the child has failed, and has said why
 * on the standard error that they still share. Once live, the child gives up everything it has of
 * its caller: terminal, session, directory, descriptors. */

#include "cmd.h"

#include "log.h"
#include "mount-helper.h"
#include "mount-options.h"
#include "mount-session.h"
#include "supervisor.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Blocked for the threads to come, too; they arrive at the returned descriptor. */
static int take_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? log_errno(-errno, "cannot receive signals") : fd;
}

/* Until all mounts have ended, by whatever. The first signal asks them to, the second cuts them
 * off. */
static int serve(Session *session, int signal_fd, int supervisor_fd)
{
	struct pollfd p[] = {
		{.fd = session_end_fd(session), .events = POLLIN},
		{.fd = signal_fd, .events = POLLIN},
	};
	struct signalfd_siginfo info;
	Totals totals = {};
	int n_signals = 0;

	for (;;) {
		if (poll(p, G_N_ELEMENTS(p), -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			break;
		if (p[1].revents && read(signal_fd, &info, sizeof info) == sizeof info) {
			if (n_signals++ == 0) {
				supervisor_tell(supervisor_fd, "STOPPING=1");
				session_unmount(session);
			} else {
				session_abort(session);
			}
		}
	}
	if (n_signals == 0)
		supervisor_tell(supervisor_fd, "STOPPING=1");
	return session_finish(session, &totals) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static void drop_standard_descriptors(const Options *options)
{
	autofd fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!options->log)
		log_to_syslog();
	for (int i = STDIN_FILENO; fd >= 0 && i <= STDERR_FILENO; i++)
		dup2(fd, i);
}

/* ready_fd: tells the parent that all is live; -1 in the foreground. */
static int mount_and_serve(const Options *options, int ready_fd)
{
	Session *session;
	autofd signal_fd = take_signals(), fd = ready_fd;
	/* One that starts a program in the background looks for its end instead. */
	autofd supervisor_fd = fd < 0 ? supervisor_connect(g_getenv("NOTIFY_SOCKET")) : -1;

	if (signal_fd < 0 || session_start(options, &session) < 0)
		return EXIT_FAILED;
	if (fd >= 0) {
		drop_standard_descriptors(options);
		/* A caller that was interrupted does not want the mount any more. */
		if (write(fd, "", 1) != 1)
			session_unmount(session);
		fd_clear(&fd);
	}
	supervisor_tell(supervisor_fd, "READY=1");
	return serve(session, signal_fd, supervisor_fd);
}

static int wait_for_child(pid_t pid, int ready_fd)
{
	char byte;
	ssize_t n;

	do
		n = read(ready_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_DONE;
	waitpid(pid, NULL, 0);
	return EXIT_FAILED;
}

/* A shell whose directory is mounted over stays in what is underneath. Returns the mount point, or
 * NULL. */
static char *find_working_directory(const Options *options)
{
	g_autoptr(GPtrArray) mounts = NULL;
	char *cwd = getcwd(NULL, 0), *found = NULL;

	if (!cwd || helper_read_mounts(&mounts) < 0)
		mounts = g_ptr_array_new();
	for (char **p = options->dirs; cwd && *p && !found; p++) {
		g_autofree char *dir = NULL;

		if (helper_resolve(mounts, *p, &dir) == 0 && helper_is_inside(cwd, dir))
			found = g_steal_pointer(&dir);
	}
	free(cwd);
	return found;
}

static int mount_in_background(const Options *options)
{
	g_autofree char *inside = find_working_directory(options);
	autofd read_fd = -1;
	int fds[2], r;
	pid_t pid;

	/* A lock or a pipe of the caller's must not live as long as the daemon. */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		log_errno(-errno, "cannot make a pipe");
		return EXIT_FAILED;
	}
	read_fd = fds[0];
	pid = fork();
	if (pid == 0) {
		fd_clear(&read_fd);
		setsid();
		return mount_and_serve(options, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		log_errno(-errno, "cannot go into the background");
		return EXIT_FAILED;
	}
	r = wait_for_child(pid, read_fd);
	if (r == EXIT_DONE && inside)
		log_warning(
			"the working directory is inside %s and still shows what is underneath: "
			"enter it anew with cd \"$PWD\"",
			inside);
	return r;
}

static int mount_with(Options *options, int argc, char **argv)
{
	bool done;

	if (options_parse(options, false, argc, argv, &done) < 0)
		return EXIT_USAGE;
	if (done)
		return EXIT_DONE;
	if (session_check(options) < 0)
		return EXIT_USAGE;
	if (options->foreground)
		return mount_and_serve(options, -1);
	return mount_in_background(options);
}

int cmd_mount(int argc, char **argv)
{
	Options options;
	int r;

	options_init(&options);
	r = mount_with(&options, argc, argv);
	options_clear(&options);
	return r;
}
