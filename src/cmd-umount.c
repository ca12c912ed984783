/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lklfs umount: unmounts and waits until the daemon has exposed everything, which it shows by
 * ending, or if it cannot end, by closing what was under the mount.
 *
 * The mount table says what there is to unmount; nothing there is success. Asking the daemon for
 * its status first serves three ends: it tells which process to wait for and what could not be
 * exposed, and its answer means that everything closed before has reached it. What the daemon could
 * not even save it writes into a file that is opened before, and read when it is done. */

#include "cmd.h"

#include "fs.h"
#include "journal.h"
#include "log.h"
#include "mount-daemon.h"
#include "mount-helper.h"
#include "mount-options.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define STATUS_TIMEOUT_MS 2000
#define ABORT_TIMEOUT_MS 2000 /* how long a daemon has to see that it was cut off */
#define ASK_AGAIN_MS 10
#define DEFAULT_TIMEOUT_S 10
#define LOST_SAID_MAX 2000 /* bytes of names that are lost */

typedef struct Wish Wish;

/* What the command line asks for. */
struct Wish {
	bool force;
	gint64 deadline; /* in monotonic time */
	double timeout;  /* seconds, for messages */
};

static int time_left(const Wish *wish)
{
	gint64 left = (wish->deadline - g_get_monotonic_time() + 999) / 1000;

	return CLAMP(left, 0, INT_MAX);
}

/* Whether the daemon serves another mount of the table still. */
static bool serves_others(pid_t pid)
{
	g_autoptr(GPtrArray) mounts = NULL;

	if (helper_read_mounts(&mounts) < 0)
		return false;
	for (guint i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];
		g_autofree char *text = NULL;

		if (helper_is_lklfs(mount) && helper_top_mount(mounts, mount->dir) == mount &&
			helper_read_status(mount, STATUS_TIMEOUT_MS, &text) == 0 &&
			journal_json_number(text, "pid") == (uint64_t)pid)
			return true;
	}
	return false;
}

static int open_daemon(const char *dir, const char *text, pid_t *ret_pid)
{
	pid_t pid = text ? journal_json_number(text, "pid") : 0;

	*ret_pid = pid;
	/* A container's processes have numbers of their own, which are others' here. */
	return pid > 0 && daemon_is_near(pid) && daemon_has_open(pid, dir) ? pidfd_open(pid, 0)
									   : -1;
}

/* The file in which the daemon says what is lost; -1: there is none to be had. pid_fd: as of
 * open_daemon(). */
static int open_lost(const char *text, pid_t pid, int pid_fd)
{
	uint64_t number = text ? journal_json_number(text, "lost_fd") : 0;
	g_autofree char *path = g_strdup_printf("/proc/%d/fd/%" PRIu64, pid, number);
	g_autofree char *target = NULL;
	autofd fd = -1;
	struct stat st;

	if (pid_fd < 0 || number <= STDERR_FILENO)
		return -1;
	/* Any program may serve a mount that calls itself lklfs, and say any number. */
	target = g_file_read_link(path, NULL);
	if (!target || !g_str_has_prefix(target, "/memfd:" FS_LOST))
		return -1;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fd_steal(&fd) : -1;
}

/* The daemon is done. */
static int say_what_is_lost(const char *dir, int lost_fd)
{
	char text[LOST_SAID_MAX + 1] = "";
	g_auto(GStrv) lines = NULL;
	g_autofree char *names = NULL;

	if (lost_fd < 0 || read(lost_fd, text, LOST_SAID_MAX) <= 0)
		return 0;
	lines = g_strsplit(g_strchomp(text), "\n", -1);
	names = g_strjoinv("; ", lines);
	log_error("what was written in %s is lost, for it could neither be exposed nor saved: %s",
		dir, names);
	return -EIO;
}

static int refuse_to_wait(const char *dir, pid_t pid, const Wish *wish)
{
	log_error("%s is unmounted, but its daemon (process %d) is not done with it after %g s: it "
		  "may still be exposing files, or another mount namespace has a copy of the mount",
		dir, pid, wish->timeout);
	return -ETIMEDOUT;
}

/* A daemon that serves other mounts, or a COMMAND, does not end. Nothing tells when it is done with
 * this mount, so it is asked again and again. */
