/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The processes of one case: what they share, how they fail, and who watches them.
 *
 * One parent forks them all and never touches the tree under test: it belongs to the family of
 * every one of them, they are outsiders to each other. What they agree upon goes through shared
 * memory and socket pairs, so that nothing depends on the file system under test, or on time.
 *
 * A case is over when its rounds have been given out. A round is one thing a writer does, with all
 * that is checked afterwards; readers do not count. The parent waits for the processes and looks at
 * a progress counter of each meanwhile: if none moves for a while it says what each was doing, and
 * ends them. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "content.h"

typedef struct Crew Crew;
typedef struct Mode Mode;
typedef struct Name Name;
typedef struct Proc Proc;
typedef struct Seen Seen;

enum {
	MAX_PROCS = 64,
	MAX_NAMES = 64,
	DIR_SIZE = 400,
	PATH_SIZE = DIR_SIZE + 32,
	MAX_MESSAGES = 10, /* of one case; the rest is counted */
};

/* What stat says of one version. */
struct Seen {
	uint64_t ino, size;
	int64_t mtime, ctime; /* ns */
};

/* One of the names that are fought over. */
struct Name {
	pthread_mutex_t lock; /* writers of the name exclude each other where the mode says so */
	Content content;      /* lock: what the file holds */
	Seen seen;            /* lock: what stat said when the last writer was done */

	/* For readers without the lock. A writer announces its generation before it ends a session
	 * and publishes it afterwards, so whoever opens the name finds a generation from published
	 * (as it was before the open) to announced (as it was after). No version has an mtime
	 * earlier than the moment when its session was about to end. */
	_Atomic uint64_t announced, published;
	_Atomic int64_t published_mtime, earliest;
	_Atomic uint64_t n_removals, n_removed; /* attempts to remove it: begun, made */
	_Atomic uint64_t begun_by[MAX_PROCS];   /* generation each writer was about to put here */
	_Atomic uint64_t done_by[MAX_PROCS];    /* and has put here */
	_Atomic int n_shared, n_exclusive;      /* who holds its flock */
};

/* Shared by all processes of a case. */
struct Crew {
	/* constant */
	const Mode *mode;
	uint64_t seed, n_rounds;
	int n_procs, n_names, timeout;
	bool plain, keep_going, no_flags, strict_mtime;
	const char *dir;   /* the case's own directory below the tree under test */
	const char *below; /* the same directory as the backing has it; NULL: cannot be seen */

	Name names[MAX_NAMES];
	_Atomic uint64_t n_given;              /* rounds given out */
	_Atomic int n_failures;                /* messages and more */
	_Atomic uint64_t closed_by[MAX_PROCS]; /* last generation that each writer has closed */
	_Atomic uint64_t progress[MAX_PROCS];
	const char *_Atomic doing[MAX_PROCS]; /* literals: the parent forked with the same ones */
	_Atomic int doing_name[MAX_PROCS];
	pid_t pids[MAX_PROCS];
	int sockets[MAX_PROCS];    /* to the partner: 0 with 1, 2 with 3, ... */
	pthread_barrier_t barrier; /* of all processes */
	_Atomic bool leave;        /* decided by process 0 between two barriers */
};

/* One process (or thread) of a case; not shared. */
struct Proc {
	Crew *crew;
	int index;
	uint64_t random;
	uint64_t round; /* the one it works on */
	uint64_t gen;   /* the last it has made up itself */
	char out[CONTENT_MAX], in[CONTENT_MAX], scratch[CONTENT_MAX];
};

struct Mode {
	const char *name;
	const char *what;
	int n_names;
	bool pairs;                /* needs an even number of processes */
	void (*setup)(Proc *p);    /* a process of its own, before; may be NULL */
	void (*run)(Proc *p);      /* each process */
	void (*conclude)(Proc *p); /* a process of its own, after; may be NULL */
};

/* For the watchdog: what comes next, on which name (-1: none). */
static inline void doing(Proc *p, const char *what, int name)
{
	atomic_store_explicit(&p->crew->doing[p->index], what, memory_order_relaxed);
	atomic_store_explicit(&p->crew->doing_name[p->index], name, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->crew->progress[p->index], 1, memory_order_relaxed);
}

/* Says and counts a failure; false, so that it can be returned. */
__attribute__((format(printf, 2, 3))) static bool fail(Proc *p, const char *format, ...)
{
	int e = errno, n;
	char text[1024], line[1280];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (atomic_fetch_add(&p->crew->n_failures, 1) >= MAX_MESSAGES)
		return false;
	n = snprintf(line, sizeof(line), "race: %s: process %d, round %llu: %s\n",
		p->crew->mode->name, p->index, (unsigned long long)p->round, text);
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		abort();
	errno = e;
	return false;
}

