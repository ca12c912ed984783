/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Long random sequences of operations on a mount, against a small model of P1 to P12.
 *
 * Operations are drawn by lot (draw.h) and done by real processes, one at a time (actor.h). After
 * each of them what it told, and what the backing has under all names, seen past the mount, is
 * compared with the model (world.h and what is beside it): bytes, mtime to the nanosecond, who sees
 * what. What the model says must not change has kept its inode number and ctime, too.
 *
 * Some hundreds of operations on a dozen names in a fresh directory are an episode, with a seed of
 * its own. When one fails it is repeated in a fresh mount with fewer and fewer operations, and the
 * shortest sequence that still fails is printed as a script, which --replay takes.
 *
 * What the model cannot tell is not tried (look for "Gap:" in the headers):
 *   - two sessions of one file at once by different names; times set by one name, or names taken
 *     away, while another one is being written; a second name for a file that is being written, or
 *     for a symbolic link
 *   - times set in a session: old ones after "now", future ones, and any where bytes that were
 * there before may come back; the atime alone, where something was before
 *   - a file that is being rewritten, renamed over something or to where something was; one that is
 *     being written, renamed over one that is; exchanging names that are being written
 *   - a driver's own symbolic links where there was something before
 *   - O_RDONLY|O_TRUNC
 *   - what a handle opened before is told of a file that was written through (P14), touched, given
 *     the mode that it had, or whose session has ended
 *   - times of directories, attributes other than the mode, P4's descriptors that outlive their
 *     openers, P13's durability, P15, P17 to P20
 *
 * As in lklfs, a name remembers MAX_FORMERS versions, and what is renamed while it is being written
 * is not remembered: forgetting costs no more than a rebuild, but the model must know of it. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <getopt.h>
#include <sched.h>

#include "check.h"
#include "draw.h"

enum { MAX_OPS = 100000, SHRINK_SECONDS = 120 };

typedef struct Settings Settings;
typedef struct Sequence Sequence;

struct Settings {
	const char *dir, *lklfs, *options, *replay;
	uint64_t seed;
	int n_ops, length;
	bool always_none, no_keep, verbose, no_shrink;
	int below; /* the directory, seen past the mount */
	int n_episodes;
	long tallies[N_TALLIES];
};

struct Sequence {
	Op *ops;
	int n;
	int n_failed;    /* operations until the failure */
	bool closing;    /* it came when everything was closed after them */
	char said[2048]; /* the failure */
};