static int wait_for_daemon(
	const char *dir, const char *text, pid_t pid, int pid_fd, const Wish *wish)
{
	struct pollfd p = {.fd = pid_fd, .events = POLLIN};
	g_autofree char *run = NULL;
	bool stays;

	if (pid_fd < 0)
		return 0;
	run = journal_json_value(text, "run");
	stays = !g_strcmp0(run, "true") ||
		(journal_json_number(text, "mounts") > 1 && serves_others(pid));
	do {
		int left = time_left(wish);

		if (poll(&p, 1, stays ? MIN(left, ASK_AGAIN_MS) : left) > 0)
			return 0;
		if (stays && !daemon_has_open(pid, dir))
			return 0;
	} while (time_left(wish) > 0);
	return refuse_to_wait(dir, pid, wish);
}

static int wait_for_stopped(const char *dir, const GArray *found, const Wish *wish)
{
	while (!daemon_is_done(found, dir)) {
		if (time_left(wish) == 0)
			return refuse_to_wait(dir, g_array_index(found, Daemon, 0).pid, wish);
		g_usleep(ASK_AGAIN_MS * 1000);
	}
	return 0;
}

/* Cuts the connection. The daemon that sees this detaches the mount by itself, and has to see it
 * still mounted to know that it was cut. One that is stopped is woken for that: it has to save what
 * was being written, and to end. */
static int cut_off(const Mount *mount, const Wish *wish)
{
	g_autoptr(GArray) found = daemon_find(mount, DAEMON_STOPPED);
	int r;

	r = helper_abort(mount->minor);
	daemon_wake(found);
	if (r < 0)
		log_warning("%s is detached only, for its connection cannot be cut: %s", mount->dir,
			strerrordesc_np(-r));
	else
		helper_wait_gone(mount, ABORT_TIMEOUT_MS);
	r = helper_unmount(mount, true);
	if (r < 0)
		return log_errno(r, "cannot unmount %s", mount->dir);
	return wait_for_stopped(mount->dir, found, wish);
}

static int refuse_busy(const Mount *mount)
{
	g_autofree char *holders = helper_name_holders(mount->minor);

	log_error("%s is in use%s%s: end that first, or cut it off with --force", mount->dir,
		*holders ? " by " : "", holders);
	return -EBUSY;
}

static int refuse_failed(const Mount *mount, const char *text)
{
	g_autofree char *failed = journal_json_failed(text);

	log_error("what was written in %s could not all be exposed (%s): mend that and try again, "
		  "or with --force keep it as NAME.lklfs-unsaved",
		mount->dir, failed);
	return -EBUSY;
}

/* Everything that was closed is exposed before the status is read, or could not be. */
static int settle(const Mount *mount, const Wish *wish, char **text)
{
	int r;

	g_clear_pointer(text, g_free);
	r = helper_settle(mount, MAX(time_left(wish), STATUS_TIMEOUT_MS), text);
	if (r == -ETIMEDOUT && !wish->force)
		log_error("%s is still exposing files after %g s: try again, or cut it off with "
			  "--force",
			mount->dir, wish->timeout);
	if (r == -ETIMEDOUT)
		return r;
	if (*text && journal_json_number(*text, "failed") > 0) {
		g_autofree char *failed = journal_json_failed(*text);

		if (!wish->force)
			return refuse_failed(mount, *text);
		log_warning("what was written in %s could not all be exposed (%s), and is kept as "
			    "NAME.lklfs-unsaved if that can be had",
			mount->dir, failed);
	}
	/* Somebody else's, or a bind mount, has no status to be read. */
	return 0;
}

/* Whether another mount of the same file system is left here, which its daemon goes on serving. */
static bool is_mounted_elsewhere(const Mount *gone)
{
	g_autoptr(GPtrArray) mounts = NULL;

	if (helper_read_mounts(&mounts) < 0)
		return false;
	for (unsigned i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];

		if (helper_is_lklfs(mount) && mount->id != gone->id && mount->minor == gone->minor)
			return true;
	}
	return false;
}