/* True if the case is lost and everyone should leave. */
static inline bool lost(const Proc *p)
{
	return !p->crew->keep_going && atomic_load(&p->crew->n_failures) > 0;
}

/* Takes the next round, if there is one. */
static inline bool next_round(Proc *p)
{
	p->round = atomic_fetch_add(&p->crew->n_given, 1);
	return p->round < p->crew->n_rounds && !lost(p);
}

/* True until all rounds have been given out: for those who take none. */
static inline bool going_on(Proc *p)
{
	p->round = atomic_load(&p->crew->n_given);
	return p->round < p->crew->n_rounds && !lost(p);
}

static inline uint64_t draw(Proc *p)
{
	p->random += 0x9e3779b97f4a7c15ULL;
	return content_mix(p->random);
}

/* A number below n. */
static inline unsigned pick(Proc *p, unsigned n)
{
	return (unsigned)(draw(p) % n);
}

/* Holds a name's lock to the end of the enclosing block. */
static inline void name_unlock(Name **name)
{
	if (*name)
		pthread_mutex_unlock(&(*name)->lock);
}
static inline Name *name_lock(Proc *p, int n)
{
	doing(p, "waiting for the writers' lock", n);
	pthread_mutex_lock(&p->crew->names[n].lock);
	return &p->crew->names[n];
}
#define LOCKED_NAME __attribute__((cleanup(name_unlock))) Name *

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline Seen seen_from(const struct stat *st)
{
	return (Seen){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec,
		.ctime = st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec,
	};
}

static inline bool seen_equal(const Seen *a, const Seen *b)
{
	return a->ino == b->ino && a->size == b->size && a->mtime == b->mtime &&
	       a->ctime == b->ctime;
}

/* The fields that differ, for messages; a static buffer. */
static const char *seen_diff(const Seen *was, const Seen *is)
{
	static _Thread_local char text[256];
	size_t n = 0;

	text[0] = '\0';
#define SEEN_FIELD(f)                                                                              \
	if (was->f != is->f)                                                                       \
	n += (size_t)snprintf(text + n, sizeof(text) - n, "%s" #f " %lld, was %lld",               \
		n ? "; " : "", (long long)is->f, (long long)was->f)
	SEEN_FIELD(ino);
	SEEN_FIELD(size);
	SEEN_FIELD(mtime);
	SEEN_FIELD(ctime);
#undef SEEN_FIELD
	return text;
}