/* Runs a program to its end; the exit status, or -1. */
static int run_program(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool mount_begin(const Settings *s)
{
	char options[512];
	const char *argv[] = {s->lklfs, "-o", options, s->dir, NULL};

	snprintf(options, sizeof(options), "drivers=" DRIVER_NAME "%s%s%s%s",
		s->always_none ? ",always=none" : "", s->no_keep ? ",keep=0" : "",
		s->options ? "," : "", s->options ? s->options : "");
	return run_program(argv) == 0;
}

static bool clear_names(const char *dir, char *said, size_t size)
{
	char path[400];

	for (int i = N_PATHS - 1; i >= 0; i--) {
		snprintf(path, sizeof(path), "%s/%s", dir, paths[i].name);
		if (unlink(path) < 0 && errno == EISDIR)
			rmdir(path);
	}
	if (rmdir(dir) == 0)
		return true;
	snprintf(said, size, "the directory cannot be removed afterwards: %s", strerror(errno));
	return false;
}

/* Nothing may be left; after a failure whatever is there is taken away. */
static bool mount_end(const Settings *s, bool failed)
{
	const char *argv[] = {s->lklfs, "umount", s->dir, NULL};
	const char *force[] = {s->lklfs, "umount", "--force", s->dir, NULL};
	char dir[300], said[100];

	if (!failed)
		return run_program(argv) == 0;
	if (run_program(force) != 0)
		run_program((const char *const[]){"/bin/umount", "-l", s->dir, NULL});
	snprintf(dir, sizeof(dir), "%s/e%d", s->dir, s->n_episodes);
	clear_names(dir, said, sizeof(said));
	return true;
}

/* New files have the mtime of the kernel's tick: one that is to tell from what was there before
 * must be of a later tick. */
static void await_tick(const World *w, const Op *op)
{
	int64_t latest = 0, now = clock_now(CLOCK_REALTIME);
	int path = op->path;

	if (op_forms[op->kind].args[0] == 's' && op->kind != OP_OPEN) {
		const Session *s = op_held(w, op)->session;

		path = s && s->made ? s->path : ROOT;
	}
	if (path == ROOT || w->names[path].inode)
		return;
	for (int i = 0; i < w->names[path].n_formers; i++) {
		int64_t mtime = w->names[path].formers[i].mtime;

		latest = mtime < now && mtime > latest ? mtime : latest;
	}
	while (clock_now(CLOCK_REALTIME_COARSE) <= latest)
		sched_yield();
}

/* Does one operation, and compares. */
static bool step(Cast *cast, World *w, Check *c, const Op *op)
{
	Answer answer;
	int64_t now;
	Expect e;

	await_tick(w, op);
	now = clock_now(CLOCK_REALTIME_COARSE);
	if (!cast_do(cast, op, &answer))
		return differs(c, "no answer: it hangs, or the process has gone");
	e = world_do(w, op, now, clock_now(CLOCK_REALTIME));
	check_told(c, &e, &answer);
	if (!check_settle(c, w->n_sessions))
		return false;
	return check_backing(c, w) && c->said[0] == '\0';
}

/* The operations of a sequence, or new ones that are added to it. */
static bool episode_ops(
	const Settings *s, Sequence *q, Draw *d, int n, Cast *cast, World *w, Check *c)
{
	Op op;

	q->closing = false;
	for (int i = 0; i < n; i++) {
		q->n_failed = i + 1;
		if (d)
			q->ops[q->n++] = draw_op(d, w);
		if (!world_allows(w, &q->ops[i]))
			continue;
		if (s->verbose)
			op_print(stderr, &q->ops[i]);
		if (!step(cast, w, c, &q->ops[i]))
			return false;
	}
	q->closing = true;
	while (draw_end(w, &op))
		if (!step(cast, w, c, &op))
			return false;
	return true;
}

/* One episode in a mount that is there. d: draws n operations; NULL: repeats those of q. */
static bool episode(Settings *s, Sequence *q, Draw *d, int n)
{
	char dir[300], name[32];
	static World w;
	Check c = {.below = -1};
	Cast cast;
	bool ok = false;

	snprintf(name, sizeof(name), "e%d", ++s->n_episodes);
	snprintf(dir, sizeof(dir), "%s/%s", s->dir, name);
	snprintf(c.status, sizeof(c.status), "%s/.lklfs/status", s->dir);
	if (mkdir(dir, 0755) == 0)
		c.below = openat(s->below, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	world_init(&w, !s->always_none, !s->no_keep);
	if (c.below < 0)
		differs(&c, "cannot make %s: %s", dir, strerror(errno));
	else if (!cast_begin(&cast, dir))
		differs(&c, "cannot begin the processes: %s", strerror(errno));
	else
		ok = episode_ops(s, q, d, n, &cast, &w, &c);
	if (c.below >= 0) {
		cast_end(&cast);
		close(c.below);
	}
	if (ok)
		ok = clear_names(dir, c.said, sizeof(c.said));
	memcpy(q->said, c.said, sizeof(q->said));
	for (int i = 0; i < N_TALLIES; i++)
		s->tallies[i] += w.tallies[i];
	world_free(&w);
	return ok;
}

/* Repeats a sequence in a mount of its own. */
static bool replay(Settings *s, Sequence *q)
{
	bool ok;

	if (!mount_begin(s)) {
		snprintf(q->said, sizeof(q->said), "mounting failed");
		return false;
	}
	ok = episode(s, q, NULL, q->n);
	if (!mount_end(s, !ok)) {
		snprintf(q->said, sizeof(q->said), "umount failed");
		mount_end(s, true);
		return false;
	}
	return ok;
}

/* Whether two failures are of the same kind: they begin alike, but for names. */
static bool said_alike(const char *a, const char *b)
{
	const char *x = strstr(a, ": "), *y = strstr(b, ": ");

	a = x && memchr(a, ' ', (size_t)(x - a)) == NULL ? x + 2 : a;
	b = y && memchr(b, ' ', (size_t)(y - b)) == NULL ? y + 2 : b;
	return strncmp(a, b, 9) == 0;
}

/* Whether it still fails without some operations; if so they are gone for good. */
static bool shrink_without(Settings *s, Sequence *q, int from, int n)
{
	Sequence less = {.ops = malloc(sizeof(Op) * (size_t)q->n), .n = q->n - n};
	bool fails;

	if (!less.ops)
		abort();
	memcpy(less.ops, q->ops, sizeof(Op) * (size_t)from);
	memcpy(less.ops + from, q->ops + from + n, sizeof(Op) * (size_t)(q->n - from - n));
	fails = !replay(s, &less) && said_alike(less.said, q->said);
	if (fails) {
		q->n = less.n < less.n_failed ? less.n : less.n_failed;
		memcpy(q->ops, less.ops, sizeof(Op) * (size_t)q->n);
		memcpy(q->said, less.said, sizeof(q->said));
		q->closing = less.closing;
	}
	free(less.ops);
	return fails;
}

/* Takes away more and more, from halves to single operations, as long as it fails. */
static void shrink(Settings *s, Sequence *q)
{
	int64_t limit = clock_now(CLOCK_MONOTONIC) + SHRINK_SECONDS * 1000000000LL;
	bool again = true;

	if (q->n > q->n_failed)
		q->n = q->n_failed;
	while (again) {
		again = false;
		for (int size = (q->n + 1) / 2; size > 0; size = size == 1 ? 0 : (size + 1) / 2)
			for (int from = q->n - size; from >= 0; from -= size) {
				if (clock_now(CLOCK_MONOTONIC) > limit)
					return;
				/* The end may have gone, too. */
				if (from + size <= q->n && shrink_without(s, q, from, size))
					again = true;
			}
	}
}

static void print_failure(const Settings *s, const Sequence *q)
{
	printf("# model --replay=FILE%s%s repeats this\n", s->always_none ? " --always-none" : "",
		s->no_keep ? " --no-keep" : "");
	for (int i = 0; i < q->n; i++)
		op_print(stdout, &q->ops[i]);
	if (q->closing)
		printf("# then, while everything is being closed:\n");
	for (const char *line = q->said; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		printf("# %.*s\n", (int)strcspn(line, "\n"), line);
	}
}

/* An episode has failed: makes it short, if it fails again. */
static void explain(Settings *s, Sequence *q)
{
	Sequence first = *q;

	if (s->no_shrink) {
		print_failure(s, q);
		return;
	}
	if (replay(s, q)) {
		printf("# it does not fail again by itself\n");
		print_failure(s, &first);
		return;
	}
	shrink(s, q);
	print_failure(s, q);
}

static bool is_empty(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;
	bool empty = true;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			printf("# left in the backing: %s\n", e->d_name);
			empty = false;
		}
	if (d)
		closedir(d);
	return empty;
}

/* Episodes in one mount, until so many operations have been done. */
static bool run(Settings *s)
{
	static Op ops[MAX_OPS];
	Sequence q = {.ops = ops};
	uint64_t seed = s->seed;
	int done = 0;
	bool ok = true;

	if (!mount_begin(s)) {
		printf("# mounting failed\n");
		return false;
	}
	while (ok && done < s->n_ops) {
		Draw d;
		int n;

		draw_init(&d, seed);
		n = s->length ? s->length : 100 + draw_below(&d, 700);
		n = n < s->n_ops - done ? n : s->n_ops - done;
		q.n = 0;
		ok = episode(s, &q, &d, n);
		done += n;
		if (!ok)
			printf("# seed %llu, operation %d:\n# %s\n", (unsigned long long)seed,
				q.n_failed, q.said);
		seed++;
	}
	if (!mount_end(s, !ok)) {
		printf("# umount failed\n");
		mount_end(s, true);
		return false;
	}
	if (!ok)
		explain(s, &q);
	return ok && is_empty(s->below);
}

static bool replay_file(Settings *s)
{
	static Op ops[MAX_OPS];
	Sequence q = {.ops = ops};
	FILE *f = fopen(s->replay, "r");
	char line[200];
	bool ok;

	if (!f) {
		fprintf(stderr, "model: cannot read %s: %s\n", s->replay, strerror(errno));
		return false;
	}
	while (q.n < MAX_OPS && fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!op_parse(line, &ops[q.n])) {
			fprintf(stderr, "model: not an operation: %s\n", line);
			return false;
		}
		q.n++;
	}
	fclose(f);
	ok = replay(s, &q);
	if (!ok && !s->no_shrink)
		shrink(s, &q);
	if (!ok)
		print_failure(s, &q);
	return ok;
}

