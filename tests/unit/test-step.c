/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real processes in real chains. Each is a kid that does what it is told through a socket: it makes
 * a child, reaps one, or ends. A kid that is called DRIVER counts as a build driver; the name is
 * none of a real one, for make or ninja may well have started this test. */

#include "step.h"

#include <errno.h>
#include <glib.h>
#include <linux/sched.h>
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

#include "scratch.h"

#define DRIVER "lklfs-test-make"
#define N_KIDS 8

static char *const drivers[] = {(char *)"another", (char *)DRIVER, NULL};
static char *const no_drivers[] = {NULL};

/* ---- kids ---- */

typedef struct Order Order;

struct Order {
	char what; /* 'f' to fork kid number, 'r' to reap it, 'e' to end */
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
	if (order->what == 'e')
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

/* Whether it is a zombie by now, or gone. */
static bool kid_has_ended(int number)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pids[number]);
	g_autofree char *line = NULL;

	return !g_file_get_contents(path, &line, NULL, NULL) || strstr(line, ") Z ") ||
	       strstr(line, ") X ");
}

/* Lets a kid end. It stays a zombie. */
static void kid_end(int number)
{
	kid_order(number, &(Order){.what = 'e'});
	while (!kid_has_ended(number))
		g_usleep(1000); /* nothing tells of a zombie that is somebody else's */
}

static void kid_reap(int number, int parent)
{
	Order order = {.what = 'r', .pid = pids[number]};
	pid_t reaped =
		parent == NOBODY ? waitpid(pids[number], NULL, 0) : kid_order(parent, &order);

	g_assert_cmpint(reaped, ==, pids[number]);
	pids[number] = 0;
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

/* Who the kid is now; to unref. */
static Process *process_with(pid_t pid, char *const *names)
{
	Process *process = NULL;

	g_assert_cmpint(step_process_new(pid, names, &process), ==, 0);
	g_assert_nonnull(process);
	return process;
}

static Process *process_of(int number)
{
	return process_with(pids[number], drivers);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Process, step_process_unref)

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
	g_autoptr(Process) self = process_with(getpid(), drivers);
	Process *process = self;
	pid_t gone;

	kids_begin();
	kid(0, NOBODY, "sh");
	gone = pids[0];
	kid_end(0);
	kid_reap(0, NOBODY);
	kids_end();
	g_assert_cmpint(step_process_new(gone, drivers, &process), ==, -ESRCH);
	g_assert_cmpint(step_process_new(0, drivers, &process), ==, -ESRCH);
	g_assert_cmpint(step_process_new(-1, drivers, &process), ==, -ESRCH);
	g_assert_cmpint(step_process_new(INT32_MAX, drivers, &process), ==, -ESRCH);
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

static void *thread_main(void *tid)
{
	*(pid_t *)tid = (pid_t)syscall(SYS_gettid);
	return process_with(*(pid_t *)tid, drivers);
}

/* A request names a thread; what counts is its process. */
static void test_threads(void)
{
	g_autoptr(Process) self = process_with(getpid(), drivers);
	pid_t tids[2] = {};

	for (int i = 0; i < 2; i++) {
		g_autoptr(Process) process = NULL;
		pthread_t thread;
		void *result;

		g_assert_cmpint(pthread_create(&thread, NULL, thread_main, &tids[i]), ==, 0);
		pthread_join(thread, &result);
		process = result;
		g_assert_cmpint(tids[i], !=, getpid());
		g_assert_true(step_process_equal(process, self));
		g_assert_true(step_equal(process, self));
		g_assert_false(step_has_ended(process));
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
	pid_t parent = getpid();
	pid_t r = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (r == 0)
		scratch_wait_for_death(parent);
	return r;
}

/* The pid alone is not who somebody is. */
static void test_reused_pid(void)
{
	g_autoptr(Process) old = NULL, new = NULL;
	pid_t pid;

	kids_begin();
	kid(0, NOBODY, "sh");
	old = process_of(0);
	pid = pids[0];
	kid_end(0);
	kid_reap(0, NOBODY);
	kids_end();
	g_usleep(50 * 1000); /* start times come in clock ticks of 10 ms */
	if (fork_as(pid) != pid) {
		g_test_skip("no privilege to choose the pid of a child");
		return;
	}
	new = process_with(pid, drivers);
	g_assert_false(step_process_equal(old, new));
	g_assert_false(step_is_family(old, new));
	g_assert_false(step_equal(old, new));
	g_assert_true(step_has_ended(old));
	g_assert_false(step_has_ended(new));
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
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
		g_autoptr(Process) self = process_with(getpid(), drivers);

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
	g_autoptr(Process) process = NULL;
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
	pids[0] = pid;
	while (!kid_has_ended(0))
		g_usleep(1000);
	process = process_with(pid, drivers);
	g_assert_false(step_has_ended(process));
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	g_assert_true(step_has_ended(process));
	pids[0] = 0;
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	g_test_add_func("/step/same", test_same);
	g_test_add_func("/step/nobody", test_nobody);
	g_test_add_func("/step/threads", test_threads);
	g_test_add_func("/step/reused-pid", test_reused_pid);
	g_test_add_func("/step/family", test_family);
	g_test_add_func("/step/orphan", test_orphan);
	g_test_add_func("/step/steps", test_steps);
	g_test_add_func("/step/nested", test_nested);
	g_test_add_func("/step/no-driver", test_no_driver);
	g_test_add_func("/step/names", test_names);
	g_test_add_func("/step/ended-zombie", test_ended_zombie);
	g_test_add_func("/step/ended-step", test_ended_step);
	g_test_add_func("/step/ended-driver", test_ended_driver);
	g_test_add_func("/step/ended-unseen", test_ended_unseen);
	g_test_add_func("/step/ended-first-thread", test_ended_first_thread);
	return g_test_run();
}
