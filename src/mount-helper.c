/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whoever serves a mount must not look at it, and whoever looks at a mount whose daemon is stopped
 * hangs. So what is mounted where is decided from the mount table alone, textually; paths are made
 * canonical up to the mount point and no further; who uses a mount is found by the ids of mounts
 * that /proc shows. The one look inside, at .lklfs/status, is a child's, which can be left behind.
 */

#include "mount-helper.h"

#include "log.h"
#include "util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS "/sys/fs/fuse/connections"
#define N_LINKS_MAX 40 /* as many symbolic links as the kernel follows */

extern char **environ;

/* ---- the mount table ---- */

static void mount_free(void *p)
{
	Mount *mount = p;

	g_free(mount->root);
	g_free(mount->dir);
	g_free(mount->type);
	g_free(mount);
}

/* Blank, tab, newline and backslash stand there as three octal digits. */
static char *unescape(const char *text)
{
	GString *out = g_string_new(NULL);

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && isdigit(text[2]) &&
			isdigit(text[3])) {
			g_string_append_c(
				out, (text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			g_string_append_c(out, *text++);
		}
	}
	return g_string_free(out, FALSE);
}

/* The number behind "name=" in a list of mount options, or 0. */
static unsigned option_number(const char *options, const char *name)
{
	g_auto(GStrv) words = g_strsplit(options, ",", -1);

	for (char **p = words; *p; p++)
		if (g_str_has_prefix(*p, name) && (*p)[strlen(name)] == '=')
			return strtoul(*p + strlen(name) + 1, NULL, 10);
	return 0;
}

static Mount *parse_line(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	unsigned n = g_strv_length(words), dash = 6;
	Mount *mount;
	Mount head;

	while (dash < n && strcmp(words[dash], "-"))
		dash++;
	if (dash + 3 >= n)
		return NULL;
	if (sscanf(line, "%d %d %u:%u ", &head.id, &head.parent_id, &head.major, &head.minor) != 4)
		return NULL;

	mount = g_new(Mount, 1);
	*mount = head;
	mount->root = unescape(words[3]);
	mount->dir = unescape(words[4]);
	mount->type = unescape(words[dash + 1]);
	mount->uid = option_number(words[dash + 3], "user_id");
	mount->gid = option_number(words[dash + 3], "group_id");
	return mount;
}

GPtrArray *helper_parse_mounts(const char *text)
{
	GPtrArray *mounts = g_ptr_array_new_with_free_func(mount_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **p = lines; *p; p++) {
		Mount *mount = parse_line(*p);

		if (mount)
			g_ptr_array_add(mounts, mount);
	}
	return mounts;
}

/* A whole file of /proc, or NULL. */
static char *read_proc(const char *path)
{
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

int helper_read_mounts(GPtrArray **ret_mounts)
{
	autofd fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	g_autoptr(GString) text = g_string_new(NULL);
	char buf[4096];
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0)
		g_string_append_len(text, buf, n);
	if (n < 0)
		return log_errno(-errno, "cannot read /proc/self/mountinfo");
	*ret_mounts = helper_parse_mounts(text->str);
	return 0;
}

static const Mount *find_id(const GPtrArray *mounts, int id)
{
	for (guint i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];

		if (mount->id == id)
			return mount;
	}
	return NULL;
}

/* What is mounted on parent at dir. parent NULL: on what holds our root, which need not be listed.
 */
static const Mount *find_child(const GPtrArray *mounts, const Mount *parent, const char *dir)
{
	for (guint i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];
		const Mount *its_parent =
			mount->parent_id == mount->id ? NULL : find_id(mounts, mount->parent_id);

		if (its_parent == parent && !strcmp(mount->dir, dir))
			return mount;
	}
	return NULL;
}

/* Walks as the kernel does: at every step of the path on to whatever is mounted there. */
const Mount *helper_mount_around(const GPtrArray *mounts, const char *dir)
{
	const Mount *mount = NULL;
	size_t n = 1;

	for (;;) {
		g_autofree char *prefix = g_strndup(dir, n);
		const Mount *child;

		while ((child = find_child(mounts, mount, prefix)))
			mount = child;
		if (!dir[n])
			break;
		n += dir[n] == '/';
		n += strcspn(dir + n, "/");
	}
	return mount;
}

const Mount *helper_top_mount(const GPtrArray *mounts, const char *dir)
{
	const Mount *mount = helper_mount_around(mounts, dir);

	return mount && !strcmp(mount->dir, dir) ? mount : NULL;
}

