/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each test has a directory of its own, in the working directory, which is removed when it ends.
 * What only root can do, or only a file system with ACLs and attributes, is skipped where it cannot
 * be had. */

#include "backing.h"

#include <dirent.h>
#include <ftw.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "scratch.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define CAPABILITY "security.capability"
#define OTHER 65534 /* a user who is not root */

typedef struct Place Place;

struct Place {
	char *path; /* absolute */
	int fd;     /* of the same */
};

static void place_set_up(Place *place, const void *data)
{
	g_autofree char *cwd = g_get_current_dir();

	(void)data;
	umask(022);
	place->path = g_build_filename(cwd, "unit-XXXXXX", NULL);
	g_assert_nonnull(mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(place->fd, >=, 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static void place_tear_down(Place *place, const void *data)
{
	(void)data;
	close(place->fd);
	nftw(place->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	g_free(place->path);
}

/* A file with these bytes. */
static void make_file(int dir_fd, const char *name, const char *text)
{
	autofd fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	g_assert_cmpint(fd, >=, 0);
	scratch_write(fd, text, strlen(text), 0);
}

static void make_dir(int dir_fd, const char *name)
{
	g_assert_cmpint(mkdirat(dir_fd, name, 0755), ==, 0);
}

static void make_link(int dir_fd, const char *name, const char *target)
{
	g_assert_cmpint(symlinkat(target, dir_fd, name), ==, 0);
}

/* A staged file with these bytes. */
static int make_stage(int dir_fd, const char *text, char **ret_hidden)
{
	int fd = -1;

	ASSERT_OK(backing_stage(dir_fd, 0600, &fd, ret_hidden));
	scratch_write(fd, text, strlen(text), 0);
	return fd;
}

/* The bytes of an open file, of a name; to free. */
static char *text_of(int fd)
{
	char text[256] = "";

	g_assert_cmpint(pread(fd, text, sizeof(text) - 1, 0), >=, 0);
	return g_strdup(text);
}

static void check_text(int dir_fd, const char *name, const char *wanted)
{
	autofd fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	g_autofree char *text = NULL;

	g_assert_cmpint(fd, >=, 0);
	text = text_of(fd);
	g_assert_cmpstr(text, ==, wanted);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names in a directory, sorted: "a b c". */
static void check_names(int dir_fd, const char *wanted)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	g_autofree char *all = NULL;
	struct dirent *entry;

	g_assert_nonnull(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	closedir(dir);
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	all = g_strjoinv(" ", (char **)names->pdata);
	g_assert_cmpstr(all, ==, wanted);
}

static struct stat stat_of(int dir_fd, const char *name)
{
	struct stat st;

	g_assert_cmpint(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	return st;
}

static struct stat stat_of_fd(int fd)
{
	struct stat st;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	return st;
}

/* A time of long ago, by which one that has moved is known. */
static void set_old(int dir_fd, const char *name)
{
	struct timespec times[2] = {
		{.tv_sec = 1000000001, .tv_nsec = 5}, {.tv_sec = 1000000002, .tv_nsec = 123456789}};

	g_assert_cmpint(utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW), ==, 0);
}

static bool is_old(int dir_fd, const char *name)
{
	struct stat st = stat_of(dir_fd, name);

	return st.st_mtim.tv_sec == 1000000002 && st.st_mtim.tv_nsec == 123456789;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void check_cloexec(int fd)
{
	g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

/* ---- names ---- */

static void test_hidden(void)
{
	g_assert_true(backing_is_hidden(BACKING_HIDDEN_PREFIX));
	g_assert_true(backing_is_hidden(BACKING_HIDDEN_PREFIX "1-2-3"));
	g_assert_true(backing_is_hidden(BACKING_HIDDEN_PREFIX "anything"));
	g_assert_false(backing_is_hidden(""));
	g_assert_false(backing_is_hidden(".lklfs"));
	g_assert_false(backing_is_hidden(".lklfs-stage"));
	g_assert_false(backing_is_hidden(".lklfs-unsaved"));
	g_assert_false(backing_is_hidden("a" BACKING_HIDDEN_PREFIX "1-2-3"));
	g_assert_false(backing_is_hidden("stage"));
}

/* ---- opening ---- */

static void test_open(Place *place, const void *data)
{
	autofd dir_fd = -1, list_fd = -1, path_fd = -1, read_fd = -1, write_fd = -1, again_fd = -1;
	g_autofree char *text = NULL;
	int fd = -2;

	(void)data;
	make_dir(place->fd, "dir");
	make_file(place->fd, "file", "bytes");
	ASSERT_OK(backing_open_dir(place->fd, "dir", &dir_fd));
	ASSERT_OK(backing_open_list(dir_fd, &list_fd));
	ASSERT_OK(backing_open_path(place->fd, "file", &path_fd));
	ASSERT_OK(backing_open_read(place->fd, "file", &read_fd));
	ASSERT_OK(backing_open_write(place->fd, "file", &write_fd));
	ASSERT_OK(backing_reopen_read(path_fd, &again_fd));
	check_cloexec(dir_fd);
	check_cloexec(list_fd);
	check_cloexec(path_fd);
	check_cloexec(read_fd);
	check_cloexec(write_fd);
	check_cloexec(again_fd);
	check_names(list_fd, "");
	text = text_of(again_fd);
	g_assert_cmpstr(text, ==, "bytes");
	scratch_write(write_fd, "B", 1, 0);
	check_text(place->fd, "file", "Bytes");
	g_assert_cmpint(pwrite(read_fd, "x", 1, 0), <, 0);

	ASSERT_ERROR(backing_open_dir(place->fd, "file", &fd), ENOTDIR);
	ASSERT_ERROR(backing_open_dir(place->fd, "none", &fd), ENOENT);
	ASSERT_ERROR(backing_open_path(place->fd, "none", &fd), ENOENT);
	ASSERT_ERROR(backing_open_read(place->fd, "none", &fd), ENOENT);
	ASSERT_ERROR(backing_open_write(place->fd, "none", &fd), ENOENT);
	ASSERT_ERROR(backing_open_write(place->fd, "dir", &fd), EISDIR);
	g_assert_cmpint(fd, ==, -2);
	g_assert_true(backing_exists(place->fd, "file"));
	g_assert_false(backing_exists(place->fd, "none"));
}

/* A link leads nowhere: it is an error, or itself. */
static void test_open_links(Place *place, const void *data)
{
	autofd path_fd = -1;
	struct stat st;
	int fd = -2;

	(void)data;
	make_dir(place->fd, "dir");
	make_file(place->fd, "file", "bytes");
	make_link(place->fd, "to-dir", "dir");
	make_link(place->fd, "to-file", "file");
	make_link(place->fd, "to-none", "none");
	ASSERT_ERROR(backing_open_dir(place->fd, "to-dir", &fd), ENOTDIR);
	ASSERT_ERROR(backing_open_read(place->fd, "to-file", &fd), ELOOP);
	ASSERT_ERROR(backing_open_write(place->fd, "to-file", &fd), ELOOP);
	ASSERT_ERROR(backing_open_write(place->fd, "to-none", &fd), ELOOP);
	g_assert_cmpint(fd, ==, -2);
	ASSERT_OK(backing_open_path(place->fd, "to-file", &path_fd));
	g_assert_true(S_ISLNK(stat_of_fd(path_fd).st_mode));
	ASSERT_OK(backing_stat(place->fd, "to-file", &st));
	g_assert_true(S_ISLNK(st.st_mode));
	g_assert_true(backing_exists(place->fd, "to-none"));
}

/* Neither waits for a writer, as an open of a fifo would, nor moves the atime. */
static void test_open_read_quietly(Place *place, const void *data)
{
	autofd fifo_fd = -1, fd = -1;
	char byte;

	(void)data;
	g_assert_cmpint(mkfifoat(place->fd, "fifo", 0644), ==, 0);
	ASSERT_OK(backing_open_read(place->fd, "fifo", &fifo_fd));
	make_file(place->fd, "file", "bytes");
	set_old(place->fd, "file");
	ASSERT_OK(backing_open_read(place->fd, "file", &fd));
	g_assert_cmpint(pread(fd, &byte, 1, 0), ==, 1);
	g_assert_cmpint(stat_of(place->fd, "file").st_atim.tv_sec, ==, 1000000001);
}

/* ---- stages ---- */

static void test_stage(Place *place, const void *data)
{
	g_autofree char *hidden = NULL, *other = NULL;
	autofd fd = -1, other_fd = -1;
	struct stat st;

	(void)data;
	ASSERT_OK(backing_stage(place->fd, 0600, &fd, &hidden));
	ASSERT_OK(backing_stage(place->fd, 0600, &other_fd, &other));
	check_cloexec(fd);
	st = stat_of_fd(fd);
	g_assert_true(S_ISREG(st.st_mode));
	g_assert_cmpint(st.st_mode & 07777, ==, 0600);
	g_assert_cmpint(st.st_size, ==, 0);
	g_assert_cmpint(st.st_nlink, ==, hidden ? 1 : 0);
	g_assert_cmpint(st.st_dev, ==, stat_of_fd(place->fd).st_dev);
	g_assert_cmpint(stat_of_fd(other_fd).st_ino, !=, st.st_ino);
	if (hidden) {
		g_assert_true(backing_is_hidden(hidden));
		g_assert_cmpstr(hidden, !=, other);
	} else {
		check_names(place->fd, "");
	}
}

static void test_stage_mode(Place *place, const void *data)
{
	const mode_t modes[] = {0, 0400, 0644, 0777, 01755, 06755};

	(void)data;
	umask(0); /* as a daemon has it */
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *hidden = NULL;
		autofd fd = -1;

		ASSERT_OK(backing_stage(place->fd, modes[i], &fd, &hidden));
		g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | modes[i]);
		/* whatever the mode, it can be written and read */
		scratch_write(fd, "x", 1, 0);
		g_free(text_of(fd));
	}
}

static void test_own(Place *place, const void *data)
{
	const mode_t modes[] = {0640, 04755, 02755, 06755, 07777};
	struct stat dir = stat_of_fd(place->fd);

	(void)data;
	umask(0);
	ASSERT_ERROR(backing_own(-1, 0644, geteuid(), getegid(), &dir), EBADF);
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *hidden = NULL;
		autofd fd = -1;

		ASSERT_OK(backing_stage(place->fd, modes[i], &fd, &hidden));
		ASSERT_OK(backing_own(fd, modes[i], geteuid(), getegid(), &dir));
		g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | modes[i]);
		/* an ordinary user cannot give it away, and it stays the daemon's */
		ASSERT_OK(backing_own(fd, modes[i], OTHER, OTHER, &dir));
		g_assert_cmpint(stat_of_fd(fd).st_uid, ==, geteuid() == 0 ? OTHER : geteuid());
		g_assert_cmpint(stat_of_fd(fd).st_gid, ==, geteuid() == 0 ? OTHER : getegid());
		/* the change of owner has not taken bits away */
		g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | modes[i]);
	}
}

/* The directory gives its group to what is made in it. */
static void test_own_group(Place *place, const void *data)
{
	autofd dir_fd = -1, fd = -1;
	g_autofree char *hidden = NULL;
	struct stat dir;

	(void)data;
	if (geteuid() != 0) {
		g_test_skip("only root can give groups away");
		return;
	}
	make_dir(place->fd, "dir");
	g_assert_cmpint(fchownat(place->fd, "dir", 0, 4711, 0), ==, 0);
	g_assert_cmpint(fchmodat(place->fd, "dir", 02755, 0), ==, 0);
	ASSERT_OK(backing_open_list(place->fd, &dir_fd));
	close(dir_fd);
	dir_fd = openat(place->fd, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = stat_of_fd(dir_fd);
	fd = make_stage(dir_fd, "bytes", &hidden);
	ASSERT_OK(backing_own(fd, 0644, OTHER, OTHER, &dir));
	g_assert_cmpint(stat_of_fd(fd).st_uid, ==, OTHER);
	g_assert_cmpint(stat_of_fd(fd).st_gid, ==, 4711);
}

static void test_link(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;
	autofd fd = make_stage(place->fd, "new", &hidden);

	(void)data;
	make_file(place->fd, "taken", "old");
	make_link(place->fd, "link", "taken");
	ASSERT_ERROR(backing_link(fd, place->fd, "taken"), EEXIST);
	ASSERT_ERROR(backing_link(fd, place->fd, "link"), EEXIST);
	check_text(place->fd, "taken", "old");
	ASSERT_OK(backing_link(fd, place->fd, "name"));
	check_text(place->fd, "name", "new");
	g_assert_cmpint(stat_of(place->fd, "name").st_ino, ==, stat_of_fd(fd).st_ino);
}

/* ---- exposing ---- */

/* Puts "new" in the place of name. A hidden name is made by hand, as on a file system where a file
 * cannot be without one. */
static int expose(Place *place, const char *name, bool fresh, bool with_hidden, ino_t *ret_ino)
{
	g_autofree char *hidden = NULL;
	autofd fd = -1;
	int r;

	if (with_hidden) {
		hidden = g_strdup(BACKING_HIDDEN_PREFIX "by-hand");
		make_file(place->fd, hidden, "new");
		fd = openat(place->fd, hidden, O_RDWR | O_CLOEXEC);
		g_assert_cmpint(fd, >=, 0);
	} else {
		fd = make_stage(place->fd, "new", &hidden);
	}
	set_old(place->fd, ".");
	r = backing_expose(fd, &hidden, place->fd, name, fresh);
	*ret_ino = stat_of_fd(fd).st_ino;
	if (r == 0) {
		g_assert_null(hidden);
		return 0;
	}
	/* A second attempt is possible, however far the first one came. */
	ASSERT_OK(backing_expose(fd, &hidden, place->fd, "second", false));
	g_assert_null(hidden);
	check_text(place->fd, "second", "new");
	g_assert_cmpint(unlinkat(place->fd, "second", 0), ==, 0);
	return r;
}

static void test_expose_over(Place *place, const void *data)
{
	const bool with_hidden = GPOINTER_TO_INT(data);
	autofd old_fd = -1;
	g_autofree char *old = NULL;
	struct stat st;
	ino_t ino;

	make_file(place->fd, "name", "old");
	make_file(place->fd, "other", "other");
	old_fd = openat(place->fd, "name", O_RDONLY | O_CLOEXEC);
	ASSERT_OK(expose(place, "name", false, with_hidden, &ino));
	check_text(place->fd, "name", "new");
	check_names(place->fd, "name other");
	st = stat_of(place->fd, "name");
	g_assert_cmpint(st.st_ino, ==, ino);
	g_assert_cmpint(st.st_nlink, ==, 1);
	g_assert_true(is_old(place->fd, "."));
	/* who has the old one open goes on reading it */
	old = text_of(old_fd);
	g_assert_cmpstr(old, ==, "old");
}

static void test_expose_fresh(Place *place, const void *data)
{
	const bool with_hidden = GPOINTER_TO_INT(data);
	ino_t ino;

	ASSERT_OK(expose(place, "name", true, with_hidden, &ino));
	check_text(place->fd, "name", "new");
	check_names(place->fd, "name");
	g_assert_cmpint(stat_of(place->fd, "name").st_ino, ==, ino);
	g_assert_cmpint(stat_of(place->fd, "name").st_nlink, ==, 1);
	g_assert_true(is_old(place->fd, "."));
}

/* What was not expected to be there is replaced; a link is replaced, not followed. */
static void test_expose_unexpected(Place *place, const void *data)
{
	const bool with_hidden = GPOINTER_TO_INT(data);
	ino_t ino;

	make_file(place->fd, "name", "old");
	ASSERT_OK(expose(place, "name", true, with_hidden, &ino));
	check_text(place->fd, "name", "new");
	make_file(place->fd, "target", "target");
	make_link(place->fd, "link", "target");
	ASSERT_OK(expose(place, "link", true, with_hidden, &ino));
	g_assert_true(S_ISREG(stat_of(place->fd, "link").st_mode));
	check_text(place->fd, "target", "target");
	make_link(place->fd, "link2", "target");
	ASSERT_OK(expose(place, "link2", false, with_hidden, &ino));
	g_assert_true(S_ISREG(stat_of(place->fd, "link2").st_mode));
	check_text(place->fd, "target", "target");
	/* and what was expected may be missing */
	ASSERT_OK(expose(place, "none", false, with_hidden, &ino));
	check_text(place->fd, "none", "new");
	check_names(place->fd, "link link2 name none target");
}

/* On failure what is there is as before, and nothing is in the way of a second attempt. */
static void test_expose_fails(Place *place, const void *data)
{
	const bool with_hidden = GPOINTER_TO_INT(data);
	g_autofree char *long_name = g_strnfill(300, 'x');
	ino_t ino;

	make_dir(place->fd, "dir");
	make_file(place->fd, "name", "old");
	for (int fresh = 0; fresh < 2; fresh++) {
		ASSERT_ERROR(expose(place, "dir", fresh, with_hidden, &ino), EISDIR);
		check_names(place->fd, "dir name");
		ASSERT_ERROR(expose(place, long_name, fresh, with_hidden, &ino), ENAMETOOLONG);
		check_names(place->fd, "dir name");
	}
	check_text(place->fd, "name", "old");
}

/* The directory has gone: nothing can be put there. */
static void test_expose_nowhere(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;
	autofd dir_fd = -1, fd = -1;

	(void)data;
	make_dir(place->fd, "dir");
	dir_fd = openat(place->fd, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = make_stage(dir_fd, "new", &hidden);
	if (hidden) {
		g_test_skip("no files without a name here");
		return;
	}
	g_assert_cmpint(unlinkat(place->fd, "dir", AT_REMOVEDIR), ==, 0);
	ASSERT_ERROR(backing_expose(fd, &hidden, dir_fd, "name", true), ENOENT);
	ASSERT_ERROR(backing_expose(fd, &hidden, dir_fd, "name", false), ENOENT);
	g_assert_null(hidden);
}

/* ---- carrying over ---- */

static void make_pair(Place *place, mode_t mode, int *ret_from_fd, int *ret_to_fd)
{
	g_autofree char *hidden = NULL;

	make_file(place->fd, "from", "old");
	*ret_from_fd = openat(place->fd, "from", O_RDWR | O_CLOEXEC);
	g_assert_cmpint(*ret_from_fd, >=, 0);
	g_assert_cmpint(fchmod(*ret_from_fd, mode), ==, 0);
	*ret_to_fd = make_stage(place->fd, "new", &hidden);
}

static void test_carry_mode(Place *place, const void *data)
{
	static const struct {
		mode_t from, kept, dropped;
	} modes[] = {
		{0644, 0644, 0644},
		{0, 0, 0},
		{0777, 0777, 0777},
		{01644, 01644, 01644},
		{04755, 04755, 0755},
		{02755, 02755, 0755},
		{06755, 06755, 0755},
		/* without the right to execute it is no set-group-ID bit */
		{02644, 02644, 02644},
		{06644, 06644, 02644},
	};
	autofd from_fd = -1, to_fd = -1;

	(void)data;
	make_pair(place, 0644, &from_fd, &to_fd);
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_assert_cmpint(fchmod(from_fd, modes[i].from), ==, 0);
		ASSERT_OK(backing_carry(from_fd, to_fd, false));
		g_assert_cmpint(stat_of_fd(to_fd).st_mode & 07777, ==, modes[i].kept);
		ASSERT_OK(backing_carry(from_fd, to_fd, true));
		g_assert_cmpint(stat_of_fd(to_fd).st_mode & 07777, ==, modes[i].dropped);
	}
}

static void test_carry_owner(Place *place, const void *data)
{
	autofd from_fd = -1, to_fd = -1;

	(void)data;
	if (geteuid() != 0) {
		g_test_skip("only root can give files away");
		return;
	}
	make_pair(place, 0644, &from_fd, &to_fd);
	g_assert_cmpint(fchown(from_fd, OTHER, 4711), ==, 0);
	g_assert_cmpint(fchmod(from_fd, 06755), ==, 0);
	ASSERT_OK(backing_carry(from_fd, to_fd, false));
	g_assert_cmpint(stat_of_fd(to_fd).st_uid, ==, OTHER);
	g_assert_cmpint(stat_of_fd(to_fd).st_gid, ==, 4711);
	/* the change of owner has not taken the bits away */
	g_assert_cmpint(stat_of_fd(to_fd).st_mode & 07777, ==, 06755);
}

/* An ordinary user cannot make a file somebody else's, and must not get away without: the other
 * way, P14, is taken then. */
static void test_carry_fails(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;
	autofd from_fd = -1, to_fd = -1;
	int r;

	(void)data;
	if (geteuid() != 0) {
		g_test_skip("only root has files of several owners");
		return;
	}
	g_assert_cmpint(fchmod(place->fd, 0777), ==, 0);
	make_file(place->fd, "from", "old");
	from_fd = openat(place->fd, "from", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(seteuid(OTHER), ==, 0);
	to_fd = make_stage(place->fd, "new", &hidden);
	r = backing_carry(from_fd, to_fd, false);
	g_assert_cmpint(seteuid(0), ==, 0);
	ASSERT_ERROR(r, EPERM);
	g_assert_cmpint(stat_of_fd(to_fd).st_mode & 07777, ==, 0600);
}

static bool has_attribute(int fd, const char *name, const char *wanted)
{
	char value[256] = "";
	ssize_t n = fgetxattr(fd, name, value, sizeof(value));

	return n >= 0 && (size_t)n == strlen(wanted) && memcmp(value, wanted, (size_t)n) == 0;
}

static void test_carry_attributes(Place *place, const void *data)
{
	autofd from_fd = -1, to_fd = -1;

	(void)data;
	make_pair(place, 0644, &from_fd, &to_fd);
	if (fsetxattr(from_fd, "user.one", "1", 1, 0) < 0) {
		g_test_skip("no extended attributes here");
		return;
	}
	g_assert_cmpint(fsetxattr(from_fd, "user.two", "a longer value", 14, 0), ==, 0);
	g_assert_cmpint(fsetxattr(from_fd, "user.empty", "", 0, 0), ==, 0);
	g_assert_cmpint(fsetxattr(to_fd, "user.one", "another", 7, 0), ==, 0);
	ASSERT_OK(backing_carry(from_fd, to_fd, true));
	g_assert_true(has_attribute(to_fd, "user.one", "1"));
	g_assert_true(has_attribute(to_fd, "user.two", "a longer value"));
	g_assert_true(has_attribute(to_fd, "user.empty", ""));
	g_assert_true(has_attribute(from_fd, "user.one", "1"));
}

typedef struct Acl Acl;

/* The attribute that a small ACL is: the owner, one named user, the group, the mask, the others. */
struct Acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[5];
};

static Acl acl_of(uint16_t user_perm)
{
	const uint32_t none = GUINT32_TO_LE(ACL_UNDEFINED_ID);

	return (Acl){
		.header.a_version = GUINT32_TO_LE(POSIX_ACL_XATTR_VERSION),
		.entries =
			{
				{GUINT16_TO_LE(ACL_USER_OBJ), GUINT16_TO_LE(6), none},
				{GUINT16_TO_LE(ACL_USER), GUINT16_TO_LE(user_perm),
					GUINT32_TO_LE(4711)},
				{GUINT16_TO_LE(ACL_GROUP_OBJ), GUINT16_TO_LE(4), none},
				{GUINT16_TO_LE(ACL_MASK), GUINT16_TO_LE(6), none},
				{GUINT16_TO_LE(ACL_OTHER), GUINT16_TO_LE(0), none},
			},
	};
}

/* The umask counts unless the directory has a default ACL, which then rules what is made in it. */
static void test_mode(Place *place, const void *data)
{
	const Acl acl = acl_of(6);
	g_autofree char *hidden = NULL;
	autofd fd = -1;
	char value[256];

	(void)data;
	umask(0);
	g_assert_cmpint(backing_mode(place->fd, 0666, 022), ==, 0644);
	g_assert_cmpint(backing_mode(place->fd, 06777, 077), ==, 06700);
	g_assert_cmpint(backing_mode(place->fd, 0666, 0), ==, 0666);
	if (fsetxattr(place->fd, ACL_DEFAULT, &acl, sizeof(acl), 0) < 0) {
		g_test_skip("no ACLs here");
		return;
	}
	g_assert_cmpint(backing_mode(place->fd, 0666, 077), ==, 0666);
	ASSERT_OK(backing_stage(place->fd, 0666, &fd, &hidden));
	g_assert_cmpint(fgetxattr(fd, ACL_ACCESS, value, sizeof(value)), >, 0);
	g_assert_cmpint(stat_of_fd(fd).st_mode & 07777, ==, 0660);
}

static void test_carry_acl(Place *place, const void *data)
{
	const Acl acl = acl_of(6);
	Acl got = {};
	autofd from_fd = -1, to_fd = -1;

	(void)data;
	make_pair(place, 0640, &from_fd, &to_fd);
	if (fsetxattr(from_fd, ACL_ACCESS, &acl, sizeof(acl), 0) < 0) {
		g_test_skip("no ACLs here");
		return;
	}
	for (int drop = 0; drop < 2; drop++) {
		ASSERT_OK(backing_carry(from_fd, to_fd, drop));
		g_assert_cmpint(fgetxattr(to_fd, ACL_ACCESS, &got, sizeof(got)), ==, sizeof(acl));
		g_assert_cmpmem(&got, sizeof(got), &acl, sizeof(acl));
		g_assert_cmpint(stat_of_fd(to_fd).st_mode, ==, stat_of_fd(from_fd).st_mode);
	}
}

/* What the directory gives to new files is not for one that takes an old one's place. */
static void test_carry_no_acl(Place *place, const void *data)
{
	const Acl acl = acl_of(6);
	g_autofree char *hidden = NULL;
	autofd from_fd = -1, to_fd = -1, fd = -1;
	char value[256];

	(void)data;
	make_file(place->fd, "from", "old");
	from_fd = openat(place->fd, "from", O_RDWR | O_CLOEXEC);
	g_assert_cmpint(fchmod(from_fd, 0664), ==, 0);
	if (fsetxattr(place->fd, ACL_DEFAULT, &acl, sizeof(acl), 0) < 0) {
		g_test_skip("no ACLs here");
		return;
	}
	/* it does have a say in files that are made with a name */
	make_file(place->fd, "made", "");
	fd = openat(place->fd, "made", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(fgetxattr(fd, ACL_ACCESS, value, sizeof(value)), >, 0);

	to_fd = make_stage(place->fd, "new", &hidden);
	if (fgetxattr(to_fd, ACL_ACCESS, value, sizeof(value)) < 0)
		g_assert_cmpint(fsetxattr(to_fd, ACL_ACCESS, &acl, sizeof(acl), 0), ==, 0);
	ASSERT_OK(backing_carry(from_fd, to_fd, true));
	g_assert_cmpint(fgetxattr(to_fd, ACL_ACCESS, value, sizeof(value)), <, 0);
	g_assert_cmpint(errno, ==, ENODATA);
	g_assert_cmpint(stat_of_fd(to_fd).st_mode & 07777, ==, 0664);
}

/* Dropped as by a write in place, while what stands beside it is carried. */
static void test_carry_capability(Place *place, const void *data)
{
	const struct vfs_cap_data capability = {
		.magic_etc = GUINT32_TO_LE(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE),
		.data[0].permitted = GUINT32_TO_LE(1U << CAP_NET_RAW),
	};
	autofd from_fd = -1, to_fd = -1;
	char value[256];

	(void)data;
	if (geteuid() != 0) {
		g_test_skip("only root can give capabilities");
		return;
	}
	make_pair(place, 0755, &from_fd, &to_fd);
	if (fsetxattr(from_fd, CAPABILITY, &capability, sizeof(capability), 0) < 0) {
		g_test_skip("no file capabilities here");
		return;
	}
	g_assert_cmpint(fsetxattr(from_fd, "user.one", "1", 1, 0), ==, 0);
	for (int drop = 0; drop < 2; drop++) {
		ASSERT_OK(backing_carry(from_fd, to_fd, drop));
		g_assert_cmpint(fgetxattr(to_fd, CAPABILITY, value, sizeof(value)), <, 0);
		g_assert_cmpint(errno, ==, ENODATA);
		g_assert_true(has_attribute(to_fd, "user.one", "1"));
	}
	g_assert_cmpint(fgetxattr(from_fd, CAPABILITY, value, sizeof(value)), >, 0);
}

/* ---- times, mode, owner ---- */

static bool is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static void test_stamp(Place *place, const void *data)
{
	struct timespec last, now;
	autofd fd = -1, other_fd = -1;
	bool fine;

	(void)data;
	make_file(place->fd, "file", "bytes");
	make_file(place->fd, "other", "bytes");
	set_old(place->fd, "file");
	fd = openat(place->fd, "file", O_RDWR | O_CLOEXEC);
	other_fd = openat(place->fd, "other", O_RDWR | O_CLOEXEC);
	ASSERT_OK(backing_stamp(fd));
	g_assert_false(is_old(place->fd, "file"));
	g_assert_cmpint(stat_of_fd(fd).st_atim.tv_sec, ==, 1000000001);
	/* Kernels before 6.13 count in ticks: then neighbours may tie, and none is older. */
	ASSERT_OK(backing_stamp(other_fd));
	fine = is_before(stat_of_fd(fd).st_mtim, stat_of_fd(other_fd).st_mtim);
	last = stat_of_fd(other_fd).st_mtim;
	for (int i = 0; i < 100; i++) {
		int one_fd = i % 2 ? fd : other_fd;

		ASSERT_OK(backing_stamp(one_fd));
		now = stat_of_fd(one_fd).st_mtim;
		g_assert_false(is_before(now, last));
		if (fine)
			g_assert_true(is_before(last, now));
		last = now;
	}
	ASSERT_ERROR(backing_stamp(-1), EBADF);
}

static void test_stamp_name(Place *place, const void *data)
{
	(void)data;
	make_file(place->fd, "file", "bytes");
	make_link(place->fd, "link", "file");
	set_old(place->fd, "file");
	set_old(place->fd, "link");
	ASSERT_OK(backing_stamp_name(place->fd, "link"));
	g_assert_false(is_old(place->fd, "link"));
	g_assert_true(is_old(place->fd, "file"));
	ASSERT_OK(backing_stamp_name(place->fd, "file"));
	g_assert_false(is_old(place->fd, "file"));
	ASSERT_ERROR(backing_stamp_name(place->fd, "none"), ENOENT);
	set_old(place->fd, ".");
	backing_touch_dir(place->fd);
	g_assert_false(is_old(place->fd, "."));
}

static void test_chmod(Place *place, const void *data)
{
	autofd fd = -1, link_fd = -1;
	struct stat before;

	(void)data;
	make_file(place->fd, "file", "bytes");
	make_link(place->fd, "link", "file");
	ASSERT_OK(backing_open_path(place->fd, "file", &fd));
	ASSERT_OK(backing_open_path(place->fd, "link", &link_fd));
	before = stat_of_fd(fd);
	ASSERT_OK(backing_chmod(fd, 0644));
	ASSERT_OK(backing_chmod(fd, S_IFREG | 0644));
	g_assert_true(same_time(stat_of_fd(fd).st_ctim, before.st_ctim));
	ASSERT_OK(backing_chmod(fd, 04711));
	g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | 04711);
	ASSERT_ERROR(backing_chmod(link_fd, 0600), EOPNOTSUPP);
	g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | 04711);
}

static void test_chown(Place *place, const void *data)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	autofd fd = -1, link_fd = -1;
	struct stat before;

	(void)data;
	make_file(place->fd, "file", "bytes");
	make_link(place->fd, "link", "file");
	ASSERT_OK(backing_open_path(place->fd, "file", &fd));
	ASSERT_OK(backing_open_path(place->fd, "link", &link_fd));
	before = stat_of_fd(fd);
	ASSERT_OK(backing_chown(fd, uid, gid));
	ASSERT_OK(backing_chown(fd, (uid_t)-1, gid));
	ASSERT_OK(backing_chown(fd, uid, (gid_t)-1));
	ASSERT_OK(backing_chown(fd, (uid_t)-1, (gid_t)-1));
	g_assert_true(same_time(stat_of_fd(fd).st_ctim, before.st_ctim));
	/* the same owner, and yet the kernel takes these bits away */
	ASSERT_OK(backing_chmod(fd, 06755));
	ASSERT_OK(backing_chown(fd, uid, gid));
	g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | 0755);
	if (uid != 0) {
		ASSERT_ERROR(backing_chown(fd, 0, 0), EPERM);
		return;
	}
	ASSERT_OK(backing_chown(link_fd, OTHER, 4711));
	g_assert_cmpint(stat_of(place->fd, "link").st_uid, ==, OTHER);
	g_assert_cmpint(stat_of_fd(fd).st_uid, ==, 0);
	ASSERT_OK(backing_chown(fd, (uid_t)-1, 4711));
	g_assert_cmpint(stat_of_fd(fd).st_uid, ==, 0);
	g_assert_cmpint(stat_of_fd(fd).st_gid, ==, 4711);
	ASSERT_OK(backing_chown(fd, OTHER, (gid_t)-1));
	g_assert_cmpint(stat_of_fd(fd).st_uid, ==, OTHER);
	g_assert_cmpint(stat_of_fd(fd).st_gid, ==, 4711);
}

