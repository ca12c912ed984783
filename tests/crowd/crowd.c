/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many processes do everything at once, with too little memory, and a watchdog sees that none of
 * them stands still.
 *
 *     crowd [OPTION]... DIR         for a while; exit status 0: nobody stood still, and what can
 * tell is whole crowd --verify DIR            what can tell is whole, all of it
 *
 * One parent forks them and never touches DIR, so it cannot be stopped by what stops them. It
 * counts what each has done, kills one now and then in the middle of whatever it is doing, and puts
 * another in its place. Two more processes are no part of the crowd: one asks whether the mount
 * still answers, and one has the kernel drop its caches. */

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <sys/mman.h>

#include "watch.h"
#include "works.h"

enum {
	KILL_EVERY_MS = 150,
	DROP_EVERY_MS = 2000,
	ASK_EVERY_MS = 100,
	DROP_PATIENCE =
		4, /* times that of the others: it has the caches of the whole machine dropped */
};

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

static void join_cgroup(const Crowd *crowd)
{
	int fd = crowd->cgroup ? open(crowd->cgroup, O_WRONLY | O_CLOEXEC) : -1;

	if (!crowd->cgroup)
		return;
	if (fd < 0 || write(fd, "0", 1) != 1) {
		fprintf(stderr, "crowd: cannot join %s: %s\n", crowd->cgroup, strerror(errno));
		_exit(2);
	}
	close(fd);
}

/* Some are taken for make, and some for git, so that there are steps. */
static void worker_main(Worker *w)
{
	static const char *const names[] = {"make", "git", "crowd", "crowd"};
	struct sigaction bus = {.sa_handler = on_sigbus};
	const Work *work;
	int64_t began, took;

	sigaction(SIGBUS, &bus, NULL);
	prctl(PR_SET_NAME, names[w->index % 4]);
	join_cgroup(w->crowd);
	while (!atomic_load(&w->crowd->over)) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		work = draw_work(w);
		atomic_store(&w->slot->doing, work->name);
		began = now_ns();
		work->run(w);
		took = now_ns() - began;
		if (took > w->slot->longest) {
			w->slot->longest = took;
			w->slot->longest_work = work->name;
		}
		atomic_fetch_add(&w->slot->n_done, 1);
	}
}

static void ask_main(Worker *w)
{
	while (!atomic_load(&w->crowd->over)) {
		atomic_store(&w->slot->doing, "asking for .lklfs/status");
		work_status(w);
		atomic_fetch_add(&w->slot->n_done, 1);
		pause_ms(ASK_EVERY_MS);
	}
}

/* Once more even at the end, for then most is there to be dropped. */
static void drop_main(Worker *w)
{
	int fd;

	atomic_store(&w->slot->doing, "dropping caches");
	while (!atomic_load(&w->crowd->over)) {
		fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
		if (fd >= 0) {
			(void)!write(fd, "3", 1);
			close(fd);
		}
		atomic_fetch_add(&w->slot->n_done, 1);
		for (int i = 0; i < DROP_EVERY_MS / 100 && !atomic_load(&w->crowd->over); i++)
			pause_ms(100);
	}
}

static void buffers(Worker *w)
{
	w->buffer = malloc(BUFFER);
	w->scratch = malloc(BUFFER);
	if (!w->buffer || !w->scratch || chdir(w->crowd->dir) < 0) {
		fprintf(stderr, "crowd: cannot enter %s: %s\n", w->crowd->dir, strerror(errno));
		_exit(2);
	}
}

static void start(Crowd *crowd, int index, uint64_t round)
{
	Worker w = {.crowd = crowd, .slot = &crowd->slots[index], .index = index};
	pid_t pid;

	w.random = content_mix(crowd->seed ^ (uint64_t)index << 32 ^ round);
	crowd->slots[index].moved = crowd->clock;
	crowd->slots[index].killed = false;
	atomic_store(&w.slot->doing, "starting");
	pid = fork();
	if (pid == 0) {
		buffers(&w);
		if (index < crowd->n_workers)
			worker_main(&w);
		else if (index == crowd->n_workers)
			ask_main(&w);
		else
			drop_main(&w);
		_exit(0);
	}
	if (pid < 0)
		crowd_fail(crowd, "fork: %s", strerror(errno));
	atomic_store(&w.slot->pid, pid > 0 ? pid : 0);
}