const Mount *helper_mount_below(const GPtrArray *mounts, const Mount *mount)
{
	const Mount *parent =
		mount->parent_id == mount->id ? NULL : find_id(mounts, mount->parent_id);

	return parent && !strcmp(parent->dir, mount->dir) ? parent : NULL;
}

bool helper_is_lklfs(const Mount *mount)
{
	return !strcmp(mount->type, "fuse.lklfs");
}

bool helper_is_inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return *path == '/';
	return !strncmp(path, dir, n) && (path[n] == '\0' || path[n] == '/');
}

/* ---- paths ---- */

/* One step of helper_resolve(): parent made canonical, last component as it is. */
static int resolve_parent(const char *path, char **ret_dir)
{
	g_autofree char *parent = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(path);
	char *real;
	bool whole = !strcmp(base, "/") || !strcmp(base, "..");

	real = realpath(whole ? path : parent, NULL);
	if (!real)
		return -errno;
	*ret_dir = whole ? g_strdup(real) : g_build_filename(real, base, NULL);
	free(real);
	return 0;
}

/* path without slashes and dots at its end, absolute. */
static int make_absolute(const char *path, char **ret_path)
{
	char *cwd = NULL, *text;
	size_t n;

	if (!*path)
		return -ENOENT;
	if (*path != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return -errno;
	}
	text = cwd ? g_build_filename(cwd, path, NULL) : g_strdup(path);
	free(cwd);
	for (n = strlen(text); n > 1; n--) {
		if (text[n - 1] == '/')
			continue;
		if (text[n - 1] == '.' && text[n - 2] == '/')
			continue;
		break;
	}
	text[n] = '\0';
	*ret_path = text;
	return 0;
}

int helper_resolve(const GPtrArray *mounts, const char *path, char **ret_dir)
{
	g_autofree char *now = NULL;
	int r;

	r = make_absolute(path, &now);
	if (r < 0)
		return r;
	/* Already canonical, most often; then not even the directories above need be looked at. */
	if (helper_top_mount(mounts, now)) {
		*ret_dir = g_steal_pointer(&now);
		return 0;
	}
	for (int i = 0; i < N_LINKS_MAX; i++) {
		g_autofree char *dir = NULL, *parent = NULL, *next = NULL;
		char target[PATH_MAX];
		ssize_t n;

		r = resolve_parent(now, &dir);
		if (r < 0)
			return r;
		n = helper_top_mount(mounts, dir) ? -1 : readlink(dir, target, sizeof target - 1);
		if (n < 0) {
			*ret_dir = g_steal_pointer(&dir);
			return 0;
		}
		target[n] = '\0';
		parent = g_path_get_dirname(dir);
		next = *target == '/' ? g_strdup(target) : g_build_filename(parent, target, NULL);
		g_free(now);
		r = make_absolute(next, &now);
		if (r < 0)
			return r;
	}
	return -ELOOP;
}

/* ---- the look inside ---- */

static int time_left(gint64 deadline)
{
	gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;

	return CLAMP(left, 0, INT_MAX);
}

/* In the child, which may be one of a process with threads: system calls only. Writes 0 and the
 * text, or -errno, to out_fd. O_PATH does not reach the daemon, and finds the mount before the
 * identity that it lets in might be refused on the way to it. */
static void send_text(const Mount *mount, const char *name, bool settle, int out_fd)
{
	int dir_fd, fd, r = 0;
	char buf[4096];
	ssize_t n;

	dir_fd = open(mount->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		r = -errno;
	if (r == 0 && geteuid() == 0 && (mount->uid || mount->gid))
		if (setresgid(mount->gid, mount->gid, mount->gid) < 0 ||
			setresuid(mount->uid, mount->uid, mount->uid) < 0)
			r = -errno;
	fd = r < 0 ? -1 : openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	if (fd >= 0 && settle) {
		if (fsync(fd) < 0)
			r = -errno;
		close(fd);
		fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
		if (r == 0 && fd < 0)
			r = -errno;
	}
	if (write(out_fd, &r, sizeof r) != sizeof r || r < 0)
		return;
	while ((n = read(fd, buf, sizeof buf)) > 0)
		if (write(out_fd, buf, n) != n)
			return;
}

static int read_until(int fd, gint64 deadline, GString *out)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char buf[4096];
		ssize_t n;
		int r = poll(&p, 1, time_left(deadline));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		n = read(fd, buf, sizeof buf);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		g_string_append_len(out, buf, n);
	}
}

/* Waits for a child of ours. One that hangs in the kernel is left behind: not even SIGKILL reaches
 * it while its request is with a daemon that is stopped. */