static void usage(FILE *f)
{
	fprintf(f, "Usage: model [OPTIONS] DIR\n"
		   "Mounts lklfs over DIR and does what it draws by lot, against a model.\n"
		   "  --lklfs=FILE      the program (./lklfs)\n"
		   "  --options=LIST    for mounting\n"
		   "  --always-none     mount with always=none (P16)\n"
		   "  --seed=N          of what is drawn by lot (printed)\n"
		   "  --operations=N    how many (5000)\n"
		   "  --length=N        operations in an episode (100 to 800)\n"
		   "  --replay=FILE     repeats a script instead\n"
		   "  --no-keep         mount with keep=0: nothing that has gone comes back\n"
		   "  --no-shrink       print a failing sequence as it is\n"
		   "  --verbose         print every operation\n");
}

/* Returns 0, or the exit status + 1 if there is nothing to run. */
static int settings_parse(Settings *s, int argc, char **argv)
{
	static const struct option options[] = {{"lklfs", 1, NULL, 'l'}, {"options", 1, NULL, 'o'},
		{"always-none", 0, NULL, 'a'}, {"seed", 1, NULL, 's'}, {"operations", 1, NULL, 'n'},
		{"length", 1, NULL, 'e'}, {"replay", 1, NULL, 'r'}, {"no-keep", 0, NULL, 'f'},
		{"no-shrink", 0, NULL, 'k'}, {"verbose", 0, NULL, 'v'}, {"help", 0, NULL, 'h'}, {}};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			s->lklfs = optarg;
			break;
		case 'o':
			s->options = optarg;
			break;
		case 'a':
			s->always_none = true;
			break;
		case 's':
			s->seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			s->n_ops = atoi(optarg);
			break;
		case 'e':
			s->length = atoi(optarg);
			break;
		case 'r':
			s->replay = optarg;
			break;
		case 'f':
			s->no_keep = true;
			break;
		case 'k':
			s->no_shrink = true;
			break;
		case 'v':
			s->verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 1;
		default:
			usage(stderr);
			return 3;
		}
	}
	if (optind != argc - 1 || s->n_ops < 1 || s->length < 0 || s->length > MAX_OPS) {
		usage(stderr);
		return 3;
	}
	s->dir = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	Settings s = {.n_ops = 5000, .lklfs = "./lklfs"};
	int r;
	bool ok;

	s.seed = (uint64_t)clock_now(CLOCK_REALTIME) / 1000;
	r = settings_parse(&s, argc, argv);
	if (r > 0)
		return r - 1;
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	s.below = open(s.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.below < 0) {
		fprintf(stderr, "model: cannot open %s: %s\n", s.dir, strerror(errno));
		return 1;
	}
	ok = s.replay ? replay_file(&s) : run(&s);
	printf("%s model: seed %llu, %d operations in %d episodes:", ok ? "ok  " : "FAIL",
		(unsigned long long)s.seed, s.n_ops, s.n_episodes);
	for (int i = 0; i < N_TALLIES; i++)
		printf("%s %ld %s", i ? "," : "", s.tallies[i], tally_names[i]);
	printf("\n");
	return ok ? 0 : 1;
}