/* One layer. */
static int umount_mount(const Mount *mount, const Wish *wish)
{
	g_autofree char *text = NULL;
	autofd pid_fd = -1, lost_fd = -1;
	pid_t pid;
	int r;

	r = helper_read_status(mount, STATUS_TIMEOUT_MS, &text);
	if (r == -ETIMEDOUT && daemon_bury(mount) == 0)
		r = -ENOTCONN;
	if (r == -ENOTCONN) {
		r = helper_unmount(mount, true);
		return r < 0 ? log_errno(r, "cannot take away the dead mount on %s", mount->dir)
			     : 0;
	}
	if (r == -ETIMEDOUT && !wish->force) {
		log_error("the daemon of %s does not answer, it is stopped or hangs: let it go on, "
			  "or cut it off with --force",
			mount->dir);
		return r;
	}
	if (r == -ETIMEDOUT)
		return cut_off(mount, wish);
	if (text) {
		r = settle(mount, wish, &text);
		if (r == -ETIMEDOUT && wish->force)
			return cut_off(mount, wish);
		if (r < 0)
			return r;
	}

	pid_fd = open_daemon(mount->dir, text, &pid);
	lost_fd = open_lost(text, pid, pid_fd);
	r = helper_unmount(mount, false);
	if (r == -EBUSY && geteuid() != 0 && mount->uid != geteuid()) {
		log_error("%s was mounted by user %u, who alone can unmount it, besides root",
			mount->dir, mount->uid);
		return -EPERM;
	}
	if (r == -EBUSY)
		r = wish->force ? cut_off(mount, wish) : refuse_busy(mount);
	else if (r == -ENOENT)
		log_error(
			"fusermount3 is missing, which an ordinary user needs to unmount: install "
			"the package fuse3");
	else if (r < 0)
		log_errno(r, "cannot unmount %s", mount->dir);
	if (r < 0 || is_mounted_elsewhere(mount))
		return r;
	r = wait_for_daemon(mount->dir, text, pid, pid_fd, wish);
	return r < 0 ? r : say_what_is_lost(mount->dir, lost_fd);
}

static bool is_lklfs_below(const GPtrArray *mounts, const Mount *mount)
{
	while ((mount = helper_mount_below(mounts, mount)))
		if (helper_is_lklfs(mount))
			return true;
	return false;
}

/* All layers of lklfs on a directory. */
static int umount_dir(const char *name, const Wish *wish)
{
	for (;;) {
		g_autoptr(GPtrArray) mounts = NULL;
		g_autofree char *dir = NULL;
		const Mount *top;
		int r;

		r = helper_read_mounts(&mounts);
		if (r < 0)
			return r;
		r = helper_resolve(mounts, name, &dir);
		if (r == -ENOENT || r == -ENOTDIR)
			return 0;
		if (r < 0)
			return log_errno(r, "cannot find %s", name);
		top = helper_top_mount(mounts, dir);
		if (top && !helper_is_lklfs(top) && is_lklfs_below(mounts, top))
			return log_error("%s has something else (%s) mounted over lklfs: unmount "
					 "that first",
				dir, top->type);
		if (!top || !helper_is_lklfs(top))
			return 0;
		r = umount_mount(top, wish);
		if (r < 0)
			return r;
	}
}

static int umount_dirs(char **dirs, Wish *wish)
{
	int status = EXIT_DONE;

	if (!dirs || !*dirs) {
		log_error("a DIR to unmount is missing (see lklfs umount --help)");
		return EXIT_USAGE;
	}
	wish->deadline = g_get_monotonic_time() + (gint64)(wish->timeout * G_USEC_PER_SEC);
	for (char **p = dirs; *p; p++)
		if (umount_dir(*p, wish) < 0)
			status = EXIT_FAILED;
	return status;
}

int cmd_umount(int argc, char **argv)
{
	gboolean force = FALSE;
	g_autofree char *timeout = NULL, *details = NULL;
	g_auto(GStrv) dirs = NULL;
	const GOptionEntry entries[] = {
		{"force", 'f', 0, G_OPTION_ARG_NONE, &force,
			"Also if in use, hanging, or not all exposed", NULL},
		{"timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
			"Wait so long for the daemon's end", "SECONDS"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &dirs, NULL, NULL},
		{},
	};
	Wish wish = {.timeout = DEFAULT_TIMEOUT_S};
	bool done;

	details = g_strdup_printf(
		"Unmounts every lklfs on DIR, dead ones too, and waits for the daemon\n"
		"(--timeout, %d s). Nothing mounted is success. Exit status: 0, 1 failed or\n"
		"refused, 2 bad usage.",
		DEFAULT_TIMEOUT_S);
	if (options_parse_entries(entries, "lklfs umount", "DIR...", details, argc, argv, &done) <
		0)
		return EXIT_USAGE;
	if (done)
		return EXIT_DONE;
	if (timeout && options_parse_seconds("--timeout", timeout, &wish.timeout) < 0)
		return EXIT_USAGE;
	wish.force = force;
	return umount_dirs(dirs, &wish);
}