/* Ended by us, by the kernel for want of memory, or badly. */
static void note_end(Crowd *crowd, int index, int status)
{
	atomic_store(&crowd->slots[index].pid, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		crowd->n_lost += !crowd->slots[index].killed;
		if (index < N_STEADY)
			crowd_fail(crowd, "a process was killed that rewrites a file in place: too "
					  "little memory for the test");
	} else if (WIFSIGNALED(status)) {
		crowd_fail(crowd, "process %d ended by signal %d in: %s", index, WTERMSIG(status),
			atomic_load(&crowd->slots[index].doing));
	} else if (status != 0) {
		crowd_fail(crowd, "process %d ended with %d", index, WEXITSTATUS(status));
	}
}

/* Returns whether there are children still. */
static bool reap(Crowd *crowd, uint64_t *round)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < crowd->n_slots && atomic_load(&crowd->slots[i].pid) != pid; i++)
			;
		if (i == crowd->n_slots)
			continue; /* the child of one that is gone */
		note_end(crowd, i, status);
		if (!atomic_load(&crowd->over))
			start(crowd, i, ++*round);
	}
	return pid == 0;
}

static void kill_one(Crowd *crowd, Worker *lots)
{
	int i = N_STEADY + (int)draw(lots, (unsigned)(crowd->n_workers - N_STEADY));
	pid_t pid = atomic_load(&crowd->slots[i].pid);

	if (crowd->n_workers <= N_STEADY || pid <= 0 || kill(pid, SIGKILL) < 0)
		return;
	crowd->n_killed++;
	crowd->slots[i].killed = true;
}

/* Returns whether all have come to their end. */
static bool run(Crowd *crowd)
{
	const int64_t end = now_ns() + crowd->seconds * INT64_C(1000000000);
	Worker lots = {.random = crowd->seed};
	uint64_t round = 0;
	int64_t over;

	for (int i = 0; i < crowd->n_slots; i++) {
		crowd->slots[i].stall =
			i > crowd->n_workers ? DROP_PATIENCE * crowd->stall : crowd->stall;
		start(crowd, i, 0);
	}
	while (now_ns() < end && atomic_load(&crowd->n_failures) == 0) {
		pause_ms(KILL_EVERY_MS);
		kill_one(crowd, &lots);
		(void)reap(crowd, &round);
		if (watch_barks(crowd))
			return false;
	}
	atomic_store(&crowd->over, true);
	over = watch_clock(crowd);
	for (int i = 0; i < crowd->n_slots; i++)
		crowd->slots[i].moved = over;
	while (reap(crowd, &round)) {
		pause_ms(20);
		if (watch_barks(crowd))
			return false;
		if (crowd->clock >
			over + (DROP_PATIENCE + 1) * crowd->stall * INT64_C(1000000000)) {
			crowd_fail(crowd, "children of those that have gone do not end");
			return false;
		}
	}
	return true;
}

/* The parent is outside the tree: what has to be done there is done by a child. */
static void in_child(Crowd *crowd, void (*todo)(Worker *w))
{
	Worker w = {.crowd = crowd, .slot = &crowd->slots[0], .random = crowd->seed};
	int status = 0;
	pid_t pid;

	atomic_store(&w.slot->doing, "preparing or verifying");
	pid = fork();
	if (pid == 0) {
		buffers(&w);
		todo(&w);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		crowd_fail(crowd, "cannot prepare or verify");
}

static void read_program(Crowd *crowd)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	crowd->program = malloc(BUFFER);
	n = fd < 0 || !crowd->program ? -1 : read(fd, crowd->program, BUFFER);
	if (n <= 0) {
		fprintf(stderr, "crowd: cannot read /bin/true\n");
		exit(2);
	}
	crowd->program_size = (size_t)n;
	close(fd);
}

