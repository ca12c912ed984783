/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real processes in real chains. Each is a kid that does what it is told through a socket: it makes
 * a child, reaps one, takes another name, executes another program, or ends. A kid that is called
 * DRIVER counts as a build driver; the name is none of a real one, for make or ninja may well have
 * started this test. */

#include "step.h"

#include <errno.h>
#include <glib.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "scratch.h"

#define DRIVER "lklfs-test-make"
#define N_KIDS 9

static char *const drivers[] = {(char *)"another", (char *)DRIVER, NULL};
static char *const no_drivers[] = {NULL};

/* One that remembers, for all tests, so that each finds what others have left. */
static Steps *steps;

/* How many processes there are from this one up to the top; 0 if not all of them can be seen, or
 * their end cannot: then nobody is remembered. */
static unsigned depth_seen(void)
{
	ProcStat stat = {.parent = getpid()};
	unsigned depth = 0;

	for (; stat.parent > 0; depth++) {
		autofd fd = -1;

		if (proc_open_end(stat.parent, &fd) < 0 || proc_stat(stat.parent, &stat) < 0)
			return 0;
	}
	return depth;
}

/* That two answers are one and the same, where that can be. */
static void assert_remembered(const Process *a, const Process *b)
{
	g_assert_true(a == b || depth_seen() == 0);
}

/* ---- kids ---- */

typedef struct Order Order;

struct Order {
	char what; /* 'f' to fork kid number, 'r' to reap it, 'n' and 'x' to have another name, 'e'
		      to end */
	int number;
	pid_t pid;
	char name[16];
};

/* Made before the kids, who inherit them: [0] is the test's end, [1] the kid's. */
static int sockets[N_KIDS][2];
static pid_t pids[N_KIDS];

static void kid_main(int number, const char *name) G_GNUC_NORETURN;

static pid_t kid_fork(int number, const char *name)
{
	pid_t pid = fork();

	if (pid == 0)
		kid_main(number, name);
	return pid;
}

/* Becomes another program, under this name, which does nothing until its socket ends. */
static void kid_exec(int fd, const char *name)
{
	dup2(fd, STDIN_FILENO);
	execl(name, "cat", NULL);
	_exit(1);
}

static void kid_main(int number, const char *name)
{
	int fd = sockets[number][1];
	Order order;

	/* The test alone has the other ends, so that a kid sees its end, whatever became of it. */
	for (int i = 0; i < N_KIDS; i++)
		close(sockets[i][0]);
	prctl(PR_SET_NAME, name);
	for (;;) {
		pid_t answer = 0;

		if (write(fd, &number, sizeof(number)) < 0 ||
			read(fd, &order, sizeof(order)) != sizeof(order))
			_exit(1);
		if (order.what == 'e')
			_exit(0);
		if (order.what == 'x')
			kid_exec(fd, order.name);
		if (order.what == 'n')
			answer = prctl(PR_SET_NAME, order.name);
		if (order.what == 'f')
			answer = kid_fork(order.number, order.name);
		else if (order.what == 'r')
			answer = waitpid(order.pid, NULL, 0);
		if (write(fd, &answer, sizeof(answer)) < 0)
			_exit(1);
	}
}

/* Every kid says its number when it is ready for an order, and answers it before it does so again.
 */
static void kid_ready(int number)
{
	int got = -1;

	g_assert_cmpint(read(sockets[number][0], &got, sizeof(got)), ==, sizeof(got));
	g_assert_cmpint(got, ==, number);
}

static pid_t kid_order(int number, const Order *order)
{
	pid_t answer = -1;

	g_assert_cmpint(write(sockets[number][0], order, sizeof(*order)), ==, sizeof(*order));
	if (order->what == 'e' || order->what == 'x')
		return 0;
	g_assert_cmpint(read(sockets[number][0], &answer, sizeof(answer)), ==, sizeof(answer));
	kid_ready(number);
	return answer;
}

#define NOBODY (-1) /* as a parent: the test itself */

/* Makes a kid below another. */
static void kid(int number, int parent, const char *name)
{
	Order order = {.what = 'f', .number = number};

	g_strlcpy(order.name, name, sizeof(order.name));
	pids[number] = parent == NOBODY ? kid_fork(number, name) : kid_order(parent, &order);
	g_assert_cmpint(pids[number], >, 0);
	kid_ready(number);
}

/* Whether it is a zombie by now, with all of its threads (sanitizers have some), or gone. */
static bool kid_has_ended(int number)
{
	struct pollfd end = {.events = POLLIN};
	autofd fd = -1;

	if (proc_open_end(pids[number], &fd) < 0)
		return true;
	end.fd = fd;
	return poll(&end, 1, 0) != 0;
}

/* Lets a kid end. It stays a zombie. */
static void kid_end(int number)
{
	struct pollfd end = {.events = POLLIN};
	autofd fd = -1;

	ASSERT_OK(proc_open_end(pids[number], &fd));
	kid_order(number, &(Order){.what = 'e'});
	end.fd = fd;
	g_assert_cmpint(poll(&end, 1, -1), ==, 1);
}

static void kid_reap(int number, int parent)
{
	Order order = {.what = 'r', .pid = pids[number]};
	pid_t reaped =
		parent == NOBODY ? waitpid(pids[number], NULL, 0) : kid_order(parent, &order);

	g_assert_cmpint(reaped, ==, pids[number]);
	pids[number] = 0;
}

/* Takes another name, as a program can. */
static void kid_rename(int number, const char *name)
{
	Order order = {.what = 'n'};

	g_strlcpy(order.name, name, sizeof(order.name));
	g_assert_cmpint(kid_order(number, &order), ==, 0);
}

