/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A build step is what one recipe line runs: the tree below one child of a build driver. The kernel
 * tells with each request which thread sent it; /proc tells the rest. The chain of ancestors is
 * read once, when somebody opens a file for writing or looks at one that is being written, and kept
 * as it was: whether two processes are family is then a comparison of two chains, without a look at
 * anything that lives.
 *
 * Membership follows the living chain. A server that a step left behind has init (or a subreaper)
 * for its parent when it asks, and is an outsider from then on. */

#include "step.h"

#include <errno.h>
#include <sys/syscall.h>

#include "proc.h"
#include "util.h"

#define STEP_DEPTH_MAX 256

struct Process {
	int n_refs; /* atomic */
	/* all constant: */
	pid_t pid;
	unsigned long long start; /* clock ticks since boot */
	bool driver;
	Process *parent; /* owned; NULL at the top */
};

/* The process that a thread belongs to. A descriptor can be had for a process only, and costs less
 * than the status file, which is read for threads alone. */
static int thread_process(pid_t tid, pid_t *ret_pid)
{
	autofd fd = (int)syscall(SYS_pidfd_open, tid, 0);

	if (fd < 0)
		return proc_process_of(tid, ret_pid);
	*ret_pid = tid;
	return 0;
}

static Process *process_new(pid_t pid, const ProcStat *stat, char *const *drivers)
{
	Process *process = g_new0(Process, 1);

	process->n_refs = 1;
	process->pid = pid;
	process->start = stat->start;
	process->driver = drivers && g_strv_contains((const char *const *)drivers, stat->command);
	return process;
}

int step_process_new(pid_t tid, char *const *drivers, Process **ret_process)
{
	Process *process, *top;
	pid_t pid = 0;
	ProcStat stat;
	int r;

	if (tid <= 0)
		return -ESRCH;
	r = thread_process(tid, &pid);
	if (r == 0)
		r = proc_stat(pid, &stat);
	if (r < 0)
		return -ESRCH;
	process = top = process_new(pid, &stat, drivers);
	for (unsigned depth = 0; stat.parent > 0 && depth < STEP_DEPTH_MAX; depth++) {
		pid = stat.parent;
		/* A parent that ends in between leaves the chain short: an outsider, at worst. */
		if (proc_stat(pid, &stat) < 0 || stat.start > top->start)
			break;
		top->parent = process_new(pid, &stat, drivers);
		top = top->parent;
	}
	*ret_process = process;
	return 0;
}

Process *step_process_ref(Process *process)
{
	__atomic_add_fetch(&process->n_refs, 1, __ATOMIC_RELAXED);
	return process;
}

Process *step_process_unref(Process *process)
{
	if (!process || __atomic_sub_fetch(&process->n_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	while (process) {
		Process *parent = process->parent;

		g_free(process);
		process = parent;
	}
	return NULL;
}

static void process_free(gpointer process)
{
	step_process_unref(process);
}

GPtrArray *step_process_array_new(void)
{
	return g_ptr_array_new_with_free_func(process_free);
}

bool step_process_equal(const Process *a, const Process *b)
{
	return a && b && a->pid == b->pid && a->start == b->start;
}

/* Whether ancestor stands in the chain that begins with process. */
static bool process_descends(const Process *process, const Process *ancestor)
{
	for (; process; process = process->parent)
		if (step_process_equal(process, ancestor))
			return true;
	return false;
}

bool step_is_family(const Process *process, const Process *opener)
{
	return process_descends(process, opener) || process_descends(opener, process);
}

/* The child of the nearest driver above, which is what the driver started for one recipe line; the
 * process itself if there is no driver above it. */
static const Process *process_step(const Process *process)
{
	for (const Process *p = process; p && p->parent; p = p->parent)
		if (p->parent->driver)
			return p;
	return process;
}

bool step_equal(const Process *a, const Process *b)
{
	return step_process_equal(process_step(a), process_step(b));
}

bool step_is_driver_of(const Process *driver, const Process *process)
{
	const Process *step = process_step(process);

	return step && step->parent && step->parent->driver &&
	       step_process_equal(driver, step->parent);
}

bool step_is_driver(const Process *process)
{
	return process && process->driver;
}

static bool process_has_ended(const Process *process)
{
	return proc_has_gone(process->pid, process->start);
}

bool step_has_ended(const Process *process)
{
	const Process *step = process_step(process);

	return process_has_ended(process) || (step != process && process_has_ended(step));
}
