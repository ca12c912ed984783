/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who looks: this process is the build driver, ONE and TWO are steps below it. */

#include <sys/wait.h>

#include "scratch.h"
#include "step.h"

enum { DRIVER, ONE, TWO, N_WHO };

typedef struct Who Who;

struct Who {
	pid_t pids[N_WHO];
	Process *who[N_WHO];
};

/* A child with this command name. */
static inline pid_t child_new(const char *name)
{
	int ready[2];
	char c = 0;
	pid_t pid;

	g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid > 0) {
		g_assert_cmpint(read(ready[0], &c, 1), ==, 1);
		close(ready[0]);
		close(ready[1]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	(void)!write(ready[1], &c, 1);
	for (;;)
		pause();
}

static inline void who_begin(Who *who)
{
	char *drivers[] = {NULL, NULL};
	g_autofree char *name = NULL;
	Steps *steps;

	g_assert_true(g_file_get_contents("/proc/self/comm", &name, NULL, NULL));
	drivers[0] = g_strchomp(name);
	steps = steps_new(drivers, 0);
	for (int i = 0; i < N_WHO; i++) {
		who->pids[i] = i == DRIVER ? getpid() : child_new("step");
		ASSERT_OK(step_process_new(steps, who->pids[i], &who->who[i]));
	}
	steps_free(steps);
}

static inline void who_end(Who *who)
{
	for (int i = 0; i < N_WHO; i++) {
		who->who[i] = step_process_unref(who->who[i]);
		if (i == DRIVER)
			continue;
		kill(who->pids[i], SIGKILL);
		waitpid(who->pids[i], NULL, 0);
	}
}