/* Executes another program, whose name is this. It takes no more orders, and ends with the test. */
static void kid_becomes(int number, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pids[number]);
	g_autofree char *program = g_find_program_in_path("cat");
	Order order = {.what = 'x'};

	g_assert_nonnull(program);
	g_assert_cmpint(symlink(program, name), ==, 0);
	g_strlcpy(order.name, name, sizeof(order.name));
	kid_order(number, &order);
	for (bool done = false; !done; g_usleep(1000)) {
		g_autofree char *command = NULL;

		g_assert_true(g_file_get_contents(path, &command, NULL, NULL));
		done = strcmp(g_strchomp(command), name) == 0;
	}
	g_assert_cmpint(unlink(name), ==, 0);
}

static void kids_begin(void)
{
	for (int i = 0; i < N_KIDS; i++)
		g_assert_cmpint(
			socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets[i]), ==, 0);
}

/* Orphans come to us (see main), so that all can be waited for. */
static void kids_end(void)
{
	for (int i = 0; i < N_KIDS; i++) {
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
		close(sockets[i][0]);
		close(sockets[i][1]);
		pids[i] = 0;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Process, step_process_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Steps, steps_free)

/* Who it is now, and from nobody's memory; to unref. */
static Process *process_with(pid_t pid, char *const *names)
{
	g_autoptr(Steps) nobody = steps_new(names, 0);
	Process *process = NULL;

	g_assert_cmpint(step_process_new(nobody, pid, &process), ==, 0);
	g_assert_nonnull(process);
	return process;
}

/* Who it is now; to unref. Whatever is remembered is to be what a fresh look gives, at least as far
 * as can be asked. */
static Process *process_now(pid_t pid)
{
	g_autoptr(Process) fresh = process_with(pid, drivers);
	Process *process = NULL;

	g_assert_cmpint(step_process_new(steps, pid, &process), ==, 0);
	g_assert_nonnull(process);
	g_assert_true(step_process_equal(process, fresh));
	g_assert_true(step_equal(process, fresh));
	g_assert_cmpint(step_is_driver(process), ==, step_is_driver(fresh));
	for (int i = 0; i < N_KIDS; i++) {
		g_autoptr(Process) kid = NULL;

		if (pids[i] <= 0 || kid_has_ended(i))
			continue;
		kid = process_with(pids[i], drivers);
		g_assert_cmpint(step_is_family(process, kid), ==, step_is_family(fresh, kid));
		g_assert_cmpint(step_equal(process, kid), ==, step_equal(fresh, kid));
		g_assert_cmpint(step_is_driver_of(kid, process), ==, step_is_driver_of(kid, fresh));
	}
	return process;
}

static Process *process_of(int number)
{
	return process_now(pids[number]);
}

/* ---- who is who ---- */

static void test_same(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, NOBODY, "sh");
	{
		g_autoptr(Process) a = process_of(0), again = process_of(0), b = process_of(1);
		g_autoptr(Process) more = step_process_ref(a);

		g_assert_true(more == a);
		g_assert_true(step_process_equal(a, a));
		g_assert_true(step_process_equal(a, again));
		assert_remembered(a, again);
		g_assert_false(step_process_equal(a, b));
		g_assert_false(step_process_equal(a, NULL));
		g_assert_false(step_process_equal(NULL, a));
		g_assert_false(step_process_equal(NULL, NULL));
	}
	g_assert_null(step_process_unref(NULL));
	kids_end();
}

static void test_nobody(void)
{
	g_autoptr(Process) self = process_now(getpid()), was = NULL;
	Process *process = self;
	pid_t gone;

	kids_begin();
	kid(0, NOBODY, "sh");
	gone = pids[0];
	was = process_of(0);
	kid_end(0);
	kid_reap(0, NOBODY);
	kids_end();
	g_assert_cmpint(step_process_new(steps, gone, &process), ==, -ESRCH);
	g_assert_cmpint(step_process_new(steps, 0, &process), ==, -ESRCH);
	g_assert_cmpint(step_process_new(steps, -1, &process), ==, -ESRCH);
	g_assert_cmpint(step_process_new(steps, INT32_MAX, &process), ==, -ESRCH);
	g_assert_true(process == self);

	g_assert_false(step_is_family(NULL, self));
	g_assert_false(step_is_family(self, NULL));
	g_assert_false(step_is_family(NULL, NULL));
	g_assert_false(step_equal(NULL, self));
	g_assert_false(step_equal(self, NULL));
	g_assert_false(step_equal(NULL, NULL));
	g_assert_false(step_is_driver_of(NULL, self));
	g_assert_false(step_is_driver_of(self, NULL));
	g_assert_false(step_is_driver_of(NULL, NULL));
	g_assert_false(step_is_driver(NULL));
}

/* A thread that is there until it is let go. */
typedef struct Thread Thread;

struct Thread {
	pthread_t thread;
	pthread_barrier_t barrier;
	pid_t tid;
};

static void *thread_main(void *data)
{
	Thread *thread = data;

	thread->tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&thread->barrier);
	pthread_barrier_wait(&thread->barrier);
	return NULL;
}

static void thread_begin(Thread *thread)
{
	pthread_barrier_init(&thread->barrier, NULL, 2);
	g_assert_cmpint(pthread_create(&thread->thread, NULL, thread_main, thread), ==, 0);
	pthread_barrier_wait(&thread->barrier);
}

/* Joined does not mean gone: the kernel takes it away a moment later. */
static void thread_end(Thread *thread)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d", (int)thread->tid);

	pthread_barrier_wait(&thread->barrier);
	pthread_join(thread->thread, NULL);
	pthread_barrier_destroy(&thread->barrier);
	while (access(path, F_OK) == 0)
		g_usleep(1000);
}