/* Sends or receives one message on the socket to the partner; false when the partner is gone. */
static inline bool message_send(Proc *p, const void *data, size_t n)
{
	return send(p->crew->sockets[p->index], data, n, MSG_NOSIGNAL) == (ssize_t)n;
}
static inline bool message_receive(Proc *p, void *data, size_t n, bool wait)
{
	ssize_t r;

	do
		r = recv(p->crew->sockets[p->index], data, n, wait ? 0 : MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r == (ssize_t)n;
}

/* Forks a process that ends with this one. Returns as fork(2). */
static inline pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static void proc_begin(Proc *p, Crew *crew, int index)
{
	p->crew = crew;
	p->index = index;
	p->random = content_mix(crew->seed ^ content_mix((uint64_t)index + 1));
	for (const char *s = crew->mode->name; *s; s++)
		p->random = content_mix(p->random ^ (uint64_t)*s);
}

/* A child of the parent that runs one function as process number index. */
static pid_t proc_fork(Crew *crew, int index, void (*function)(Proc *p))
{
	static Proc proc;
	pid_t pid;

	pid = fork_bound();
	if (pid != 0)
		return pid;
	proc_begin(&proc, crew, index);
	function(&proc);
	doing(&proc, "done", -1);
	_exit(0);
}

static uint64_t crew_progress(const Crew *crew)
{
	uint64_t sum = 0;

	for (int i = 0; i < crew->n_procs; i++)
		sum += atomic_load(&crew->progress[i]);
	return sum;
}

static void crew_say_hang(Crew *crew)
{
	char path[64], where[64];
	FILE *f;

	fprintf(stderr, "race: %s: hang: nobody has got on for %d s (round %llu of %llu)\n",
		crew->mode->name, crew->timeout, (unsigned long long)atomic_load(&crew->n_given),
		(unsigned long long)crew->n_rounds);
	for (int i = 0; i < crew->n_procs; i++) {
		if (crew->pids[i] <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/wchan", (int)crew->pids[i]);
		where[0] = '\0';
		f = fopen(path, "r");
		if (f) {
			if (!fgets(where, sizeof(where), f))
				where[0] = '\0';
			fclose(f);
		}
		fprintf(stderr, "race: %s:   process %d (pid %d): %s, name %d; in the kernel: %s\n",
			crew->mode->name, i, (int)crew->pids[i], atomic_load(&crew->doing[i]),
			atomic_load(&crew->doing_name[i]), where);
	}
}

/* Ends whoever is left. A process stuck in a file system request may not be able to die: it is left
 * to whoever ends that file system. */
static void crew_kill(Crew *crew, int n)
{
	const struct timespec patience = {.tv_sec = 5};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (int i = 0; i < n; i++)
		if (crew->pids[i] > 0)
			kill(crew->pids[i], SIGKILL);
	for (int i = 0; i < n; i++) {
		while (crew->pids[i] > 0 && waitpid(crew->pids[i], NULL, WNOHANG) == 0)
			if (sigtimedwait(&set, NULL, &patience) < 0 && errno == EAGAIN)
				break;
		crew->pids[i] = 0;
	}
}

/* Waits for the first n processes. Returns 0, or -1 if one failed or nobody got on. SIGCHLD is
 * blocked. */
static int crew_wait(Crew *crew, int n)
{
	const struct timespec second = {.tv_sec = 1};
	uint64_t last = crew_progress(crew), now;
	int n_left = n, idle = 0, status;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (n_left > 0) {
		if (sigtimedwait(&set, NULL, &second) < 0 && errno == EAGAIN) {
			now = crew_progress(crew);
			idle = now == last ? idle + 1 : 0;
			last = now;
			if (idle >= crew->timeout) {
				crew_say_hang(crew);
				crew_kill(crew, n);
				return -1;
			}
		}
		for (int i = 0; i < n; i++) {
			if (crew->pids[i] <= 0 || waitpid(crew->pids[i], &status, WNOHANG) <= 0)
				continue;
			crew->pids[i] = 0;
			n_left--;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				continue;
			fprintf(stderr, "race: %s: process %d ended with %s %d while %s, name %d\n",
				crew->mode->name, i, WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
				atomic_load(&crew->doing[i]), atomic_load(&crew->doing_name[i]));
			crew_kill(crew, n);
			return -1;
		}
	}
	return 0;
}

static int crew_run_one(Crew *crew, void (*function)(Proc *p))
{
	if (!function)
		return 0;
	crew->pids[0] = proc_fork(crew, 0, function);
	return crew->pids[0] < 0 ? -1 : crew_wait(crew, 1);
}

/* Runs one case to its end. Returns 0 if it passed. */
static int crew_run(Crew *crew)
{
	int r, pair[2];

	for (int i = 0; i < crew->n_procs; i += 2) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return -1;
		crew->sockets[i] = pair[0];
		crew->sockets[i + 1] = pair[1];
	}
	r = crew_run_one(crew, crew->mode->setup);
	if (r == 0) {
		for (int i = 0; i < crew->n_procs; i++) {
			crew->pids[i] = proc_fork(crew, i, crew->mode->run);
			if (crew->pids[i] < 0) {
				crew_kill(crew, i);
				return -1;
			}
		}
		r = crew_wait(crew, crew->n_procs);
	}
	if (r == 0 && atomic_load(&crew->n_failures) == 0)
		r = crew_run_one(crew, crew->mode->conclude);
	for (int i = 0; i < crew->n_procs; i++)
		close(crew->sockets[i]);
	return r < 0 || atomic_load(&crew->n_failures) > 0 ? -1 : 0;
}

/* Shared memory for one case; ends with the process. NULL if there is none. */
static Crew *crew_new(void)
{
	pthread_mutexattr_t mutex;
	Crew *crew;

	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew == MAP_FAILED)
		return NULL;
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < MAX_NAMES; i++)
		pthread_mutex_init(&crew->names[i].lock, &mutex);
	return crew;
}

static void crew_free(Crew *crew)
{
	if (crew)
		munmap(crew, sizeof(*crew));
}

static int crew_set_barrier(Crew *crew)
{
	pthread_barrierattr_t barrier;

	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	return pthread_barrier_init(&crew->barrier, &barrier, (unsigned)crew->n_procs);
}
