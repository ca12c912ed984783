/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lklfs run: mounts, runs COMMAND, unmounts, and exits with COMMAND's status.
 *
 * COMMAND is forked first, while this process has no thread and no descriptor of its own, and waits
 * for the mounts, or for the news that there will be none (--or-plain). What was open here is then
 * COMMAND's alone: we keep standard error, so that a pipe ends when COMMAND ends it. Its working
 * directory is entered anew, or it would see what is underneath.
 *
 * All orphans below come to us (we are PID 1, or a subreaper). Those that still hold a mount when
 * COMMAND has ended would keep it from ending, and are ended; others live on, unless we are PID 1,
 * with whom everything ends. The main thread does all this and serves nothing. */

#include "cmd.h"

#include "log.h"
#include "mount-helper.h"
#include "mount-options.h"
#include "mount-session.h"
#include "progress.h"
#include "report-causes.h"
#include "report-text.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 2000   /* between SIGTERM and SIGKILL, and for a detached mount to end */
#define PROGRESS_MS 200 /* between two looks for anything new to be shown */
#define STRANGER_MS 20  /* between two looks for processes whose ends nobody tells */

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

/* What COMMAND starts with. */
typedef enum {
	GO_MOUNTED,
	GO_PLAIN, /* --or-plain: nothing could be mounted */
} Go;

typedef struct Command Command;

struct Command {
	pid_t pid;
	int go_fd;      /* a Go here lets it start; our end closed without one ends it */
	int refused_fd; /* a byte comes from here if it could not be executed */
	bool ended;
	int status;         /* as of waitpid(2), once ended */
	Progress *progress; /* owned; NULL: none is shown */
};

static void command_clear(Command *command)
{
	fd_clear(&command->go_fd);
	fd_clear(&command->refused_fd);
	command->progress = progress_free(command->progress);
}

/* What is waited for. progress: also who stops us, for the terminal is given back before. */
static void get_signals(sigset_t *set, bool progress)
{
	sigemptyset(set);
	for (size_t i = 0; i < G_N_ELEMENTS(forwarded); i++)
		sigaddset(set, forwarded[i]);
	sigaddset(set, SIGCHLD);
	if (progress)
		sigaddset(set, SIGTSTP);
}

/* ---- COMMAND's side ---- */

/* Does not return. A signal that came meanwhile takes effect when the mask is back. */
static void command_exec(char **argv, int go_fd, int refused_fd, const sigset_t *mask)
{
	char *cwd = getcwd(NULL, 0), go, byte = 0;
	int r, status;

	if (read(go_fd, &go, 1) != 1)
		_exit(EXIT_LKLFS);
	/* A plain COMMAND may stay where it cannot go. */
	if (cwd && chdir(cwd) < 0 && go == GO_MOUNTED) {
		log_errno(-errno, "cannot enter %s anew", cwd);
		r = write(refused_fd, &byte, 1);
		_exit(EXIT_LKLFS);
	}
	if (go == GO_MOUNTED)
		setenv("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1", 1);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	r = -errno;
	status = r == -ENOENT ? EXIT_NOT_FOUND : EXIT_NO_EXEC;
	log_errno(r, "cannot execute %s", argv[0]);
	r = write(refused_fd, &byte, 1);
	_exit(status);
}

/* ---- starting and waiting ---- */

static int command_fork(char **argv, const sigset_t *mask, Command *command)
{
	int go[2], refused[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return log_errno(-errno, "cannot make a pipe");
	command->go_fd = go[1];
	if (pipe2(refused, O_CLOEXEC) < 0) {
		close(go[0]);
		return log_errno(-errno, "cannot make a pipe");
	}
	command->refused_fd = refused[0];
	command->pid = fork();
	if (command->pid == 0) {
		command_clear(command);
		command_exec(argv, go[0], refused[1], mask);
	}
	close(go[0]);
	close(refused[1]);
	return command->pid < 0 ? log_errno(-errno, "cannot fork") : 0;
}

/* Gives up whatever this process was given, but standard error and the two pipes. */
static void drop_descriptors(const Command *command)
{
	unsigned a = MIN(command->go_fd, command->refused_fd);
	unsigned b = MAX(command->go_fd, command->refused_fd);
	autofd fd = -1;

	if (a > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, a - 1, 0);
	if (b > a + 1)
		close_range(a + 1, b - 1, 0);
	close_range(b + 1, ~0U, 0);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
	}
}