/* A request names a thread; what counts is its process. */
static void test_threads(void)
{
	g_autoptr(Process) self = process_now(getpid());
	pid_t gone = 0;

	for (int i = 0; i < 2; i++) {
		Thread thread;

		thread_begin(&thread);
		{
			g_autoptr(Process) process = process_now(thread.tid);
			g_autoptr(Process) again = process_now(thread.tid);
			g_autoptr(Process) fresh = process_with(thread.tid, drivers);

			g_assert_cmpint(thread.tid, !=, getpid());
			g_assert_true(step_process_equal(fresh, self));
			g_assert_true(step_equal(fresh, self));
			assert_remembered(process, self);
			assert_remembered(again, self);
			g_assert_false(step_has_ended(process));
		}
		gone = thread.tid;
		thread_end(&thread);
	}
	{
		Process *process = NULL;

		g_assert_cmpint(step_process_new(steps, gone, &process), ==, -ESRCH);
	}
}

/* Lets another process have the pid, if we may. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t parent = getpid(), r;

	/* what had it goes a moment after it can be seen no more */
	do {
		r = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	} while (r < 0 && errno == EEXIST);
	if (r == 0)
		scratch_wait_for_death(parent);
	return r;
}

/* The pid alone is not who somebody is. */
static void test_reused_pid(void)
{
	g_autoptr(Process) driver = NULL, old = NULL, new = NULL;
	pid_t pid;

	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	driver = process_of(0);
	old = process_of(1);
	pid = pids[1];
	kid_end(1);
	kid_reap(1, 0);
	g_usleep(50 * 1000); /* start times come in clock ticks of 10 ms */
	if (fork_as(pid) != pid) {
		g_test_skip("no privilege to choose the pid of a child");
		kids_end();
		return;
	}
	new = process_now(pid);
	g_assert_false(step_process_equal(old, new));
	g_assert_false(step_is_family(old, new));
	g_assert_false(step_is_family(driver, new));
	g_assert_false(step_equal(old, new));
	g_assert_true(step_has_ended(old));
	g_assert_false(step_has_ended(new));
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	kids_end();
}

/* Within one clock tick the start time does not tell either. */
static void test_reused_pid_at_once(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	for (int i = 0; i < 20; i++) {
		g_autoptr(Process) driver = process_of(0), old = NULL, new = NULL;
		pid_t pid;

		kid(1, 0, "sh");
		pid = pids[1];
		old = process_of(1);
		g_assert_true(step_is_driver_of(driver, old));
		kid_end(1);
		kid_reap(1, 0);
		if (fork_as(pid) != pid) {
			g_test_skip("no privilege to choose the pid of a child");
			break;
		}
		new = process_now(pid);
		g_assert_false(step_is_family(driver, new));
		g_assert_false(step_is_driver_of(driver, new));
		kill(pid, SIGKILL);
		g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	}
	kids_end();
}

/* What was a thread may be a process next. */
static void test_reused_tid(void)
{
	g_autoptr(Process) self = process_now(getpid()), old = NULL, new = NULL;
	Thread thread;
	pid_t tid;

	thread_begin(&thread);
	tid = thread.tid;
	old = process_now(tid);
	assert_remembered(old, self);
	thread_end(&thread);
	if (fork_as(tid) != tid) {
		g_test_skip("no privilege to choose the pid of a child");
		return;
	}
	new = process_now(tid);
	g_assert_false(step_process_equal(new, self));
	g_assert_true(step_is_family(new, self));
	kill(tid, SIGKILL);
	g_assert_cmpint(waitpid(tid, NULL, 0), ==, tid);
}

/* And what was a process may be a thread. The next number is asked for, but somebody else may get
 * it. */
static void test_reused_for_thread(void)
{
	g_autoptr(Process) self = process_now(getpid());

	for (int i = 0; i < 50; i++) {
		g_autofree char *before = NULL;
		autofd fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
		g_autoptr(Process) old = NULL, new = NULL;
		Thread thread;
		bool reused;
		pid_t pid;

		kids_begin();
		kid(0, NOBODY, "sh");
		old = process_of(0);
		pid = pids[0];
		kid_end(0);
		kid_reap(0, NOBODY);
		kids_end();
		before = g_strdup_printf("%d", (int)pid - 1);
		if (fd < 0 || write(fd, before, strlen(before)) < 0) {
			g_test_skip("no privilege to choose the next pid");
			return;
		}
		thread_begin(&thread);
		reused = thread.tid == pid;
		if (reused) {
			new = process_now(pid);
			g_assert_true(step_process_equal(new, self));
			g_assert_false(step_process_equal(new, old));
		}
		thread_end(&thread);
		if (reused)
			return;
	}
	g_test_skip("somebody else always got the pid");
}

/* ---- family ---- */

/*     test
 *    0    1
 *  2   3
 *  4        */
static void test_family(void)
{
	static const char related[5][6] = {
		/*  0    1    2    3    4   */
		"10111",
		"01000",
		"10101",
		"10010",
		"10101",
	};
	Process *all[5];

	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, NOBODY, "sh");
	kid(2, 0, "gcc");
	kid(3, 0, "gcc");
	kid(4, 2, "cc1");
	for (int i = 0; i < 5; i++)
		all[i] = process_of(i);
	{
		g_autoptr(Process) self = process_now(getpid());

		for (int i = 0; i < 5; i++) {
			g_assert_true(step_is_family(self, all[i]));
			g_assert_true(step_is_family(all[i], self));
			for (int k = 0; k < 5; k++)
				g_assert_cmpint(
					step_is_family(all[i], all[k]), ==, related[i][k] == '1');
		}
	}
	for (int i = 0; i < 5; i++)
		all[i] = step_process_unref(all[i]);
	kids_end();
}