static void reap(pid_t pid, int pid_fd, gint64 deadline)
{
	struct pollfd p = {.fd = pid_fd, .events = POLLIN};

	if (pid_fd >= 0 && poll(&p, 1, time_left(deadline)) == 0)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, pid_fd >= 0 && poll(&p, 1, 100) <= 0 ? WNOHANG : 0);
}

/* name: of the file that answers. */
static int ask(const Mount *mount, const char *name, int timeout_ms, bool settle, char **ret_text)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	g_autoptr(GString) text = g_string_new(NULL);
	autofd in_fd = -1, pid_fd = -1;
	int fds[2], r, error;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in_fd = fds[0];
	pid = fork();
	if (pid == 0) {
		/* Nothing of a daemon's may stay open here should this one be left behind. */
		if (dup2(fds[1], STDIN_FILENO) == STDIN_FILENO) {
			close_range(STDERR_FILENO + 1, UINT_MAX, 0);
			send_text(mount, name, settle, STDIN_FILENO);
		}
		_exit(0);
	}
	r = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r < 0)
		return r;
	pid_fd = pidfd_open(pid, 0);
	r = read_until(in_fd, deadline, text);
	if (r < 0)
		kill(pid, SIGKILL);
	reap(pid, pid_fd, r < 0 ? 0 : deadline);
	if (r < 0)
		return r;
	if (text->len < sizeof error)
		return -EIO;
	memcpy(&error, text->str, sizeof error);
	if (error < 0)
		return error;
	if (ret_text)
		*ret_text = g_strchomp(g_strdup(text->str + sizeof error));
	return 0;
}

int helper_read_status(const Mount *mount, int timeout_ms, char **ret_text)
{
	return ask(mount, ".lklfs/status", timeout_ms, false, ret_text);
}

int helper_settle(const Mount *mount, int timeout_ms, char **ret_text)
{
	return ask(mount, ".lklfs/status", timeout_ms, true, ret_text);
}

int helper_read_journal(const Mount *mount, int timeout_ms, char **ret_text)
{
	return ask(mount, ".lklfs/journal", timeout_ms, true, ret_text);
}

/* ---- unmounting ---- */

int helper_find_fusermount(char **ret_path)
{
	const char *path = g_getenv("PATH");
	g_autofree char *all = g_strconcat("/usr/bin:/bin:", path ? path : "", NULL);
	g_auto(GStrv) dirs = g_strsplit(all, ":", -1);

	for (char **p = dirs; *p; p++) {
		g_autofree char *file = g_build_filename(*p, "fusermount3", NULL);

		if (**p && access(file, X_OK) == 0) {
			*ret_path = g_steal_pointer(&file);
			return 0;
		}
	}
	return -ENOENT;
}

static bool is_mounted(const Mount *mount)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *now;

	if (helper_read_mounts(&mounts) < 0)
		return true;
	now = find_id(mounts, mount->id);
	return now && now->minor == mount->minor && !strcmp(now->dir, mount->dir);
}

static int run_fusermount(const Mount *mount, bool lazy)
{
	g_autofree char *program = NULL;
	const char *argv[] = {"fusermount3", "-u", "-q", lazy ? "-z" : "--", "--", NULL, NULL};
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int r;

	r = helper_find_fusermount(&program);
	if (r < 0)
		return r;
	argv[lazy ? 5 : 4] = mount->dir;
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	r = -posix_spawn(&pid, program, NULL, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (r < 0)
		return r;
	/* Its status may go to somebody who waits for any child, and says little anyway. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return is_mounted(mount) ? -EBUSY : 0;
}

int helper_unmount(const Mount *mount, bool lazy)
{
	int r;

	if (umount2(mount->dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	r = -errno;
	if (r == -EPERM)
		return run_fusermount(mount, lazy);
	if (r == -EINVAL || r == -ENOENT)
		return is_mounted(mount) ? r : 0;
	return r;
}

static int write_abort(unsigned minor)
{
	char path[sizeof CONNECTIONS + 24];
	autofd fd = -1;

	snprintf(path, sizeof path, CONNECTIONS "/%u/abort", minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) < 0)
		return -errno;
	return 0;
}

int helper_abort(unsigned minor)
{
	int r = write_abort(minor), status;
	pid_t pid;

	if (r != -ENOENT || geteuid() != 0)
		return r;
	/* Containers seldom have the control file system mounted: a child mounts it for itself. */
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) == 0 &&
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			mount("none", CONNECTIONS, "fusectl", 0, NULL) == 0 &&
			write_abort(minor) == 0)
			_exit(0);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) == pid && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return r;
	return 0;
}

