/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mount-helper.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char table[] =
	"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
	"30 27 0:20 / /proc rw - proc proc rw\n"
	"42 27 0:39 / /w/a rw,nosuid shared:5 master:2 - fuse.lklfs /w/a "
	"rw,user_id=1000,group_id=100\n"
	"43 42 0:40 / /w/a rw - fuse.lklfs x rw,user_id=0,group_id=0\n"
	"44 27 0:41 /sub /w/sp\\040a\\011b\\134c\\012d rw - fuse.lklfs x rw,user_id=7,group_id=8\n"
	"45 27 0:42 / /w/h/deep rw - fuse.lklfs x rw\n"
	"46 27 0:43 / /w/h rw - tmpfs none rw\n"
	"47 27 0:44 / /w/t rw - fuse.lklfs x rw\n"
	"48 47 0:45 / /w/t rw - tmpfs none rw\n"
	"49 46 0:46 / /w/h/other rw - ext4 x rw\n"
	"nonsense\n"
	"50 27 0:47 / /w/short rw\n"
	"\n";

static void test_parse(void)
{
	g_autoptr(GPtrArray) mounts = helper_parse_mounts(table);
	const Mount *mount;

	g_assert_cmpuint(mounts->len, ==, 10);
	mount = mounts->pdata[2];
	g_assert_cmpint(mount->id, ==, 42);
	g_assert_cmpint(mount->parent_id, ==, 27);
	g_assert_cmpuint(mount->major, ==, 0);
	g_assert_cmpuint(mount->minor, ==, 39);
	g_assert_cmpstr(mount->dir, ==, "/w/a");
	g_assert_cmpstr(mount->root, ==, "/");
	g_assert_cmpstr(mount->type, ==, "fuse.lklfs");
	g_assert_cmpuint(mount->uid, ==, 1000);
	g_assert_cmpuint(mount->gid, ==, 100);
	g_assert_true(helper_is_lklfs(mount));
	g_assert_false(helper_is_lklfs(mounts->pdata[0]));
}

static void test_escapes(void)
{
	g_autoptr(GPtrArray) mounts = helper_parse_mounts(table);
	const Mount *mount = mounts->pdata[4];

	g_assert_cmpstr(mount->dir, ==, "/w/sp a\tb\\c\nd");
	g_assert_cmpstr(mount->root, ==, "/sub");
	g_assert_true(helper_top_mount(mounts, "/w/sp a\tb\\c\nd") == mount);
}

static int top_id(const GPtrArray *mounts, const char *dir)
{
	const Mount *mount = helper_top_mount(mounts, dir);

	return mount ? mount->id : 0;
}

static void test_top(void)
{
	g_autoptr(GPtrArray) mounts = helper_parse_mounts(table);

	g_assert_cmpint(top_id(mounts, "/"), ==, 27);
	g_assert_cmpint(top_id(mounts, "/proc"), ==, 30);
	g_assert_cmpint(top_id(mounts, "/w"), ==, 0);
	g_assert_cmpint(top_id(mounts, "/w/a/b"), ==, 0);
	/* stacked */
	g_assert_cmpint(top_id(mounts, "/w/a"), ==, 43);
	g_assert_cmpint(top_id(mounts, "/w/t"), ==, 48);
	/* hidden by a mount further up, which has one of its own */
	g_assert_cmpint(top_id(mounts, "/w/h/deep"), ==, 0);
	g_assert_cmpint(top_id(mounts, "/w/h"), ==, 46);
	g_assert_cmpint(top_id(mounts, "/w/h/other"), ==, 49);
}

static void test_below(void)
{
	g_autoptr(GPtrArray) mounts = helper_parse_mounts(table);

	g_assert_cmpint(helper_mount_below(mounts, helper_top_mount(mounts, "/w/a"))->id, ==, 42);
	g_assert_cmpint(helper_mount_below(mounts, helper_top_mount(mounts, "/w/t"))->id, ==, 47);
	g_assert_null(helper_mount_below(mounts, helper_top_mount(mounts, "/w/h")));
	g_assert_null(helper_mount_below(mounts, helper_top_mount(mounts, "/")));
}

/* After chroot(2) the root itself is not listed. */
static void test_unlisted_root(void)
{
	g_autoptr(GPtrArray) mounts = helper_parse_mounts("30 27 0:20 / /a rw - tmpfs x rw\n"
							  "31 30 0:21 / /a/b rw - fuse.lklfs x rw\n"
							  "32 32 0:22 / /c rw - tmpfs x rw\n");

	g_assert_cmpint(helper_mount_around(mounts, "/a/b/c/d")->id, ==, 31);
	g_assert_cmpint(helper_mount_around(mounts, "/a/b")->id, ==, 31);
	g_assert_cmpint(helper_mount_around(mounts, "/a/bc")->id, ==, 30);
	g_assert_null(helper_mount_around(mounts, "/b"));
	g_assert_cmpint(top_id(mounts, "/a/b"), ==, 31);
	g_assert_cmpint(top_id(mounts, "/a"), ==, 30);
	g_assert_cmpint(top_id(mounts, "/c"), ==, 32);
	g_assert_cmpint(top_id(mounts, "/"), ==, 0);
}