/* A server that a step left behind is an outsider from then on. */
static void test_orphan(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, "server");
	{
		g_autoptr(Process) driver = process_of(0), step = process_of(1),
				   before = process_of(2);
		g_autoptr(Process) after = NULL;

		g_assert_true(step_equal(before, step));
		kid_end(1);
		kid_reap(1, 0);
		after = process_of(2);
		g_assert_true(step_process_equal(before, after));
		g_assert_false(step_is_family(after, step));
		g_assert_false(step_is_family(after, driver));
		g_assert_false(step_equal(after, step));
		g_assert_false(step_is_driver_of(driver, after));
		/* the step it once belonged to has ended; on its own it has not */
		g_assert_true(step_has_ended(before));
		g_assert_false(step_has_ended(after));
	}
	kids_end();
}

/* ---- steps ---- */

/*        test
 *      0 driver
 *    1 sh     2 sh
 *  3 gcc 4 as    5 gcc     */
static void test_steps(void)
{
	Process *all[6];

	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 0, "sh");
	kid(3, 1, "gcc");
	kid(4, 1, "as");
	kid(5, 2, "gcc");
	for (int i = 0; i < 6; i++)
		all[i] = process_of(i);

	for (int i = 0; i < 6; i++) {
		g_assert_cmpint(step_is_driver(all[i]), ==, i == 0);
		g_assert_cmpint(step_is_driver_of(all[0], all[i]), ==, i != 0);
		for (int k = 1; k < 6; k++)
			g_assert_false(step_is_driver_of(all[k], all[i]));
	}
	/* two children of one step, and the step itself */
	g_assert_true(step_equal(all[3], all[4]));
	g_assert_true(step_equal(all[4], all[1]));
	g_assert_true(step_equal(all[1], all[3]));
	g_assert_true(step_equal(all[2], all[5]));
	/* the two steps, and the driver, which is in neither */
	for (int i = 0; i < 6; i++) {
		g_assert_true(step_equal(all[i], all[i]));
		g_assert_cmpint(step_equal(all[0], all[i]), ==, i == 0);
	}
	g_assert_false(step_equal(all[1], all[2]));
	g_assert_false(step_equal(all[3], all[5]));
	g_assert_false(step_equal(all[1], all[5]));
	/* siblings are no family, one step or not */
	g_assert_false(step_is_family(all[3], all[4]));
	g_assert_true(step_is_family(all[3], all[1]));
	g_assert_true(step_is_family(all[0], all[3]));

	for (int i = 0; i < 6; i++)
		all[i] = step_process_unref(all[i]);
	kids_end();
}

/* make runs make: each step belongs to the driver directly above it. */
static void test_nested(void)
{
	Process *all[5];

	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, DRIVER);
	kid(3, 2, "sh");
	kid(4, 3, "gcc");
	for (int i = 0; i < 5; i++)
		all[i] = process_of(i);

	/* the inner driver runs in the outer one's step */
	g_assert_true(step_equal(all[1], all[2]));
	g_assert_true(step_is_driver(all[2]));
	g_assert_true(step_is_driver_of(all[0], all[1]));
	g_assert_true(step_is_driver_of(all[0], all[2]));
	g_assert_true(step_is_driver_of(all[2], all[3]));
	g_assert_true(step_is_driver_of(all[2], all[4]));
	g_assert_false(step_is_driver_of(all[0], all[3]));
	g_assert_false(step_is_driver_of(all[0], all[4]));
	g_assert_true(step_equal(all[3], all[4]));
	g_assert_false(step_equal(all[1], all[3]));
	g_assert_false(step_equal(all[2], all[3]));
	g_assert_false(step_equal(all[2], all[4]));

	for (int i = 0; i < 5; i++)
		all[i] = step_process_unref(all[i]);
	kids_end();
}

/* Where no driver is above it, git is one step, and nothing that git runs is in it.
 *
 *        0 sh
 *    1 git   2 git    6 driver
 *    3 git            7 git
 *    4 sh             8 git
 *    5 git                      */
static void test_git(void)
{
	static const int free_git[] = {1, 2, 3, 5};
	Process *all[N_KIDS];

	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "git");
	kid(2, 0, "git");
	kid(3, 1, "git");
	kid(4, 3, "sh");
	kid(5, 4, "git");
	kid(6, 0, DRIVER);
	kid(7, 6, "git");
	kid(8, 7, "git");
	for (int i = 0; i < N_KIDS; i++)
		all[i] = process_of(i);

	for (unsigned i = 0; i < G_N_ELEMENTS(free_git); i++) {
		for (unsigned k = 0; k < G_N_ELEMENTS(free_git); k++)
			g_assert_true(step_equal(all[free_git[i]], all[free_git[k]]));
		for (int k = 0; k < N_KIDS; k++)
			if (k == 0 || k == 4 || k > 5)
				g_assert_false(step_equal(all[free_git[i]], all[k]));
	}
	/* below a driver it is what any other command is */
	g_assert_true(step_equal(all[7], all[8]));
	g_assert_false(step_equal(all[6], all[7]));
	/* and it is no family because of it */
	g_assert_false(step_is_family(all[1], all[2]));
	g_assert_false(step_is_inside(all[2], all[1]));

	for (int i = 0; i < N_KIDS; i++)
		all[i] = step_process_unref(all[i]);
	kids_end();
}