/* Every child that has ended; COMMAND's status is kept. False if there is no child left. */
static bool reap_children(Command *command)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == command->pid && !command->ended) {
			command->ended = true;
			command->status = status;
		}
	return pid == 0;
}

/* The terminal is given back first. Then what the signal does by itself. */
static void stop(Command *command)
{
	sigset_t set;

	if (command->progress)
		progress_hide(command->progress);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGTSTP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Receives one signal. What the kernel sent (^C at the terminal) has reached COMMAND by itself. */
static void take_signal(int signal_fd, Command *command)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD) {
		reap_children(command);
	} else if (info.ssi_signo == SIGTSTP) {
		stop(command);
	} else if (!command->ended && info.ssi_code != SI_KERNEL)
		kill(command->pid, info.ssi_signo);
}

static void command_start(Command *command, Go go)
{
	char byte = (char)go;

	if (write(command->go_fd, &byte, 1) != 1)
		log_warning("COMMAND ended before it was started");
	fd_clear(&command->go_fd);
}

static int time_left(gint64 deadline)
{
	gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;

	return CLAMP(left, 0, INT_MAX);
}

/* If it is time for that. Returns for how long to wait for the next look, for poll(2); next: when,
 * monotonic us. */
static int show_progress(Command *command, Session *session, int64_t *next)
{
	const int64_t now = g_get_monotonic_time();
	g_autofree char *newest = NULL;
	Totals totals = {};

	if (!command->progress)
		return -1;
	if (now < *next)
		return time_left(*next);
	*next = now + PROGRESS_MS * 1000;
	session_look(session, &totals, NULL);
	if (!progress_is_due(command->progress, &totals, now))
		return PROGRESS_MS;
	totals = (Totals){};
	session_look(session, &totals, &newest);
	progress_show(command->progress, &totals, newest, now);
	return PROGRESS_MS;
}

/* session: NULL if it runs plain. */
static void command_wait(Command *command, Session *session, int signal_fd)
{
	struct pollfd p[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = session ? session_end_fd(session) : -1, .events = POLLIN},
	};
	int64_t next = g_get_monotonic_time() + PROGRESS_MS * 1000;

	reap_children(command);
	while (!command->ended) {
		if (poll(p, G_N_ELEMENTS(p), show_progress(command, session, &next)) <= 0)
			continue;
		if (p[1].revents) {
			log_warning("somebody unmounted everything while COMMAND is running, which "
				    "goes on without lklfs");
			p[1].fd = -1;
		}
		if (p[0].revents)
			take_signal(signal_fd, command);
	}
}

/* ---- what is left behind ---- */

static pid_t get_parent(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;
	const char *p;
	pid_t parent;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	/* The name in parentheses may hold anything, parentheses too. */
	p = strrchr(text, ')');
	return p && sscanf(p + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_below_us(pid_t pid)
{
	while (pid > 1 && pid != getpid())
		pid = get_parent(pid);
	return pid == getpid();
}

/* Descriptors of the processes below us that hold a mount. */
static GArray *find_leftovers(Session *session)
{
	const char *const *dirs = session_mountpoints(session);
	const unsigned *minors = session_minors(session);
	g_autoptr(GArray) pids = helper_processes();
	GArray *pid_fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));

	for (guint i = 0; i < pids->len; i++) {
		pid_t pid = g_array_index(pids, pid_t, i);
		struct pollfd p = {.fd = -1, .events = POLLIN};

		if (!is_below_us(pid))
			continue;
		for (size_t j = 0; dirs[j] && p.fd < 0; j++)
			if (helper_is_holder(pid, minors[j]))
				p.fd = pidfd_open(pid, 0);
		if (p.fd >= 0)
			g_array_append_val(pid_fds, p);
	}
	return pid_fds;
}