static void test_own_table(void)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *proc;

	g_assert_cmpint(helper_read_mounts(&mounts), ==, 0);
	proc = helper_top_mount(mounts, "/proc");
	g_assert_nonnull(proc);
	g_assert_cmpstr(proc->type, ==, "proc");
}

static void test_inside(void)
{
	g_assert_true(helper_is_inside("/a", "/a"));
	g_assert_true(helper_is_inside("/a/b", "/a"));
	g_assert_true(helper_is_inside("/a", "/"));
	g_assert_false(helper_is_inside("/ab", "/a"));
	g_assert_false(helper_is_inside("/", "/a"));
}

static void check_resolve(const GPtrArray *mounts, const char *path, const char *wanted)
{
	g_autofree char *dir = NULL;

	g_assert_cmpint(helper_resolve(mounts, path, &dir), ==, 0);
	g_assert_cmpstr(dir, ==, wanted);
}

static void test_resolve(void)
{
	g_autofree char *made = g_dir_make_tmp("lklfs-XXXXXX", NULL);
	char *real = realpath(made, NULL);
	g_autofree char *a = g_build_filename(real, "a", NULL);
	g_autofree char *b = g_build_filename(real, "a", "b", NULL);
	g_autofree char *line = g_strdup_printf("9 1 0:1 / %s/a/m rw - fuse.lklfs x rw\n", real);
	g_autofree char *m = g_build_filename(real, "a", "m", NULL);
	g_autoptr(GPtrArray) mounts = helper_parse_mounts(line);
	char *dir = NULL;

	g_assert_cmpint(chdir(real), ==, 0);
	g_assert_cmpint(mkdir("a", 0755), ==, 0);
	g_assert_cmpint(mkdir("a/b", 0755), ==, 0);
	g_assert_cmpint(symlink("a/b", "relative"), ==, 0);
	g_assert_cmpint(symlink(b, "absolute"), ==, 0);
	g_assert_cmpint(symlink("relative", "twice"), ==, 0);
	g_assert_cmpint(symlink("loop", "loop"), ==, 0);
	g_assert_cmpint(symlink("a/m", "mounted"), ==, 0);

	check_resolve(mounts, "a/b", b);
	check_resolve(mounts, "./a//b/", b);
	check_resolve(mounts, "a/b/.", b);
	check_resolve(mounts, "a/b/./", b);
	check_resolve(mounts, "a/../a/b", b);
	check_resolve(mounts, "a/b/..", a);
	check_resolve(mounts, ".", real);
	check_resolve(mounts, "relative", b);
	check_resolve(mounts, "relative/", b);
	check_resolve(mounts, "absolute", b);
	check_resolve(mounts, "twice", b);
	check_resolve(mounts, "/", "/");
	check_resolve(mounts, "/..", "/");
	/* It need not be there, and is not looked at: a mount by the table alone. */
	check_resolve(mounts, "a/m", m);
	check_resolve(mounts, "mounted", m);
	check_resolve(mounts, b, b);
	g_assert_cmpint(helper_resolve(mounts, "loop", &dir), ==, -ELOOP);
	g_assert_cmpint(helper_resolve(mounts, "no/where", &dir), ==, -ENOENT);
	g_assert_cmpint(helper_resolve(mounts, "", &dir), ==, -ENOENT);
	g_assert_null(dir);

	for (const char *const *p = (const char *const[]){"relative", "absolute", "twice", "loop",
		     "mounted", NULL};
		*p; p++)
		unlink(*p);
	g_assert_cmpint(rmdir("a/b"), ==, 0);
	g_assert_cmpint(rmdir("a"), ==, 0);
	g_assert_cmpint(rmdir(real), ==, 0);
	g_assert_cmpint(chdir("/"), ==, 0);
	free(real);
}

static void test_holders(void)
{
	autofd fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	struct stat st;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	/* Whatever /proc may be: we have a file of it open. */
	if (st.st_dev >> 8 == 0)
		g_assert_true(helper_is_holder(getpid(), st.st_dev & 0xff));
	g_assert_false(helper_is_holder(getpid(), 0xfffff));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mount-helper/parse", test_parse);
	g_test_add_func("/mount-helper/escapes", test_escapes);
	g_test_add_func("/mount-helper/top", test_top);
	g_test_add_func("/mount-helper/below", test_below);
	g_test_add_func("/mount-helper/unlisted-root", test_unlisted_root);
	g_test_add_func("/mount-helper/own-table", test_own_table);
	g_test_add_func("/mount-helper/inside", test_inside);
	g_test_add_func("/mount-helper/resolve", test_resolve);
	g_test_add_func("/mount-helper/holders", test_holders);
	return g_test_run();
}