/* ---- sweeping ---- */

/* When a process began, in the kernel's words. */
static unsigned long long start_of(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *line = NULL;
	g_auto(GStrv) words = NULL;

	g_assert_true(g_file_get_contents(path, &line, NULL, NULL));
	words = g_strsplit(strrchr(line, ')') + 2, " ", -1);
	return g_ascii_strtoull(words[19], NULL, 10);
}

static void make_hidden(int dir_fd, pid_t pid, unsigned long long start, unsigned n)
{
	g_autofree char *name =
		g_strdup_printf(BACKING_HIDDEN_PREFIX "%d-%llu-%u", (int)pid, start, n);

	make_file(dir_fd, name, "staged");
}

static void test_sweep_dead(Place *place, const void *data)
{
	unsigned long long start;
	pid_t pid = fork();
	autofd deep_fd = -1;

	(void)data;
	if (pid == 0)
		_exit(0);
	start = start_of(pid);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	make_dir(place->fd, "a");
	make_dir(place->fd, "a/b");
	deep_fd = openat(place->fd, "a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_hidden(place->fd, pid, start, 0);
	make_hidden(place->fd, pid, start, 1);
	make_hidden(deep_fd, pid, start, 2);
	/* somebody else has the pid now */
	make_hidden(place->fd, getpid(), start_of(getpid()) + 1, 0);
	make_hidden(deep_fd, 1, start_of(1) + 1, 0);
	/* nobody's */
	make_hidden(place->fd, 0, 0, 0);
	make_hidden(place->fd, -1, 0, 0);
	make_hidden(place->fd, getpid(), 0, 0);
	make_file(place->fd, BACKING_HIDDEN_PREFIX, "staged");
	make_file(place->fd, BACKING_HIDDEN_PREFIX "x", "staged");
	/* not ours */
	make_file(place->fd, "file", "bytes");
	make_file(place->fd, ".lklfs", "bytes");
	make_file(place->fd, ".lklfs-stage", "bytes");
	make_file(place->fd, "f.lklfs-unsaved", "bytes");
	make_file(deep_fd, "x" BACKING_HIDDEN_PREFIX "1-1-1", "bytes");
	backing_sweep(place->fd);
	check_names(place->fd, ".lklfs .lklfs-stage a f.lklfs-unsaved file");
	check_names(deep_fd, "x" BACKING_HIDDEN_PREFIX "1-1-1");
	check_text(place->fd, "file", "bytes");
	/* what can be listed can be swept once more */
	backing_sweep(place->fd);
	check_names(place->fd, ".lklfs .lklfs-stage a f.lklfs-unsaved file");
}

/* Another daemon may be about to rename it. */
static void test_sweep_living(Place *place, const void *data)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();
	const pid_t living[] = {parent, pid};

	(void)data;
	if (pid == 0)
		scratch_wait_for_death(parent);
	make_dir(place->fd, "dir");
	for (size_t i = 0; i < G_N_ELEMENTS(living); i++) {
		g_autofree char *name = g_strdup_printf(
			BACKING_HIDDEN_PREFIX "%d-%llu-7", (int)living[i], start_of(living[i]));
		g_autofree char *in_dir = g_strconcat("dir/", name, NULL);

		make_file(place->fd, name, "staged");
		make_file(place->fd, in_dir, "staged");
		backing_sweep(place->fd);
		check_text(place->fd, name, "staged");
		check_text(place->fd, in_dir, "staged");
	}
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	backing_sweep(place->fd);
	{
		g_autofree char *left = g_strdup_printf(
			BACKING_HIDDEN_PREFIX "%d-%llu-7 dir", (int)getpid(), start_of(getpid()));

		check_names(place->fd, left);
	}
}

