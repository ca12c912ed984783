/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What only root can do, or only a file system with ACLs and attributes, is skipped where it cannot
 * be had. */

#include "backing.h"

#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "scratch-place.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define CAPABILITY "security.capability"
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
	AS_GROUP(OTHER);

	(void)data;
	umask(0);
	ASSERT_ERROR(backing_own(-1, 0644, geteuid()), EBADF);
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *hidden = NULL;
		autofd fd = -1;

		ASSERT_OK(backing_stage(place->fd, modes[i], &fd, &hidden));
		ASSERT_OK(backing_own(fd, modes[i], geteuid()));
		g_assert_cmpint(stat_of_fd(fd).st_mode, ==, S_IFREG | modes[i]);
		/* an ordinary user cannot give it away, and it stays the daemon's */
		ASSERT_OK(backing_own(fd, modes[i], OTHER));
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
	{
		AS_GROUP(OTHER);
		fd = make_stage(dir_fd, "bytes", &hidden);
	}
	ASSERT_OK(backing_own(fd, 0644, OTHER));
	g_assert_cmpint(stat_of_fd(fd).st_uid, ==, OTHER);
	g_assert_cmpint(stat_of_fd(fd).st_gid, ==, 4711);
	/* the choice has ended with its block */
	close(fd);
	fd = make_stage(place->fd, "bytes", &hidden);
	g_assert_cmpint(stat_of_fd(fd).st_gid, ==, getegid());
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

static int make_to_expose(Place *place, bool with_hidden, char **ret_hidden)
{
	int fd;

	if (!with_hidden)
		return make_stage(place->fd, "new", ret_hidden);
	*ret_hidden = g_strdup(BACKING_HIDDEN_PREFIX "by-hand");
	make_file(place->fd, *ret_hidden, "new");
	fd = openat(place->fd, *ret_hidden, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

/* Puts "new" in the place of name. A hidden name is made by hand, as on a file system where a file
 * cannot be without one. */
static int expose(Place *place, const char *name, bool fresh, bool with_hidden, ino_t *ret_ino)
{
	g_autofree char *hidden = NULL;
	autofd fd = make_to_expose(place, with_hidden, &hidden);
	int r;

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

/* On failure what is there is as before, and the staged file can still be put elsewhere. */
static void test_expose_fails(Place *place, const void *data)
{
	const bool with_hidden = GPOINTER_TO_INT(data);
	g_autofree char *long_name = g_strnfill(300, 'x');
	const char *const names[] = {"dir", long_name};
	const int errors[] = {EISDIR, ENAMETOOLONG};

	make_dir(place->fd, "dir");
	make_file(place->fd, "name", "old");
	for (int i = 0; i < 4; i++) {
		const bool fresh = i % 2;
		g_autofree char *hidden = NULL;
		autofd fd = make_to_expose(place, with_hidden, &hidden);

		ASSERT_ERROR(
			backing_expose(fd, &hidden, place->fd, names[i / 2], fresh), errors[i / 2]);
		ASSERT_OK(backing_expose(fd, &hidden, place->fd, "saved", true));
		g_assert_null(hidden);
		check_text(place->fd, "saved", "new");
		check_names(place->fd, "dir name saved");
		unlinkat(place->fd, "saved", 0);
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

static void test_touch_dir(Place *place, const void *data)
{
	(void)data;
	set_old(place->fd, ".");
	backing_touch_dir(place->fd);
	g_assert_false(is_old(place->fd, "."));
}

/* What has never been there for anybody moves no directory's times. */
static void test_drop(Place *place, const void *data)
{
	g_autofree char *hidden = NULL, *through = NULL;
	autofd fd = -1;

	(void)data;
	make_file(place->fd, "hidden", "bytes");
	fd = make_stage(place->fd, "bytes", &hidden);
	set_old(place->fd, ".");
	through = backing_link_through(fd, &hidden, place->fd, place->fd);
	g_assert_nonnull(through);
	g_assert_true(is_old(place->fd, "."));
	ASSERT_OK(backing_drop(place->fd, through));
	ASSERT_OK(backing_drop(place->fd, "hidden"));
	check_names(place->fd, "");
	g_assert_true(is_old(place->fd, "."));
	ASSERT_ERROR(backing_drop(place->fd, "hidden"), ENOENT);
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

int main(int argc, char **argv)
{
	const void *with_hidden = GINT_TO_POINTER(true);

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/backing/hidden", test_hidden);
	place_add("/backing/open", NULL, test_open);
	place_add("/backing/open-links", NULL, test_open_links);
	place_add("/backing/open-read-quietly", NULL, test_open_read_quietly);
	place_add("/backing/stage", NULL, test_stage);
	place_add("/backing/stage-mode", NULL, test_stage_mode);
	place_add("/backing/mode", NULL, test_mode);
	place_add("/backing/own", NULL, test_own);
	place_add("/backing/own-group", NULL, test_own_group);
	place_add("/backing/link", NULL, test_link);
	place_add("/backing/expose-over", NULL, test_expose_over);
	place_add("/backing/expose-over-hidden", with_hidden, test_expose_over);
	place_add("/backing/expose-fresh", NULL, test_expose_fresh);
	place_add("/backing/expose-fresh-hidden", with_hidden, test_expose_fresh);
	place_add("/backing/expose-unexpected", NULL, test_expose_unexpected);
	place_add("/backing/expose-unexpected-hidden", with_hidden, test_expose_unexpected);
	place_add("/backing/expose-fails", NULL, test_expose_fails);
	place_add("/backing/expose-fails-hidden", with_hidden, test_expose_fails);
	place_add("/backing/expose-nowhere", NULL, test_expose_nowhere);
	place_add("/backing/carry-mode", NULL, test_carry_mode);
	place_add("/backing/carry-owner", NULL, test_carry_owner);
	place_add("/backing/carry-fails", NULL, test_carry_fails);
	place_add("/backing/carry-attributes", NULL, test_carry_attributes);
	place_add("/backing/carry-acl", NULL, test_carry_acl);
	place_add("/backing/carry-no-acl", NULL, test_carry_no_acl);
	place_add("/backing/carry-capability", NULL, test_carry_capability);
	place_add("/backing/touch-dir", NULL, test_touch_dir);
	place_add("/backing/drop", NULL, test_drop);
	place_add("/backing/chmod", NULL, test_chmod);
	place_add("/backing/chown", NULL, test_chown);
	return g_test_run();
}
