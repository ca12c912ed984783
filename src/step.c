/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A build step is what one recipe line runs: the tree below one child of a build driver. The kernel
 * tells with each request which thread sent it; /proc tells the rest. The chain of ancestors is
 * looked up when somebody opens a file for writing or looks at one that is being written, and kept
 * as it was: whether two processes are family is then a comparison of two chains, without a look at
 * anything that lives.
 *
 * Membership follows the living chain. A server that a step left behind has init (or a subreaper)
 * for its parent when it asks, and is an outsider from then on.
 *
 * Reading a whole chain costs far more than the rest of a request, and it is nearly always the same
 * chain. So who has been seen lately is remembered, with two descriptors each, and made sure of at
 * each look, without reading /proc/PID anew:
 *
 * - A pidfd tells whether it still is the same process: a number is given to nobody else while its
 *   process lives. One poll() asks all of a chain.
 * - The parent of a process changes only when that parent ends. So if nobody in a chain has ended,
 *   the chain is what it was. (A parent that hands its children over on its way out lasts a moment
 *   longer. Whoever asks in that moment might have asked before it.)
 * - Programs change by exec, and a shell may become make. So everybody's command name is read each
 *   time, through a descriptor that is kept.
 *
 * Whatever is not as it was is read anew. Who cannot be made sure of is not remembered.
 *
 * git, where no driver is above it, is one step however many commands and processes it is: another
 * branch and back are two commands at least, each of which looks at all that the one before has
 * written. Whether what it reads goes anywhere else than to its own index depends on the command
 * (git grep, git diff): looks.c excuses only those that change the files themselves. */

#include "step.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "proc.h"
#include "util.h"

#define STEP_DEPTH_MAX 256

typedef enum { KIND_OTHER, KIND_DRIVER, KIND_GIT } Kind;

struct Process {
	int n_refs; /* atomic */
	/* all constant: */
	pid_t pid;
	unsigned long long start; /* clock ticks since boot */
	Kind kind;
	Process *parent; /* owned; NULL at the top */
	bool whole;      /* nobody above it is missing */
	/* but: */
	bool changes_files; /* atomic */
	char **arguments;   /* atomic; owned, and constant once there; NULL: not known yet */
};

/* A process that is remembered, or a thread of one that is not its first. */
typedef struct Known Known;

struct Known {
	int n_refs; /* atomic; one is the table's, the others are of those who look */
	GList link; /* steps->lock: in steps->used */
	/* all constant once in the table: */
	pid_t tid;
	uint64_t since; /* the turn from which on the number was this one's; it is while it lives */
	int command_fd; /* owned */
	int end_fd;     /* owned; -1: a thread */
	pid_t pid;      /* of its process */
	Process *process; /* owned; NULL: a thread */
};

struct Steps {
	char *const *drivers;         /* constant */
	unsigned n_max;               /* constant */
	_Alignas(8) uint64_t n_turns; /* atomic: what has the lower turn was done before */
	/* No descriptor is opened, read or closed under it. */
	pthread_mutex_t lock;
	GHashTable *known; /* lock: tid -> Known, owned */
	GQueue used;       /* lock: the same, the last used first */
};

/* ---- who is remembered ---- */