/* Never follows a symbolic link: neither to a directory, nor from a name that is swept. */
static void test_sweep_links(Place *place, const void *data)
{
	autofd inside_fd = -1, outside_fd = -1;

	(void)data;
	make_dir(place->fd, "inside");
	make_dir(place->fd, "outside");
	inside_fd = openat(place->fd, "inside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	outside_fd = openat(place->fd, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_hidden(outside_fd, 0, 0, 0);
	make_file(outside_fd, "file", "bytes");
	make_link(inside_fd, "link", "../outside");
	make_link(inside_fd, "loop", ".");
	make_link(inside_fd, BACKING_HIDDEN_PREFIX "x", "../outside/file");
	make_link(inside_fd, BACKING_HIDDEN_PREFIX "y", "../outside");
	backing_sweep(inside_fd);
	check_names(inside_fd, "link loop");
	check_names(outside_fd, BACKING_HIDDEN_PREFIX "0-0-0 file");
	check_text(outside_fd, "file", "bytes");
}

/* ---- what was being written through ---- */

#define THROUGH_SIZE 100000

/* A process stages "new" for the inode, says so, and dies before it has written anything. */
static void write_through_and_die(Place *place, ino_t ino)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *none = NULL;
		int fd = make_stage(place->fd, "new", &none);
		char *hidden = backing_link_through(fd, place->fd, ino);

		scratch_size(fd, THROUGH_SIZE); /* the rest is a hole */
		_exit(hidden && backing_is_hidden(hidden) ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

/* All names of the inode see the bytes that a dead daemon did not get to write, holes and all. */
static void test_through(Place *place, const void *data)
{
	const char *const neighbours[] = {"a", "b", "c", "x", "y", "z"};
	g_autofree char *old = g_strnfill(2 * THROUGH_SIZE, 'o');
	g_autofree char *got = g_malloc0(2 * THROUGH_SIZE);
	g_autofree char *wanted = g_malloc0(THROUGH_SIZE);
	autofd fd = -1;
	struct stat st;

	(void)data;
	memcpy(wanted, "new", 3);
	make_dir(place->fd, "dir");
	for (size_t i = 0; i < G_N_ELEMENTS(neighbours); i++) {
		make_file(place->fd, neighbours[i], "neighbour");
		if (i == 3)
			make_file(place->fd, "name", old);
	}
	g_assert_cmpint(linkat(place->fd, "name", place->fd, "dir/other", 0), ==, 0);
	st = stat_of(place->fd, "name");
	write_through_and_die(place, st.st_ino);
	backing_sweep(place->fd);
	check_names(place->fd, "a b c dir name x y z");
	for (size_t i = 0; i < G_N_ELEMENTS(neighbours); i++)
		check_text(place->fd, neighbours[i], "neighbour");
	fd = openat(place->fd, "dir/other", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(pread(fd, got, 2 * THROUGH_SIZE, 0), ==, THROUGH_SIZE);
	g_assert_cmpmem(got, THROUGH_SIZE, wanted, THROUGH_SIZE);
	g_assert_cmpint(stat_of(place->fd, "name").st_ino, ==, st.st_ino);
	g_assert_cmpint(stat_of(place->fd, "name").st_nlink, ==, 2);
}

static void test_through_living(Place *place, const void *data)
{
	g_autofree char *none = NULL, *hidden = NULL;
	autofd fd = make_stage(place->fd, "new", &none);

	(void)data;
	make_file(place->fd, "name", "old");
	hidden = backing_link_through(fd, place->fd, stat_of(place->fd, "name").st_ino);
	g_assert_nonnull(hidden);
	backing_sweep(place->fd);
	check_text(place->fd, "name", "old");
	check_text(place->fd, hidden, "new");
}

/* A hidden name that is a link gives nobody's bytes to the inode it names. */
static void test_through_link(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;

	(void)data;
	make_file(place->fd, "name", "old");
	make_file(place->fd, "secret", "secret");
	hidden = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-1-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	make_link(place->fd, hidden, "secret");
	backing_sweep(place->fd);
	check_text(place->fd, "name", "old");
	check_text(place->fd, "secret", "secret");
}

/* Neither is it a file, so there are no bytes to write through: the sweep must not wait for a
 * fifo's writer, nor take a directory's size for that of the file. */
static void test_through_no_file(Place *place, const void *data)
{
	g_autofree char *fifo = NULL, *dir = NULL;

	(void)data;
	make_file(place->fd, "name", "old");
	fifo = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-1-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	dir = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-2-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	make_dir(place->fd, dir);
	backing_sweep(place->fd);
	check_text(place->fd, "name", "old");
	g_assert_cmpint(mkfifoat(place->fd, fifo, 0644), ==, 0);
	backing_sweep(place->fd);
	check_text(place->fd, "name", "old");
}

/* A hidden name that somebody else has made is nobody's stage. */
static void test_through_forged(Place *place, const void *data)
{
	g_autofree char *hidden = NULL;

	(void)data;
	if (geteuid() != 0) {
		g_test_skip("only root has files of several owners");
		return;
	}
	make_file(place->fd, "name", "old");
	hidden = g_strdup_printf(
		BACKING_HIDDEN_PREFIX "1-1-1-%ju", (uintmax_t)stat_of(place->fd, "name").st_ino);
	make_file(place->fd, hidden, "forged");
	g_assert_cmpint(fchownat(place->fd, hidden, OTHER, OTHER, 0), ==, 0);
	backing_sweep(place->fd);
	check_text(place->fd, "name", "old");
}

/* A zombie will not rename anything any more, however long nobody waits for it. */
static void test_sweep_zombie(Place *place, const void *data)
{
	pid_t pid = fork();
	siginfo_t info;

	(void)data;
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	make_hidden(place->fd, pid, start_of(pid), 0);
	backing_sweep(place->fd);
	check_names(place->fd, "");
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/* Whoever cannot be looked at counts as living: here for want of descriptors, of which the sweep
 * itself gets the last one. */
static void test_sweep_unseen(Place *place, const void *data)
{
	int status = -1;
	pid_t pid;

	(void)data;
	make_hidden(place->fd, getpid(), start_of(getpid()), 0);
	make_file(place->fd, BACKING_HIDDEN_PREFIX "dead", "staged");
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		rlim_t n = (rlim_t)dup(place->fd) + 1;

		close((int)n - 1);
		if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){n, n}) < 0)
			_exit(1);
		backing_sweep(place->fd);
		/* the sweep was not kept from sweeping */
		_exit(backing_exists(place->fd, BACKING_HIDDEN_PREFIX "dead") ? 1 : 0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	{
		g_autofree char *left = g_strdup_printf(
			BACKING_HIDDEN_PREFIX "%d-%llu-0", (int)getpid(), start_of(getpid()));

		check_names(place->fd, left);
	}
}

static void add(const char *name, const void *data, void (*test)(Place *, const void *))
{
	g_test_add(name, Place, data, place_set_up, test, place_tear_down);
}

int main(int argc, char **argv)
{
	const void *with_hidden = GINT_TO_POINTER(true);

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/backing/hidden", test_hidden);
	add("/backing/open", NULL, test_open);
	add("/backing/open-links", NULL, test_open_links);
	add("/backing/open-read-quietly", NULL, test_open_read_quietly);
	add("/backing/stage", NULL, test_stage);
	add("/backing/stage-mode", NULL, test_stage_mode);
	add("/backing/mode", NULL, test_mode);
	add("/backing/own", NULL, test_own);
	add("/backing/own-group", NULL, test_own_group);
	add("/backing/link", NULL, test_link);
	add("/backing/expose-over", NULL, test_expose_over);
	add("/backing/expose-over-hidden", with_hidden, test_expose_over);
	add("/backing/expose-fresh", NULL, test_expose_fresh);
	add("/backing/expose-fresh-hidden", with_hidden, test_expose_fresh);
	add("/backing/expose-unexpected", NULL, test_expose_unexpected);
	add("/backing/expose-unexpected-hidden", with_hidden, test_expose_unexpected);
	add("/backing/expose-fails", NULL, test_expose_fails);
	add("/backing/expose-fails-hidden", with_hidden, test_expose_fails);
	add("/backing/expose-nowhere", NULL, test_expose_nowhere);
	add("/backing/carry-mode", NULL, test_carry_mode);
	add("/backing/carry-owner", NULL, test_carry_owner);
	add("/backing/carry-fails", NULL, test_carry_fails);
	add("/backing/carry-attributes", NULL, test_carry_attributes);
	add("/backing/carry-acl", NULL, test_carry_acl);
	add("/backing/carry-no-acl", NULL, test_carry_no_acl);
	add("/backing/carry-capability", NULL, test_carry_capability);
	add("/backing/stamp", NULL, test_stamp);
	add("/backing/stamp-name", NULL, test_stamp_name);
	add("/backing/chmod", NULL, test_chmod);
	add("/backing/chown", NULL, test_chown);
	add("/backing/sweep-dead", NULL, test_sweep_dead);
	add("/backing/sweep-living", NULL, test_sweep_living);
	add("/backing/sweep-links", NULL, test_sweep_links);
	add("/backing/through", NULL, test_through);
	add("/backing/through-living", NULL, test_through_living);
	add("/backing/through-link", NULL, test_through_link);
	add("/backing/through-no-file", NULL, test_through_no_file);
	add("/backing/through-forged", NULL, test_through_forged);
	add("/backing/sweep-zombie", NULL, test_sweep_zombie);
	add("/backing/sweep-unseen", NULL, test_sweep_unseen);
	return g_test_run();
}