static int number(const char *word)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (*word == '\0' || *end != '\0' || n < 1 || n > 1000000) {
		fprintf(stderr, "crowd: bad number: %s\n", word);
		exit(2);
	}
	return (int)n;
}

static bool parse(Crowd *crowd, int argc, char **argv)
{
	static const struct option options[] = {{"verify", no_argument, NULL, 'v'},
		{"seconds", required_argument, NULL, 's'},
		{"processes", required_argument, NULL, 'p'},
		{"stall", required_argument, NULL, 't'}, {"seed", required_argument, NULL, 'r'},
		{"cgroup", required_argument, NULL, 'c'}, {"daemon", required_argument, NULL, 'd'},
		{"drop-caches", no_argument, NULL, 'k'}, {}};
	bool verify = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'v':
			verify = true;
			break;
		case 's':
			crowd->seconds = number(optarg);
			break;
		case 'p':
			crowd->n_workers = number(optarg);
			break;
		case 't':
			crowd->stall = number(optarg);
			break;
		case 'r':
			crowd->seed = (uint64_t)number(optarg);
			break;
		case 'c':
			crowd->cgroup = optarg;
			break;
		case 'd':
			crowd->daemon = number(optarg);
			break;
		case 'k':
			crowd->drop_caches = true;
			break;
		default:
			exit(2);
		}
	}
	if (optind != argc - 1 || crowd->n_workers > N_WORKERS_MAX || crowd->n_workers < N_STEADY) {
		fprintf(stderr, "crowd: needs one directory, and %d to %d processes\n", N_STEADY,
			N_WORKERS_MAX);
		exit(2);
	}
	crowd->dir = argv[optind];
	return verify;
}

static void tell(const Crowd *crowd)
{
	const Slot *slow = &crowd->slots[0];
	uint64_t n_done = 0;

	for (int i = 0; i < crowd->n_slots; i++) {
		n_done += atomic_load(&crowd->slots[i].n_done);
		if (crowd->slots[i].longest > slow->longest)
			slow = &crowd->slots[i];
	}
	printf("%llu works (%s took longest: %.1f s), %llu whole contents read, %llu processes "
	       "killed, %llu more for want of memory, "
	       "ESTALE %llu times%s%s, EIO of a sync %llu times\n",
		(unsigned long long)n_done, slow->longest_work ? slow->longest_work : "none",
		(double)slow->longest / 1e9, (unsigned long long)atomic_load(&crowd->n_whole),
		(unsigned long long)crowd->n_killed, (unsigned long long)crowd->n_lost,
		(unsigned long long)atomic_load(&crowd->n_stale),
		atomic_load(&crowd->n_stale) ? ", last in " : "",
		atomic_load(&crowd->n_stale) ? atomic_load(&crowd->stale_call) : "",
		(unsigned long long)atomic_load(&crowd->n_noted));
}

int main(int argc, char **argv)
{
	Crowd *crowd = mmap(
		NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool ended;

	if (crowd == MAP_FAILED)
		return 2;
	*crowd = (Crowd){.n_workers = 64, .seconds = 30, .stall = 30, .seed = (uint64_t)getpid()};
	if (parse(crowd, argc, argv)) {
		in_child(crowd, whole_check_all);
		return atomic_load(&crowd->n_failures) > 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	crowd->n_slots = crowd->n_workers + 1 + crowd->drop_caches;
	read_program(crowd);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	in_child(crowd, whole_make_all);
	printf("begins: %d processes, %d s, seed %llu\n", crowd->n_workers, crowd->seconds,
		(unsigned long long)crowd->seed);
	ended = run(crowd);
	if (!ended)
		for (int i = 0; i < crowd->n_slots; i++)
			if (atomic_load(&crowd->slots[i].pid) > 0)
				kill(atomic_load(&crowd->slots[i].pid), SIGKILL);
	tell(crowd);
	return !ended || atomic_load(&crowd->n_failures) > 0;
}