static void free_leftovers(GArray *pid_fds)
{
	for (guint i = 0; i < pid_fds->len; i++)
		close(g_array_index(pid_fds, struct pollfd, i).fd);
	g_array_unref(pid_fds);
}

/* Sends a signal to each and waits for their ends. */
static void end_leftovers(GArray *pid_fds, int signal_number)
{
	gint64 deadline = g_get_monotonic_time() + GRACE_MS * 1000;

	for (guint i = 0; i < pid_fds->len; i++)
		pidfd_send_signal(
			g_array_index(pid_fds, struct pollfd, i).fd, signal_number, NULL, 0);
	for (guint i = 0; i < pid_fds->len; i++)
		while (poll(&g_array_index(pid_fds, struct pollfd, i), 1, time_left(deadline)) < 0)
			;
}

/* What a holder starts while it is ended is found in the next round. */
static void end_holders(Session *session)
{
	const int rounds[] = {SIGTERM, SIGKILL, SIGKILL};

	for (size_t i = 0; i < G_N_ELEMENTS(rounds); i++) {
		GArray *pid_fds = find_leftovers(session);
		guint n = pid_fds->len;

		end_leftovers(pid_fds, rounds[i]);
		free_leftovers(pid_fds);
		if (n == 0)
			return;
	}
}

/* As PID 1: is there any other process? What an engine's exec has brought in is nobody's child
 * here. */
static bool is_anybody_left(Command *command)
{
	return reap_children(command) || kill(-1, 0) == 0;
}

/* As PID 1. The ends of children are told by a signal, those of others by nobody. */
static void end_everybody(Command *command, int signal_fd)
{
	const int rounds[] = {SIGTERM, SIGKILL};

	for (size_t i = 0; i < G_N_ELEMENTS(rounds); i++) {
		gint64 deadline = g_get_monotonic_time() + GRACE_MS * 1000;
		struct pollfd p = {.fd = signal_fd, .events = POLLIN};

		if (!is_anybody_left(command))
			return;
		kill(-1, rounds[i]);
		while (is_anybody_left(command) && time_left(deadline) > 0)
			if (poll(&p, 1, MIN(time_left(deadline), STRANGER_MS)) > 0)
				take_signal(signal_fd, command);
	}
}

/* A mount that somebody outside still holds is detached, and cut off when it does not end. */
static void end_mounts(Session *session)
{
	gint64 deadline = g_get_monotonic_time() + GRACE_MS * 1000;
	struct pollfd p = {.fd = session_end_fd(session), .events = POLLIN};

	session_unmount(session);
	while (poll(&p, 1, time_left(deadline)) < 0)
		;
	session_abort(session);
}

/* ---- the end ---- */

static char *format_size(uint64_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = size / 1024.0;
	size_t i = 0;

	if (size < 1024)
		return g_strdup_printf("%" PRIu64 " bytes", size);
	for (; n >= 1024 && i + 1 < G_N_ELEMENTS(units); i++)
		n /= 1024;
	return g_strdup_printf("%.1f %s", n, units[i]);
}

static void print_totals(const Totals *totals, bool audit)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *size = format_size(totals->bytes_not_written);
	uint64_t n_written = 0;

	for (Verdict v = 0; v < N_VERDICTS; v++)
		if (v != VERDICT_REMOVED && v != VERDICT_FAILED)
			n_written += totals->n_verdicts[v];
	g_string_printf(out, "lklfs: %s%" PRIu64 " %s written",
		audit ? "audit: nothing was held back; it would have been: " : "", n_written,
		n_written == 1 ? "file" : "files");
	for (Verdict v = 0; v < N_VERDICTS; v++)
		/* The first three are always of interest. */
		if (v <= VERDICT_NEW || totals->n_verdicts[v] > 0)
			g_string_append_printf(out, "%s %" PRIu64 " %s", v == 0 ? ":" : ",",
				totals->n_verdicts[v], journal_verdict_name(v));
	g_string_append_printf(out, "; %s not written", size);
	if (totals->n_outdated > 0)
		g_string_append_printf(out,
			"; %" PRIu64 " older than what %s made of, and made again each time: "
			"-o converge gives a new mtime",
			totals->n_outdated, totals->n_outdated == 1 ? "it is" : "they are");
	fprintf(stderr, "%s\n", out->str);
}