/* Without a driver each process is a step of its own. */
static void test_no_driver(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "gcc");
	kid(2, 0, "gcc");
	{
		g_autoptr(Process) a = process_with(pids[0], no_drivers);
		g_autoptr(Process) b = process_with(pids[1], no_drivers);
		g_autoptr(Process) c = process_with(pids[2], NULL);

		g_assert_true(step_equal(a, a));
		g_assert_false(step_equal(a, b));
		g_assert_false(step_equal(b, c));
		g_assert_false(step_is_driver_of(a, b));
		g_assert_false(step_is_driver(a));
		g_assert_true(step_is_family(a, c));
		kid_end(0);
		/* what ends above is no step of theirs */
		g_assert_false(step_has_ended(b));
		g_assert_false(step_has_ended(c));
		g_assert_true(step_has_ended(a));
	}
	kids_end();
}

/* What makes a driver is its whole name, which may look like the rest of the line it is read from.
 */
static void test_names(void)
{
	static char *const odd[] = {(char *)"a) R 1 (b", (char *)") S 0 0 0 0", NULL};
	static const char *const names[] = {"a) R 1 (b", ") S 0 0 0 0", "a) R 1 (", "a", ""};

	kids_begin();
	for (int i = 0; i < (int)G_N_ELEMENTS(names); i++) {
		kid(i, i - 1, names[i]);
		g_autoptr(Process) process = process_with(pids[i], odd);
		g_autoptr(Process) top = process_with(pids[0], odd);

		g_assert_cmpint(step_is_driver(process), ==, i < 2);
		g_assert_true(step_is_family(process, top));
		g_assert_false(step_has_ended(process));
	}
	kids_end();
}

/* ---- the end ---- */

static void test_ended_zombie(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	{
		g_autoptr(Process) process = process_of(0);

		g_assert_false(step_has_ended(process));
		kid_end(0);
		g_assert_true(step_has_ended(process));
		kid_reap(0, NOBODY);
		g_assert_true(step_has_ended(process));
	}
	kids_end();
}

/* A step ends with the process that the driver started, whoever lives on below it. */
static void test_ended_step(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, "gcc");
	kid(3, 2, "cc1");
	{
		g_autoptr(Process) step = process_of(1), gcc = process_of(2), cc1 = process_of(3);

		g_assert_false(step_has_ended(cc1));
		/* one in the middle is not the step */
		kid_end(2);
		g_assert_true(step_has_ended(gcc));
		g_assert_false(step_has_ended(cc1));
		g_assert_false(step_has_ended(step));
		/* a zombie has ended; so has one that was waited for */
		kid_end(1);
		g_assert_true(step_has_ended(cc1));
		kid_reap(1, 0);
		g_assert_true(step_has_ended(cc1));
	}
	kids_end();
}

/* Whether it has ended, as it looks to a process that can have no more descriptors. */
static bool has_ended_without_descriptors(const Process *process)
{
	int status = -1;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, 3}) < 0)
			_exit(2);
		_exit(step_has_ended(process));
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), <, 2);
	return WEXITSTATUS(status) == 1;
}

/* Who cannot be looked at lives. */
static void test_ended_unseen(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, "gcc");
	{
		g_autoptr(Process) process = process_of(2);

		g_assert_false(has_ended_without_descriptors(process));
		kid_end(2);
		kid_reap(2, 1);
		g_assert_true(step_has_ended(process));
	}
	kids_end();
}

static void *thread_stays(void *fd)
{
	char c = 0;

	(void)!write(((int *)fd)[1], &c, 1);
	for (;;)
		pause();
	return NULL;
}

/* A process ends with its last thread, whatever becomes of the first one. */
static void test_ended_first_thread(void)
{
	g_autoptr(Process) process = NULL, again = NULL;
	ProcStat stat;
	int ready[2];
	pid_t pid;
	char c;

	g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pthread_create(&thread, NULL, thread_stays, ready) != 0)
			_exit(1);
		for (;;)
			syscall(SYS_exit, 0); /* of this thread alone */
	}
	g_assert_cmpint(read(ready[0], &c, 1), ==, 1);
	do {
		ASSERT_OK(proc_stat(pid, &stat));
	} while (stat.state != 'Z');
	process = process_now(pid);
	again = process_now(pid);
	assert_remembered(again, process);
	g_assert_false(step_has_ended(process));
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	g_assert_true(step_has_ended(process));
	close(ready[0]);
	close(ready[1]);
}

/* The driver's own end is not that of its steps. */
static void test_ended_driver(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	{
		g_autoptr(Process) driver = process_of(0), step = process_of(1);

		kid_end(0);
		g_assert_true(step_has_ended(driver));
		g_assert_false(step_has_ended(step));
	}
	kids_end();
}

/* ---- who is remembered ---- */

static void assert_known(pid_t pid, const Process *as)
{
	g_autoptr(Process) process = step_process_known(steps, pid);

	if (!as)
		g_assert_null(process);
	else
		assert_remembered(process, as);
}

/* Somebody who has been seen is known without being read, as long as nothing has changed. */
static void test_known(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "gcc");
	assert_known(pids[1], NULL);
	{
		g_autoptr(Process) seen = process_of(1), driven = NULL, driver = NULL;

		assert_known(pids[1], seen);
		kid_rename(0, DRIVER);
		assert_known(pids[1], NULL);
		driven = process_of(1);
		driver = process_of(0);
		g_assert_true(step_is_driver_of(driver, driven));
		assert_known(pids[1], driven);
	}
	{
		pid_t gone = pids[1];

		kid_end(1);
		assert_known(gone, NULL);
	}
	assert_known(0, NULL);
	assert_known(-1, NULL);
	kids_end();
}

/* What a process is called decides whether it is a driver, and may change at any time, also above
 * those who ask. */
