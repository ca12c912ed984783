/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proc.h"

#include <grp.h>
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/proc/groups", test_groups);
	g_test_add_func("/proc/groups-many-and-none", test_groups_many_and_none);
	g_test_add_func("/proc/groups-of-nobody", test_groups_of_nobody);
	return g_test_run();
}