/* What the journal has told of this run. lines_fd: of all of it. */
static void print_report(int lines_fd, const char *base)
{
	GMappedFile *lines = g_mapped_file_new_from_fd(lines_fd, FALSE, NULL);
	g_autofree char *all = NULL, *text = NULL;
	Report *report = report_new(base);
	unsigned n;

	if (lines)
		all = g_strndup(g_mapped_file_get_contents(lines), g_mapped_file_get_length(lines));
	if (all)
		(void)!report_add_text(report, all, &n);
	report_end(report);
	text = report_text(report);
	fputs(text, stderr);
	report_free(report);
	if (lines)
		g_mapped_file_unref(lines);
}

static int command_exit_status(const Command *command)
{
	if (WIFSIGNALED(command->status))
		return EXIT_SIGNAL + WTERMSIG(command->status);
	return WEXITSTATUS(command->status);
}

/* Nothing is mounted, nor has to be waited for. */
static int run_plain(Command *command, int signal_fd)
{
	command_start(command, GO_PLAIN);
	command_wait(command, NULL, signal_fd);
	if (getpid() == 1)
		end_everybody(command, signal_fd);
	return command_exit_status(command);
}

/* The mounts are live: lets COMMAND run, and cleans up behind it. cwd: where it runs. */
static int run_command(
	Command *command, const Options *options, Session *session, int signal_fd, const char *cwd)
{
	autofd lines_fd = options->report ? session_lines(session) : -1;
	Totals totals = {};
	bool refused;
	char byte;
	int r;

	if (options->progress) {
		signal(SIGTTOU, SIG_IGN);
		command->progress = progress_new(STDERR_FILENO, cwd, options->audit);
	}
	command_start(command, GO_MOUNTED);
	command_wait(command, session, signal_fd);
	command->progress = progress_free(command->progress);
	refused = read(command->refused_fd, &byte, 1) == 1;

	if (getpid() == 1)
		end_everybody(command, signal_fd);
	else
		end_holders(session);
	end_mounts(session);
	r = session_finish(session, &totals);
	if (!refused && lines_fd >= 0)
		print_report(lines_fd, cwd);
	if (!refused)
		print_totals(&totals, options->audit);
	return r < 0 ? EXIT_LKLFS : command_exit_status(command);
}

static int run_with_options(const Options *options)
{
	__attribute__((cleanup(command_clear))) Command command = {.go_fd = -1, .refused_fd = -1};
	g_autofree char *cwd = g_get_current_dir();
	sigset_t signals, mask;
	autofd signal_fd = -1;
	Session *session;
	int r;

	get_signals(&signals, options->progress);
	pthread_sigmask(SIG_BLOCK, &signals, &mask);
	if (command_fork(options->command, &mask, &command) < 0)
		return EXIT_LKLFS;
	drop_descriptors(&command);
	/* An ignored SIGCHLD would take COMMAND's status away. */
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (signal_fd < 0) {
		log_errno(-errno, "cannot receive signals");
		return EXIT_LKLFS;
	}
	r = session_start(options, &session);
	if (r < 0 && r != -EINVAL && options->or_plain) {
		log_warning(r == -EBUSY ? "running COMMAND without a mount of its own"
					: "running COMMAND without lklfs");
		return run_plain(&command, signal_fd);
	}
	if (r < 0) {
		fd_clear(&command.go_fd);
		waitpid(command.pid, NULL, 0);
		return EXIT_LKLFS;
	}
	return run_command(&command, options, session, signal_fd, cwd);
}

int cmd_run(int argc, char **argv)
{
	Options options;
	bool done;
	int r = EXIT_LKLFS;

	options_init(&options);
	if (options_parse(&options, true, argc, argv, &done) == 0) {
		if (done)
			r = EXIT_DONE;
		else if (session_check(&options) == 0)
			r = run_with_options(&options);
	}
	options_clear(&options);
	return r;
}