static void test_renamed(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "sh");
	kid(2, 1, "gcc");
	kid(3, 1, "gcc");
	for (int i = 0; i < 3; i++) {
		g_autoptr(Process) top = NULL, middle = NULL, a = NULL, b = NULL, again = NULL;

		kid_rename(1, i == 1 ? DRIVER : "bash");
		a = process_of(2);
		b = process_of(3);
		middle = process_of(1);
		top = process_of(0);
		again = process_of(2);
		assert_remembered(again, a);
		g_assert_cmpint(step_is_driver(middle), ==, i == 1);
		g_assert_cmpint(step_is_driver_of(middle, a), ==, i == 1);
		g_assert_false(step_equal(a, b));
		g_assert_false(step_is_driver(top));
		g_assert_true(step_is_family(a, top));
		if (i > 0)
			continue;
		/* another name that is none of a driver makes nobody else */
		kid_rename(2, "cc1");
		{
			g_autoptr(Process) same = process_of(2);

			assert_remembered(same, a);
		}
	}
	kids_end();
}

/* sh -c 'exec make', and back. */
static void test_exec(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "sh");
	kid(2, 1, "gcc");
	kid(3, NOBODY, DRIVER);
	kid(4, 3, "gcc");
	{
		g_autoptr(Process) before = process_of(2), driver = process_of(3),
				   below = process_of(4);
		g_autoptr(Process) after = NULL, middle = NULL, other = NULL, other_below = NULL;

		g_assert_true(step_is_driver_of(driver, below));
		kid_becomes(1, DRIVER);
		after = process_of(2);
		middle = process_of(1);
		g_assert_false(step_is_driver_of(middle, before));
		g_assert_true(step_is_driver_of(middle, after));
		g_assert_true(step_is_driver(middle));
		/* still the same process */
		g_assert_true(step_process_equal(before, after));
		kid_becomes(3, "lklfs-test-sh");
		other_below = process_of(4);
		other = process_of(3);
		g_assert_false(step_is_driver(other));
		g_assert_false(step_is_driver_of(other, other_below));
		g_assert_true(step_is_family(other, other_below));
	}
	kids_end();
}

/* Whoever is asked for is remembered with what he was called with; and so is his step. */
static void test_arguments(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, "gcc");
	kid_becomes(1, "lklfs-test-cat");
	{
		g_autoptr(Process) below = process_of(2), other = process_of(0);

		g_assert_false(step_has_arguments(below));
		g_assert_null(step_arguments(below));
		step_learn_arguments(below);
		g_assert_true(step_has_arguments(below));
		g_assert_cmpuint(g_strv_length((char **)step_arguments(below)), >, 0);
		g_assert_true(step_first(below) != below);
		g_assert_cmpstr(step_arguments(step_first(below))[0], ==, "cat");
		g_assert_cmpint(step_pid(step_first(below)), ==, pids[1]);
		g_assert_null(step_arguments(other));
		/* Once known, nobody is asked again. */
		step_learn_arguments(below);
		g_assert_true(step_has_arguments(below));
	}
	kids_end();
}

/* The parent is another one as soon as the old one has ended, waited for or not. */
static void test_reparented(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, "sh");
	kid(3, 2, "gcc");
	{
		g_autoptr(Process) driver = process_of(0), sh = process_of(1);
		g_autoptr(Process) before = process_of(3), zombie = NULL, gone = NULL;

		g_assert_true(step_equal(before, sh));
		kid_end(2);
		zombie = process_of(3);
		g_assert_false(step_is_family(zombie, sh));
		g_assert_false(step_is_family(zombie, driver));
		kid_reap(2, 1);
		gone = process_of(3);
		assert_remembered(gone, zombie);
	}
	kids_end();
}

static void *thread_kid(void *data)
{
	(void)data;
	kid(0, NOBODY, "sh");
	return NULL;
}

/* But not when only the thread has ended that made the child: it is its process that counts. */
static void test_parent_thread(void)
{
	g_autoptr(Process) self = process_now(getpid()), before = NULL, after = NULL;
	pthread_t thread;

	kids_begin();
	g_assert_cmpint(pthread_create(&thread, NULL, thread_kid, NULL), ==, 0);
	pthread_join(thread, NULL);
	before = process_of(0);
	g_usleep(10 * 1000);
	after = process_of(0);
	assert_remembered(before, after);
	g_assert_true(step_is_family(after, self));
	kids_end();
}

/* Those above are shared by all who are below. */
static void test_shared(void)
{
	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "gcc");
	{
		g_autoptr(Process) a = process_of(1), top = process_of(0), b = NULL, again = NULL;

		kid(2, 0, "gcc");
		b = process_of(2);
		again = process_of(0);
		assert_remembered(again, top);
		g_assert_true(step_is_family(b, top));
		again = step_process_unref(again);
		again = process_of(1);
		assert_remembered(again, a);
	}
	kids_end();
}

static unsigned n_descriptors(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	unsigned n = 0;

	while (g_dir_read_name(dir))
		n++;
	return n;
}

