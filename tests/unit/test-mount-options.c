/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mount-options.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Parses the words of line, which blanks separate. Messages are of no interest here. */
static int parse(Options *options, bool run, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	int saved = dup(STDERR_FILENO), null_fd = open("/dev/null", O_WRONLY), r;
	bool done = false;

	dup2(null_fd, STDERR_FILENO);
	options_init(options);
	r = options_parse(options, run, g_strv_length(words), words, &done);
	g_assert_false(done);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null_fd);
	return r;
}

static void check_list(char **list, const char *wanted)
{
	g_autofree char *all = g_strjoinv(" ", list);

	g_assert_cmpstr(all, ==, wanted);
}

static void test_defaults(void)
{
	Options options;

	g_assert_cmpint(parse(&options, false, "mount d"), ==, 0);
	g_assert_false(options.foreground || options.debug || options.mkdir || options.durable ||
		       options.posix_locks);
	g_assert_cmpfloat(options.entry_timeout, ==, 3600);
	g_assert_cmpfloat(options.attr_timeout, ==, 3600);
	g_assert_cmpfloat(options.negative_timeout, ==, 3600);
	check_list(options.always, "stamp* *.stamp *-stamp *.ninja");
	g_assert_true(g_strv_contains((const char *const *)options.drivers, "make"));
	g_assert_true(g_strv_contains((const char *const *)options.drivers, "bazel"));
	g_assert_cmpuint(g_strv_length(options.drivers), ==, 20);
	g_assert_null(options.fuse_options);
	g_assert_null(options.command);
	g_assert_null(options.log);
	check_list(options.dirs, "d");
	g_assert_cmpuint(options.n_mounts, ==, 1);
	options_clear(&options);
}

static void test_flags(void)
{
	Options options;

	g_assert_cmpint(parse(&options, false, "mount d -f --mkdir e"), ==, 0);
	g_assert_true(options.foreground && options.mkdir && !options.debug);
	check_list(options.dirs, "d e");
	g_assert_cmpuint(options.n_mounts, ==, 2);
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount --log=file d"), ==, 0);
	g_assert_cmpstr(options.log, ==, "file");
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount -d d"), ==, 0);
	g_assert_true(options.foreground && options.debug);
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount -o debug d"), ==, 0);
	g_assert_true(options.foreground && options.debug);
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "lklfs -- run -f"), ==, 0);
	check_list(options.dirs, "run -f");
	g_assert_false(options.foreground);
	options_clear(&options);
}

static void test_own_options(void)
{
	Options options;

	g_assert_cmpint(parse(&options, false,
				"mount d -o entry_timeout=1.5,attr_timeout=0 -onegative_timeout=7 "
				"-o durable,posix_locks"),
		==, 0);
	g_assert_cmpfloat(options.entry_timeout, ==, 1.5);
	g_assert_cmpfloat(options.attr_timeout, ==, 0);
	g_assert_cmpfloat(options.negative_timeout, ==, 7);
	g_assert_true(options.durable && options.posix_locks);
	g_assert_null(options.fuse_options);
	options_clear(&options);
}

static void test_lists(void)
{
	Options options;

	g_assert_cmpint(parse(&options, false, "mount d -o always=*.x,always=y\\,z"), ==, 0);
	check_list(options.always, "stamp* *.stamp *-stamp *.ninja *.x y,z");
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount d -o always=none"), ==, 0);
	check_list(options.always, "");
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount d -o always=a,always=none,always=b"), ==, 0);
	check_list(options.always, "b");
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount d -o drivers=a:b"), ==, 0);
	check_list(options.drivers, "a b");
	options_clear(&options);

	g_assert_cmpint(parse(&options, false, "mount d -o drivers=a,drivers=+b:c"), ==, 0);
	check_list(options.drivers, "a b c");
	options_clear(&options);
}

static void test_foreign_options(void)
{
	Options options;

	g_assert_cmpint(
		parse(&options, false,
			"mount d -o allow_other,durable,,fsname=a\\,b -o ro,entry_timeoutx=1"),
		==, 0);
	g_assert_cmpstr(options.fuse_options, ==, "allow_other,fsname=a\\,b,ro,entry_timeoutx=1");
	g_assert_true(options.durable);
	options_clear(&options);
}

static void test_run(void)
{
	Options options;

	g_assert_cmpint(parse(&options, true, "run d e -o ro -- cc -o x -- -f"), ==, 0);
	check_list(options.dirs, "d e");
	check_list(options.command, "cc -o x -- -f");
	g_assert_cmpstr(options.fuse_options, ==, "ro");
	g_assert_false(options.or_plain);
	options_clear(&options);

	g_assert_cmpint(parse(&options, true, "run --or-plain d -- make --or-plain"), ==, 0);
	g_assert_true(options.or_plain);
	check_list(options.command, "make --or-plain");
	options_clear(&options);
}

static void check_refused(bool run, const char *line)
{
	Options options;

	g_test_message("%s", line);
	g_assert_cmpint(parse(&options, run, line), ==, -EINVAL);
	options_clear(&options);
}

static void test_refused(void)
{
	check_refused(false, "mount");
	check_refused(false, "mount --unknown d");
	check_refused(false, "mount -x d");
	check_refused(false, "mount --or-plain d");
	check_refused(false, "mount d -o");
	check_refused(false, "mount d -o entry_timeout");
	check_refused(false, "mount d -o entry_timeout=");
	check_refused(false, "mount d -o entry_timeout=1s");
	check_refused(false, "mount d -o attr_timeout=-1");
	check_refused(false, "mount d -o attr_timeout=nan");
	check_refused(false, "mount d -o negative_timeout=inf");
	check_refused(false, "mount d -o always=");
	check_refused(false, "mount d -o drivers");
	check_refused(false, "mount d -o drivers=+");
	check_refused(false, "mount d -o drivers=a::b");
	check_refused(false, "mount d -o drivers=/usr/bin/make");
	check_refused(false, "mount d -o subtype=x");
	check_refused(true, "run d");
	check_refused(true, "run d --");
	check_refused(true, "run -- true");
	check_refused(true, "run -f d -- true");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mount-options/defaults", test_defaults);
	g_test_add_func("/mount-options/flags", test_flags);
	g_test_add_func("/mount-options/own-options", test_own_options);
	g_test_add_func("/mount-options/lists", test_lists);
	g_test_add_func("/mount-options/foreign-options", test_foreign_options);
	g_test_add_func("/mount-options/run", test_run);
	g_test_add_func("/mount-options/refused", test_refused);
	return g_test_run();
}