static Known *known_unref(Known *known)
{
	if (!known || __atomic_sub_fetch(&known->n_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	step_process_unref(known->process);
	fd_clear(&known->command_fd);
	fd_clear(&known->end_fd);
	g_free(known);
	return NULL;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Known, known_unref)

static uint64_t steps_turn(Steps *steps)
{
	return __atomic_add_fetch(&steps->n_turns, 1, __ATOMIC_SEQ_CST);
}

/* Prepares to remember. NULL: it cannot be. */
static Known *known_new(Steps *steps, pid_t tid, bool thread)
{
	autofd command_fd = -1, end_fd = -1;
	Known *known;

	if (steps->n_max == 0 || (!thread && proc_open_end(tid, &end_fd) < 0) ||
		proc_open_command(tid, &command_fd) < 0)
		return NULL;
	known = g_new0(Known, 1);
	known->n_refs = 1;
	known->link.data = known;
	known->tid = known->pid = tid;
	known->since = steps_turn(steps);
	known->command_fd = fd_steal(&command_fd);
	known->end_fd = fd_steal(&end_fd);
	return known;
}

static void known_gone(gpointer known)
{
	known_unref(known);
}

Steps *steps_new(char *const *drivers, unsigned n_max)
{
	Steps *steps = g_new0(Steps, 1);

	g_assert(n_max <= STEPS_KNOWN_MAX);
	steps->drivers = drivers;
	steps->n_max = n_max;
	pthread_mutex_init(&steps->lock, NULL);
	steps->known = g_hash_table_new_full(NULL, NULL, NULL, known_gone);
	g_queue_init(&steps->used);
	return steps;
}

Steps *steps_free(Steps *steps)
{
	if (!steps)
		return NULL;
	g_hash_table_unref(steps->known);
	pthread_mutex_destroy(&steps->lock);
	g_free(steps);
	return NULL;
}

static Known *steps_lookup(Steps *steps, pid_t tid)
{
	return g_hash_table_lookup(steps->known, GINT_TO_POINTER(tid));
}

/* Takes out of the table what has this number; to unref without the lock. */
static Known *steps_steal(Steps *steps, pid_t tid)
{
	gpointer known = NULL;

	if (!g_hash_table_steal_extended(steps->known, GINT_TO_POINTER(tid), NULL, &known))
		return NULL;
	g_queue_unlink(&steps->used, &((Known *)known)->link);
	return known;
}

/* Remembers, in the place of whatever had the number; takes the reference. */
static void steps_remember(Steps *steps, Known *known)
{
	g_autoptr(Known) old = NULL, last = NULL;
	HOLD(&steps->lock);

	old = steps_steal(steps, known->tid);
	g_hash_table_insert(steps->known, GINT_TO_POINTER(known->tid), known);
	g_queue_push_head_link(&steps->used, &known->link);
	if (steps->used.length > steps->n_max)
		last = steps_steal(steps, ((Known *)steps->used.tail->data)->tid);
}

/* ---- a look at those who are remembered ---- */

/* Somebody with all ancestors, the lowest first; a thread comes before its process. */
typedef struct Chain Chain;

struct Chain {
	unsigned n;
	Known *known[STEPS_KNOWN_MAX]; /* referenced, so that descriptors stay open */
};

static void chain_add(Steps *steps, Chain *chain, Known *known)
{
	__atomic_add_fetch(&known->n_refs, 1, __ATOMIC_RELAXED);
	chain->known[chain->n++] = known;
	/* Those above come later, so they are forgotten later. */
	g_queue_unlink(&steps->used, &known->link);
	g_queue_push_head_link(&steps->used, &known->link);
}

/* Returns whether nobody is missing. */
static bool chain_take(Steps *steps, pid_t tid, Chain *chain)
{
	Known *known;
	HOLD(&steps->lock);

	known = steps_lookup(steps, tid);
	if (known && !known->process) {
		chain_add(steps, chain, known);
		known = steps_lookup(steps, known->pid);
	}
	while (known && known->process) {
		const Process *parent = known->process->parent;

		chain_add(steps, chain, known);
		if (!parent)
			return true;
		known = steps_lookup(steps, parent->pid);
		if (known && known->process != parent)
			return false;
	}
	return false;
}

static Kind steps_kind(const Steps *steps, const char *command)
{
	if (steps->drivers && g_strv_contains((const char *const *)steps->drivers, command))
		return KIND_DRIVER;
	return strcmp(command, "git") == 0 ? KIND_GIT : KIND_OTHER;
}

/* Whether all are who they were, and what. */
static bool chain_is_current(const Steps *steps, const Chain *chain)
{
	struct pollfd ends[STEPS_KNOWN_MAX];

	for (unsigned i = 0; i < chain->n; i++) {
		const Known *known = chain->known[i];
		char command[PROC_COMMAND_MAX];

		/* It is there as long as the thread is, whose process that is. */
		if (proc_command(known->command_fd, command) < 0)
			return false;
		if (known->process && known->process->kind != steps_kind(steps, command))
			return false;
		ends[i] = (struct pollfd){.fd = known->end_fd, .events = POLLIN};
	}
	return poll(ends, chain->n, 0) == 0;
}

/* The process of somebody who is remembered, and its turn; NULL if there is none, or anything has
 * changed. */
static Process *steps_find(Steps *steps, pid_t tid, uint64_t *ret_since)
{
	Process *process = NULL;
	Chain chain;

	chain.n = 0;
	if (chain_take(steps, tid, &chain) && chain_is_current(steps, &chain)) {
		const Known *known = chain.known[chain.known[0]->process ? 0 : 1];

		process = step_process_ref(known->process);
		*ret_since = known->since;
	}
	while (chain.n > 0)
		known_unref(chain.known[--chain.n]);
	return process;
}

/* ---- reading anew ---- */

/* A process that has been read, before its parent is known. */
typedef struct Reading Reading;

struct Reading {
	Reading *below; /* owned: its child, read before it */
	pid_t pid;
	ProcStat stat;
	uint64_t asked; /* the turn before stat was read */
	Known *known;   /* owned; NULL: it cannot be remembered */
};

static Reading *reading_free(Reading *reading)
{
	known_unref(reading->known);
	g_free(reading);
	return NULL;
}

/* NULL: there is nobody, or nobody that can be seen. */
static Reading *reading_new(Steps *steps, pid_t pid)
{
	Reading *reading = g_new0(Reading, 1);

	reading->pid = pid;
	reading->known = known_new(steps, pid, false);
	reading->asked = steps_turn(steps);
	return proc_stat(pid, &reading->stat) < 0 ? reading_free(reading) : reading;
}

/* Whether all that was read by number is of this process, and of this parent: the number of the
 * parent that was read means this one only if it had that number by then. */
static bool reading_is_sure(const Reading *reading, uint64_t parent_since)
{
	struct pollfd end = {.events = POLLIN};
	ProcStat again;

	if (!reading->known)
		return false;
	if (parent_since > reading->asked &&
		(proc_stat(reading->pid, &again) < 0 || again.parent != reading->stat.parent))
		return false;
	end.fd = reading->known->end_fd;
	return poll(&end, 1, 0) == 0;
}

/* Makes the process, which takes parent, and remembers it if *sure, which it may end. */
static Process *reading_process(
	Steps *steps, Reading *reading, Process *parent, bool *sure, uint64_t *since)
{
	Process *process = g_new0(Process, 1);

	process->n_refs = 1;
	process->pid = reading->pid;
	process->start = reading->stat.start;
	process->kind = steps_kind(steps, reading->stat.command);
	process->parent = parent;
	process->whole = parent ? parent->whole : reading->stat.parent <= 0;
	*sure = *sure && reading_is_sure(reading, *since);
	if (*sure) {
		reading->known->process = step_process_ref(process);
		*since = reading->known->since;
		steps_remember(steps, g_steal_pointer(&reading->known));
	}
	return process;
}

/* Reads a process, and those above it up to the first who is remembered. looked: the process itself
 * is not. *ret_sure: everybody is remembered now. */
static Process *steps_read(Steps *steps, pid_t pid, bool looked, bool *ret_sure)
{
	unsigned long long start = UINT64_MAX; /* no parent is younger */
	Reading *top = NULL;
	Process *process = NULL;
	uint64_t since = 0;

	for (unsigned depth = 0; pid > 0 && depth < STEP_DEPTH_MAX; depth++) {
		Reading *reading = NULL;

		if (depth > 0 || !looked)
			process = steps_find(steps, pid, &since);
		if (process && process->start > start)
			process = step_process_unref(process);
		/* A parent that ends in between leaves the chain short: an outsider, at worst. */
		if (process || !(reading = reading_new(steps, pid)))
			break;
		if (reading->stat.start > start) {
			reading_free(reading);
			break;
		}
		reading->below = top;
		top = reading;
		start = reading->stat.start;
		pid = reading->stat.parent;
	}
	*ret_sure = process || pid <= 0;
	while (top) {
		Reading *below = top->below;

		process = reading_process(steps, top, process, ret_sure, &since);
		reading_free(top);
		top = below;
	}
	return process;
}

/* The process of a thread that is not remembered. *ret_known: the thread, unless it is the first
 * one; NULL if it cannot be remembered. */
static int steps_process_of(Steps *steps, pid_t tid, pid_t *ret_pid, Known **ret_known)
{
	g_autoptr(Known) known = NULL;
	char command[PROC_COMMAND_MAX];
	autofd end_fd = -1;
	int r;

	/* This can be had for processes only, and costs less than what is read for threads. */
	if (proc_open_end(tid, &end_fd) == 0) {
		*ret_pid = tid;
		return 0;
	}
	known = known_new(steps, tid, true);
	r = proc_process_of(tid, ret_pid);
	if (r < 0)
		return r;
	/* If it is there now, it was there before, so what was read by number is its process. */
	if (known && *ret_pid != tid && proc_command(known->command_fd, command) == 0) {
		known->pid = *ret_pid;
		*ret_known = g_steal_pointer(&known);
	}
	return 0;
}

int step_process_new(Steps *steps, pid_t tid, Process **ret_process)
{
	g_autoptr(Known) thread = NULL;
	Process *process;
	uint64_t since;
	bool sure;
	pid_t pid;

	if (tid <= 0)
		return -ESRCH;
	process = steps_find(steps, tid, &since);
	if (!process) {
		if (steps_process_of(steps, tid, &pid, &thread) < 0)
			return -ESRCH;
		process = steps_read(steps, pid, pid == tid, &sure);
		if (thread && process && sure)
			steps_remember(steps, g_steal_pointer(&thread));
	}
	if (!process)
		return -ESRCH;
	*ret_process = process;
	return 0;
}

Process *step_process_known(Steps *steps, pid_t tid)
{
	uint64_t since;

	return tid > 0 ? steps_find(steps, tid, &since) : NULL;
}

/* ---- processes ---- */

Process *step_process_ref(Process *process)
{
	__atomic_add_fetch(&process->n_refs, 1, __ATOMIC_RELAXED);
	return process;
}

Process *step_process_unref(Process *process)
{
	while (process && __atomic_sub_fetch(&process->n_refs, 1, __ATOMIC_ACQ_REL) == 0) {
		Process *parent = process->parent;

		g_free(process->arguments);
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
		if (step_is_driver(p->parent))
			return p;
	return process;
}

bool step_is_free_git(const Process *process)
{
	/* Who is missing may be a driver. */
	if (!process || process->kind != KIND_GIT || !process->whole)
		return false;
	for (const Process *p = process->parent; p; p = p->parent)
		if (step_is_driver(p))
			return false;
	return true;
}

/* The topmost git of those that run each other. */
static const Process *process_git(const Process *process)
{
	while (process->parent && process->parent->kind == KIND_GIT)
		process = process->parent;
	return process;
}

void step_note_change(Process *process)
{
	__atomic_store_n(&((Process *)process_git(process))->changes_files, true, __ATOMIC_RELAXED);
}

bool step_is_reading_git(const Process *process)
{
	return step_is_free_git(process) &&
	       !__atomic_load_n(&process_git(process)->changes_files, __ATOMIC_RELAXED);
}

bool step_keeps_to_itself(const Process *process, const Process *writer)
{
	return step_equal(process, writer) &&
	       (!step_is_reading_git(process) || step_process_equal(process, writer));
}

bool step_equal(const Process *a, const Process *b)
{
	return step_process_equal(process_step(a), process_step(b)) ||
	       (step_is_free_git(a) && step_is_free_git(b));
}

bool step_is_inside(const Process *process, const Process *opener)
{
	return opener && process_descends(process, process_step(opener));
}

Process *step_first(Process *process)
{
	return (Process *)process_step(process);
}

unsigned step_process_hash(const Process *process)
{
	return (unsigned)process->pid ^ (unsigned)process->start;
}

bool step_is_driver_of(const Process *driver, const Process *process)
{
	const Process *step = process_step(process);

	return step && step_is_driver(step->parent) && step_process_equal(driver, step->parent);
}

Process *step_git(Process *process)
{
	return process && process->kind == KIND_GIT ? (Process *)process_git(process) : NULL;
}

int step_open_end(const Process *process, int *ret_fd)
{
	return proc_open_end(process->pid, ret_fd);
}

bool step_is_driver(const Process *process)
{
	return process && process->kind == KIND_DRIVER;
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

char *const *step_arguments(const Process *process)
{
	return __atomic_load_n(&process->arguments, __ATOMIC_ACQUIRE);
}

/* Of whom we may not ask it, the command's name alone. */
static char **process_find_arguments(const Process *process)
{
	char **arguments = NULL;
	ProcStat stat;

	if (proc_arguments(process->pid, &arguments) == 0)
		return arguments;
	if (proc_stat(process->pid, &stat) < 0)
		stat.command[0] = 0;
	return proc_make_arguments(stat.command, strlen(stat.command), false);
}

static void process_learn_arguments(Process *process)
{
	char **arguments, **none = NULL;

	if (step_arguments(process))
		return;
	arguments = process_find_arguments(process);
	if (!__atomic_compare_exchange_n(&process->arguments, &none, arguments, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		g_free(arguments);
}

void step_learn_arguments(Process *process)
{
	process_learn_arguments(process);
	process_learn_arguments(step_first(process));
}

bool step_has_arguments(Process *process)
{
	return step_arguments(process) && step_arguments(step_first(process));
}

pid_t step_pid(const Process *process)
{
	return process->pid;
}