/* However many have been seen, and whether they live or not. */
static void test_bound(void)
{
	static const unsigned bounds[] = {STEPS_KNOWN_MAX, 16, 2, 1, 0};

	for (unsigned i = 0; i < G_N_ELEMENTS(bounds); i++) {
		g_autoptr(Steps) few = steps_new(drivers, bounds[i]);
		g_autoptr(Process) self = NULL, still = NULL;
		unsigned n = n_descriptors();
		const unsigned n_children = i == 0 ? 500 : 50;
		pid_t children[500];

		ASSERT_OK(step_process_new(few, getpid(), &self));
		for (unsigned k = 0; k < n_children; k++) {
			g_autoptr(Process) process = NULL, again = NULL;
			pid_t parent = getpid();

			children[k] = fork();
			g_assert_cmpint(children[k], >=, 0);
			if (children[k] == 0)
				scratch_wait_for_death(parent);
			g_assert_cmpint(step_process_new(few, children[k], &process), ==, 0);
			g_assert_cmpint(step_process_new(few, children[k], &again), ==, 0);
			g_assert_true(step_process_equal(process, again));
			g_assert_true(step_is_family(process, self));
			g_assert_cmpint(n_descriptors(), <=, n + 2 * bounds[i]);
			if (k % 2 == 0)
				continue;
			kill(children[k], SIGKILL);
			g_assert_cmpint(waitpid(children[k], NULL, 0), ==, children[k]);
			children[k] = 0;
		}
		/* whoever is above those who ask is not forgotten for their number */
		ASSERT_OK(step_process_new(few, getpid(), &still));
		if (bounds[i] == STEPS_KNOWN_MAX)
			assert_remembered(still, self);
		for (unsigned k = 0; k < n_children; k++)
			if (children[k] > 0) {
				kill(children[k], SIGKILL);
				waitpid(children[k], NULL, 0);
			}
		few = steps_free(few);
		g_assert_cmpint(n_descriptors(), ==, n);
	}
}

/* What a process finds that can have no more descriptors: bits of those who are found, and of those
 * that are drivers. */
static unsigned found_without_descriptors(const pid_t *who, unsigned n)
{
	int status = -1;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		rlim_t n_open = (rlim_t)dup(STDIN_FILENO); /* the lowest that is free */
		unsigned found = 0;

		close((int)n_open);
		if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){n_open, n_open}) < 0)
			_exit(255);
		for (unsigned i = 0; i < n; i++) {
			Process *process = NULL;
			int r = step_process_new(steps, who[i], &process);

			if (r != 0 && r != -ESRCH)
				_exit(255);
			found |= (r == 0) << i | step_is_driver(process) << (4 + i);
		}
		_exit((int)found);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return (unsigned)WEXITSTATUS(status);
}

/* Who is remembered can be made sure of without any. Whoever cannot is unknown, not who he was. */
static void test_no_descriptors(void)
{
	if (depth_seen() == 0) {
		g_test_skip("/proc hides who is above this test");
		return;
	}
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 0, "sh");
	step_process_unref(process_of(1));
	step_process_unref(process_of(0));
	g_assert_cmpint(found_without_descriptors(pids, 3), ==, 0x13);
	kid_rename(0, "sh");
	g_assert_cmpint(found_without_descriptors(pids, 3), ==, 0);
	kid_rename(0, DRIVER);
	g_assert_cmpint(found_without_descriptors(pids, 3), ==, 0x13);
	kid_end(1);
	g_assert_cmpint(found_without_descriptors(pids, 3), ==, 0x11);
	kid_end(0);
	g_assert_cmpint(found_without_descriptors(pids, 3), ==, 0);
	kids_end();
}

/* Wherever the descriptors come to an end: what is found is true, and what was missed then is not
 * missed later. */
static void test_few_descriptors(void)
{
	kids_begin();
	kid(0, NOBODY, DRIVER);
	kid(1, 0, "sh");
	kid(2, 1, "gcc");
	for (rlim_t n = 0; n < 24; n++) {
		g_autoptr(Steps) of = steps_new(drivers, STEPS_KNOWN_MAX);
		g_autoptr(Process) step = process_with(pids[1], drivers);
		g_autoptr(Process) few = NULL, enough = NULL, again = NULL;
		rlim_t n_open = (rlim_t)dup(STDIN_FILENO);
		struct rlimit limit, low;
		int r;

		close((int)n_open);
		g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
		low = (struct rlimit){n_open + n, limit.rlim_max};
		g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
		r = step_process_new(of, pids[2], &few);
		g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
		g_assert_cmpint(r, ==, n == 0 || few == NULL ? -ESRCH : 0);
		ASSERT_OK(step_process_new(of, pids[2], &enough));
		ASSERT_OK(step_process_new(of, pids[2], &again));
		g_assert_true(step_equal(enough, step));
		assert_remembered(again, enough);
		if (r == 0)
			g_assert_true(step_process_equal(few, enough));
	}
	kids_end();
}

/* ---- many at once ---- */

typedef struct Looker Looker;

struct Looker {
	pthread_t thread;
	pid_t who[N_KIDS]; /* atomic */
	bool over;         /* atomic */
};

static void *looker_main(void *data)
{
	Looker *looker = data;

	while (!__atomic_load_n(&looker->over, __ATOMIC_RELAXED))
		for (int i = 0; i < N_KIDS; i++) {
			pid_t pid = __atomic_load_n(&looker->who[i], __ATOMIC_RELAXED);
			g_autoptr(Process) process = NULL;
			int r = step_process_new(steps, pid, &process);

			g_assert_true(r == 0 || r == -ESRCH);
			if (r == 0)
				g_assert_true(step_is_family(process, process));
		}
	return NULL;
}

