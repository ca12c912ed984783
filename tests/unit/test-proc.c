/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proc.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_own_groups(void)
{
	g_autoptr(GArray) groups = NULL;
	gid_t own[1024];
	int n = getgroups(G_N_ELEMENTS(own), own);

	g_assert_cmpint(n, >=, 0);
	g_assert_cmpint(proc_groups(getpid(), &groups), ==, 0);
	g_assert_cmpmem(groups->data, groups->len * sizeof(gid_t), own, (size_t)n * sizeof(gid_t));
}

static void test_groups(void)
{
	check_own_groups();
}

/* More than fit into a page, and none, in a process of its own. */
static void test_groups_many_and_none(void)
{
	gid_t many[1000];
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		g_test_skip("only root may set its groups");
		return;
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(many); i++)
		many[i] = 100000 + i;
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		g_assert_cmpint(setgroups(G_N_ELEMENTS(many), many), ==, 0);
		check_own_groups();
		g_assert_cmpint(setgroups(0, NULL), ==, 0);
		check_own_groups();
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void test_groups_of_nobody(void)
{
	g_autoptr(GArray) groups = NULL;

	/* above the largest pid that there can be */
	g_assert_cmpint(proc_groups(1 << 23, &groups), <, 0);
	g_assert_null(groups);
}

static void check_arguments(char *const *want)
{
	g_autofree char **got = NULL;
	g_auto(GStrv) program = g_strdupv((char **)want);
	GPid pid;
	int end_fd = -1, in_fd = -1;
	char byte;

	/* It says that it runs, and ends with what it reads. */
	g_assert_true(g_spawn_async_with_pipes(NULL, program, NULL,
		G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &pid, &in_fd, &end_fd,
		NULL, NULL));
	g_assert_cmpint(read(end_fd, &byte, 1), ==, 1);
	g_assert_cmpint(proc_arguments(pid, &got), ==, 0);
	close(in_fd);
	close(end_fd);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	if (strlen(want[4]) < PROC_ARGUMENTS_MAX) {
		g_assert_true(g_strv_equal((const char *const *)got, (const char *const *)want));
		return;
	}
	g_assert_cmpuint(g_strv_length(got), ==, 6);
	g_assert_cmpstr(got[2], ==, want[2]);
	g_assert_true(g_str_has_prefix(want[4], got[4]));
	g_assert_cmpstr(got[5], ==, "...");
}

/* Those of every process that has written something may be remembered: they are one block, no
 * larger than they are, but for a pointer each and what malloc adds. */
static void test_arguments_are_compact(void)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"echo; read a",
		[3 ... 1000] = (char *)"-O", NULL};
	g_autofree char **got = NULL;
	int end_fd = -1, in_fd = -1;
	size_t n, size;
	GPid pid;
	char byte;

	g_assert_true(g_spawn_async_with_pipes(NULL, argv, NULL,
		G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &pid, &in_fd, &end_fd,
		NULL, NULL));
	g_assert_cmpint(read(end_fd, &byte, 1), ==, 1);
	g_assert_cmpint(proc_arguments(pid, &got), ==, 0);
	close(in_fd);
	close(end_fd);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);

	n = g_strv_length(got);
	size = malloc_usable_size(got);
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(argv) - 1);
	g_assert_cmpuint(size, <, n * (strlen("-O") + 1 + sizeof(char *)) + 100);
	for (size_t i = 0; i < n; i++) {
		g_assert_true(got[i] >= (char *)got);
		g_assert_true(got[i] < (char *)got + size);
	}
}

static void test_arguments(void)
{
	g_autofree char *longest = g_strnfill(3 * PROC_ARGUMENTS_MAX, 'x');
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"echo; read a", (char *)"",
		(char *)"a b\n\xff", NULL};
	char **none = NULL;

	check_arguments(argv);
	argv[4] = longest;
	check_arguments(argv);
	g_assert_cmpint(proc_arguments(G_MAXINT, &none), <, 0);
	g_assert_null(none);
}

/* What is in /proc/PID is root's, unless its process is dumpable. */
static void check_others(int dumpable)
{
	char **none = NULL;
	pid_t pid;
	int fds[2];
	char byte;

	g_assert_cmpint(pipe(fds), ==, 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0 ||
			prctl(PR_SET_DUMPABLE, dumpable) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	g_assert_cmpint(pid, >, 0);
	g_assert_cmpint(read(fds[0], &byte, 1), ==, 1);
	g_assert_cmpint(proc_arguments(pid, &none), ==, -EACCES);
	g_assert_null(none);
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	close(fds[0]);
	close(fds[1]);
}

static void test_arguments_of_others(void)
{
	if (geteuid() != 0) {
		g_test_skip("only root may become somebody else");
		return;
	}
	check_others(1);
	check_others(0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/proc/groups", test_groups);
	g_test_add_func("/proc/groups-many-and-none", test_groups_many_and_none);
	g_test_add_func("/proc/groups-of-nobody", test_groups_of_nobody);
	g_test_add_func("/proc/arguments", test_arguments);
	g_test_add_func("/proc/arguments-are-compact", test_arguments_are_compact);
	g_test_add_func("/proc/arguments-of-others", test_arguments_of_others);
	return g_test_run();
}