int helper_wait_gone(const Mount *mount, int timeout_ms)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	autofd fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (is_mounted(mount)) {
		/* Tells of every change since the descriptor was opened or last polled. */
		struct pollfd p = {.fd = fd, .events = POLLPRI};

		if (poll(&p, 1, time_left(deadline)) == 0)
			return is_mounted(mount) ? -ETIMEDOUT : 0;
	}
	return 0;
}

/* ---- who uses it ---- */

GArray *helper_processes(void)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = isdigit(*entry->d_name) ? atoi(entry->d_name) : 0;

		if (pid > 0 && pid != getpid())
			g_array_append_val(pids, pid);
	}
	if (dir)
		closedir(dir);
	return pids;
}

/* Whether the id in an fdinfo file is one of the mounts of that minor. */
static bool is_of_mount(const char *fdinfo, const GPtrArray *mounts, unsigned minor)
{
	g_autofree char *text = read_proc(fdinfo);
	const char *line = text ? strstr(text, "mnt_id:") : NULL;
	const Mount *mount = line ? find_id(mounts, atoi(line + strlen("mnt_id:"))) : NULL;

	return mount && mount->major == 0 && mount->minor == minor;
}

/* cwd and root have no fdinfo, but ours of a descriptor for the same place, which O_PATH gets
 * without a request to the daemon. */
static bool holds_link(pid_t pid, const char *name, const GPtrArray *mounts, unsigned minor)
{
	char path[64], fdinfo[64];
	autofd fd = -1;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(fdinfo, sizeof fdinfo, "/proc/self/fdinfo/%d", fd);
	return is_of_mount(fdinfo, mounts, minor);
}

static bool holds_file(pid_t pid, const GPtrArray *mounts, unsigned minor)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fdinfo", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool holds = false;

	while (dir && !holds && (entry = readdir(dir))) {
		g_autofree char *fdinfo = g_build_filename(path, entry->d_name, NULL);

		holds = *entry->d_name != '.' && is_of_mount(fdinfo, mounts, minor);
	}
	if (dir)
		closedir(dir);
	return holds;
}

static bool holds_mapping(pid_t pid, unsigned minor)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/maps", pid);
	g_autofree char *text = read_proc(path);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

	for (char **p = lines; *p; p++) {
		unsigned major_number, minor_number;

		if (sscanf(*p, "%*s %*s %*s %x:%x", &major_number, &minor_number) == 2 &&
			major_number == 0 && minor_number == minor)
			return true;
	}
	return false;
}

/* In a mount namespace of its own the very presence of the mount holds it. */
static bool holds_namespace(pid_t pid, unsigned minor)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/ns/mnt", pid);
	g_autofree char *own = g_file_read_link("/proc/self/ns/mnt", NULL);
	g_autofree char *theirs = g_file_read_link(path, NULL);
	g_autofree char *info = g_strdup_printf("/proc/%d/mountinfo", pid);
	g_autofree char *text = NULL;
	g_autoptr(GPtrArray) mounts = NULL;

	if (!own || !theirs || !strcmp(own, theirs))
		return false;
	text = read_proc(info);
	mounts = helper_parse_mounts(text ? text : "");
	for (guint i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];

		if (mount->major == 0 && mount->minor == minor)
			return true;
	}
	return false;
}

static bool holds(pid_t pid, const GPtrArray *mounts, unsigned minor)
{
	return holds_link(pid, "cwd", mounts, minor) || holds_link(pid, "root", mounts, minor) ||
	       holds_file(pid, mounts, minor) || holds_mapping(pid, minor) ||
	       holds_namespace(pid, minor);
}

bool helper_is_holder(pid_t pid, unsigned minor)
{
	g_autoptr(GPtrArray) mounts = NULL;

	return helper_read_mounts(&mounts) == 0 && holds(pid, mounts, minor);
}

char *helper_name_holders(unsigned minor)
{
	g_autoptr(GArray) pids = helper_processes();
	g_autoptr(GPtrArray) mounts = NULL;
	GString *names = g_string_new(NULL);

	if (helper_read_mounts(&mounts) < 0)
		mounts = g_ptr_array_new();
	for (guint i = 0; i < pids->len; i++) {
		pid_t pid = g_array_index(pids, pid_t, i);
		g_autofree char *path = g_strdup_printf("/proc/%d/comm", pid);
		g_autofree char *name = NULL;

		if (!holds(pid, mounts, minor))
			continue;
		name = read_proc(path);
		g_string_append_printf(names, "%s%d (%s)", names->len ? ", " : "", pid,
			name ? g_strchomp(name) : "?");
	}
	return g_string_free(names, FALSE);
}