/* What others look at meanwhile makes no answer wrong. */
static void test_lookers(void)
{
	Looker lookers[3] = {};

	kids_begin();
	kid(0, NOBODY, "sh");
	kid(1, 0, "sh");
	kid(2, 1, "sh");
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < N_KIDS; k++)
			lookers[i].who[k] = pids[k];
		g_assert_cmpint(
			pthread_create(&lookers[i].thread, NULL, looker_main, &lookers[i]), ==, 0);
	}
	for (int round = 0; round < 60; round++) {
		g_autoptr(Process) driver = NULL, before = NULL, after = NULL;

		kid_rename(1, round % 2 ? "sh" : DRIVER);
		kid(3, 2, "sh");
		kid(4, 3, "gcc");
		for (int i = 0; i < 3; i++)
			for (int k = 3; k < 5; k++)
				__atomic_store_n(&lookers[i].who[k], pids[k], __ATOMIC_RELAXED);
		before = process_of(4);
		driver = process_of(1);
		g_assert_cmpint(step_is_driver_of(driver, before), ==, round % 2 == 0);
		kid_end(3);
		after = process_of(4);
		g_assert_false(step_is_family(after, driver));
		kid_reap(3, 2);
		kid_end(4);
		g_assert_cmpint(waitpid(pids[4], NULL, 0), ==, pids[4]);
		pids[4] = 0;
	}
	for (int i = 0; i < 3; i++)
		__atomic_store_n(&lookers[i].over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(lookers[i].thread, NULL);
	kids_end();
}

/* ---- what it costs (-m perf) ---- */

#define N_LOOKS 5000
#define N_CHILDREN 300

/* One look at the same caller, again and again. */
static double cost_again(Steps *of, pid_t pid)
{
	g_test_timer_start();
	for (int i = 0; i < N_LOOKS; i++) {
		g_autoptr(Process) process = NULL;

		g_assert_cmpint(step_process_new(of, pid, &process), ==, 0);
	}
	return g_test_timer_elapsed() * 1e9 / N_LOOKS;
}

/* The first look at each child of somebody who is known. */
static double cost_child(Steps *of)
{
	pid_t children[N_CHILDREN], parent = getpid();
	g_autoptr(Process) self = NULL;
	double elapsed;

	g_assert_cmpint(step_process_new(of, parent, &self), ==, 0);
	for (int i = 0; i < N_CHILDREN; i++) {
		children[i] = fork();
		if (children[i] == 0)
			scratch_wait_for_death(parent);
		g_assert_cmpint(children[i], >, 0);
	}
	g_usleep(200 * 1000);
	g_test_timer_start();
	for (int i = 0; i < N_CHILDREN; i++) {
		g_autoptr(Process) process = NULL;

		g_assert_cmpint(step_process_new(of, children[i], &process), ==, 0);
	}
	elapsed = g_test_timer_elapsed();
	for (int i = 0; i < N_CHILDREN; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	return elapsed * 1e9 / N_CHILDREN;
}

/* With and without memory, by turns, in one run: machines differ, and so do minutes. */
static void test_cost(void)
{
	double again[2] = {}, child[2] = {};
	for (int round = 0; round < 7; round++)
		for (int i = 0; i < 2; i++) {
			g_autoptr(Steps) of = steps_new(drivers, i == 0 ? 0 : STEPS_KNOWN_MAX);
			double a = cost_again(of, getpid()), c = cost_child(of);

			again[i] = round == 0 ? a : MIN(again[i], a);
			child[i] = round == 0 ? c : MIN(child[i], c);
		}
	g_test_message(
		"%u processes in a chain, the best of 7 rounds, ns for one look", depth_seen());
	g_test_message("seen before: read anew %.0f, remembered %.0f, so 1/%.1f", again[0],
		again[1], again[0] / again[1]);
	g_test_message("new child:   read anew %.0f, remembered %.0f, so 1/%.1f", child[0],
		child[1], child[0] / child[1]);
	g_test_minimized_result(again[1], "seen before, remembered: %.0f ns", again[1]);
	g_test_minimized_result(child[1], "new child, remembered: %.0f ns", child[1]);
}

int main(int argc, char **argv)
{
	int r;

	g_test_init(&argc, &argv, NULL);
	steps = steps_new(drivers, STEPS_KNOWN_MAX);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	g_test_add_func("/step/same", test_same);
	g_test_add_func("/step/nobody", test_nobody);
	g_test_add_func("/step/threads", test_threads);
	g_test_add_func("/step/reused-pid", test_reused_pid);
	g_test_add_func("/step/reused-pid-at-once", test_reused_pid_at_once);
	g_test_add_func("/step/reused-tid", test_reused_tid);
	g_test_add_func("/step/reused-for-thread", test_reused_for_thread);
	g_test_add_func("/step/family", test_family);
	g_test_add_func("/step/orphan", test_orphan);
	g_test_add_func("/step/steps", test_steps);
	g_test_add_func("/step/nested", test_nested);
	g_test_add_func("/step/git", test_git);
	g_test_add_func("/step/no-driver", test_no_driver);
	g_test_add_func("/step/names", test_names);
	g_test_add_func("/step/ended-zombie", test_ended_zombie);
	g_test_add_func("/step/ended-step", test_ended_step);
	g_test_add_func("/step/ended-driver", test_ended_driver);
	g_test_add_func("/step/ended-unseen", test_ended_unseen);
	g_test_add_func("/step/ended-first-thread", test_ended_first_thread);
	g_test_add_func("/step/known", test_known);
	g_test_add_func("/step/renamed", test_renamed);
	g_test_add_func("/step/exec", test_exec);
	g_test_add_func("/step/arguments", test_arguments);
	g_test_add_func("/step/reparented", test_reparented);
	g_test_add_func("/step/parent-thread", test_parent_thread);
	g_test_add_func("/step/shared", test_shared);
	g_test_add_func("/step/bound", test_bound);
	g_test_add_func("/step/no-descriptors", test_no_descriptors);
	g_test_add_func("/step/few-descriptors", test_few_descriptors);
	g_test_add_func("/step/lookers", test_lookers);
	if (g_test_perf())
		g_test_add_func("/step/cost", test_cost);
	r = g_test_run();
	steps = steps_free(steps);
	return r;
}
