/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Processes that rewrite, read, rename and remove the same few names (P1, P3 to P6, P19).
 *
 * What can be demanded of a file system under such a crowd is more than that nothing crashes, if
 * the files say what they are (content.h) and the processes say what they do (crew.h):
 *
 *   - A reader finds one whole version, or, under a name that may be new, the beginning of one.
 *   - The version is none that was replaced before the reader's open, and none whose writer has not
 *     begun to end its session: writers announce and publish generations in shared memory.
 *   - The same generation has one inode number and one mtime, a later one a later mtime.
 *   - When a close has returned, a stat by the writer and one by its partner, asked through a
 * socket, tell the verdict: the same bytes left no trace, others are there whole with a new mtime.
 *   - Nobody is ever told ESTALE, or anything else that the others' doings do not explain.
 *
 * Several writers that have one name open share one stage, so two that write different contents may
 * mix them, as on any file system. So where contents are judged the writers of a name exclude each
 * other; readers, renamers and removers do not exclude anybody. Appenders need not, either.
 *
 * One translation unit, cut into headers by concept: it is one small program that links nothing
 * else.
 *
 * --plain runs the same on any file system and leaves out what only lklfs promises: it tests the
 * test.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <getopt.h>
#include <sys/utsname.h>

#include "mode-names.h"
#include "mode-rewrite.h"
#include "mode-shared.h"

static const Mode modes[] = {
	{"inplace", "rewritten in place under a lock, read at any time", 4, true, setup_files,
		run_inplace, conclude_whole},
	{"handover", "one closes, tells the other, in turn", MAX_PROCS / 2, true, setup_files,
		run_handover, conclude_whole},
	{"carry", "renamed, replaced or removed while it is written", MAX_PROCS / 2, true,
		setup_files, run_carry, conclude_whole},
	{"replace", "new files renamed over old ones", 4, false, setup_replace, run_replace,
		conclude_whole},
	{"create", "made anew and removed", 4, false, NULL, run_create, conclude_whole},
	{"append", "appended to by everyone at once", 1, false, NULL, run_append, NULL},
	{"opens", "opened, truncated and touched by many threads", 3, false, setup_files, run_opens,
		conclude_readable},
	{"swaps", "the same while others are renamed over them", 3, false, setup_files, run_opens,
		conclude_readable},
	{"outlived", "descriptors outlive their openers while names expire", 4, false, setup_files,
		run_outlived, NULL},
	{"flock", "locked by readers and writers", 4, false, setup_files, run_flock,
		conclude_whole},
	{"excl", "lock files made with O_EXCL", 2, false, NULL, run_excl, conclude_whole},
	{"ways", "opened by a way that is renamed", 1, false, setup_ways, run_ways, conclude_ways},
	{"mixed", "everyone does everything", 4, false, setup_files, run_mixed, conclude_whole},
};

enum { N_MODES = sizeof(modes) / sizeof(modes[0]) };

typedef struct Settings Settings;
struct Settings {
	uint64_t seed, n_rounds;
	int n_procs, timeout;
	bool plain, keep_going, no_flags;
	bool wanted[N_MODES];
	const char *dir, *backing;
};

static void usage(FILE *f)
{
	fprintf(f, "Usage: race [OPTIONS] DIR\n"
		   "Lets processes rewrite, read, rename and remove the same few names below DIR.\n"
		   "  --mode=NAME    only this case; may be given several times\n"
		   "  --rounds=N     sessions in each case, of all writers together (10000)\n"
		   "  --procs=N      processes, an even number (8)\n"
		   "  --seed=N       of what is drawn by lot (printed)\n"
		   "  --timeout=S    seconds without progress that count as a hang (60)\n"
		   "  --plain        any file system: leave out what only lklfs promises\n"
		   "  --no-flags     renames have none: for a backing that knows none\n"
		   "  --keep-going   do not end a case at the first failure\n"
		   "  --list         print the names of the cases\n");
	for (int i = 0; i < N_MODES; i++)
		fprintf(f, "  %-14s %s\n", modes[i].name, modes[i].what);
}

/* Returns 0, or the exit status + 1 if there is nothing to run. */
static int settings_parse(Settings *s, int argc, char **argv)
{
	static const struct option options[] = {{"mode", 1, NULL, 'm'}, {"rounds", 1, NULL, 'r'},
		{"procs", 1, NULL, 'p'}, {"seed", 1, NULL, 's'}, {"timeout", 1, NULL, 't'},
		{"backing", 1, NULL, 'b'}, {"plain", 0, NULL, 'P'}, {"keep-going", 0, NULL, 'k'},
		{"no-flags", 0, NULL, 'f'}, {"list", 0, NULL, 'l'}, {"help", 0, NULL, 'h'}, {0}};
	bool any = false;
	int c, i;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			for (i = 0; i < N_MODES && strcmp(modes[i].name, optarg) != 0;)
				i++;
			if (i == N_MODES) {
				fprintf(stderr, "race: no case is named %s\n", optarg);
				return 3;
			}
			s->wanted[i] = any = true;
			break;
		case 'r':
			s->n_rounds = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			s->n_procs = atoi(optarg);
			break;
		case 's':
			s->seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			s->timeout = atoi(optarg);
			break;
		case 'b':
			s->backing = optarg;
			break;
		case 'P':
			s->plain = true;
			break;
		case 'f':
			s->no_flags = true;
			break;
		case 'k':
			s->keep_going = true;
			break;
		case 'l':
			for (i = 0; i < N_MODES; i++)
				printf("%s\n", modes[i].name);
			return 1;
		case 'h':
			usage(stdout);
			return 1;
		default:
			usage(stderr);
			return 3;
		}
	}
	if (optind != argc - 1 || strlen(argv[optind]) > DIR_SIZE - 32 ||
		(s->backing && strlen(s->backing) > DIR_SIZE - 32) || s->n_procs < 2 ||
		s->n_procs > MAX_PROCS || s->n_procs % 2) {
		usage(stderr);
		return 3;
	}
	for (i = 0; i < N_MODES && !any; i++)
		s->wanted[i] = true;
	s->dir = argv[optind];
	return 0;
}

/* Whether a file system stamps two changes in a row differently if somebody looks in between:
 * multigrain timestamps, Linux 6.13. Before, later means not earlier. */
static bool times_are_fine(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	if (sscanf(u.release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 13);
}

static void say_stuck(int sig)
{
	static const char text[] = "race: hang: a directory can be neither made nor removed\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	_exit(1);
}

/* Makes or removes the case's directory in a process of its own: the parent touches nothing. */
static int in_child(const Settings *s, const char *dir, int (*function)(const char *dir))
{
	pid_t pid = fork_bound();
	int r;

	if (pid == 0)
		_exit(function(dir) < 0);
	if (pid < 0)
		return -errno;
	signal(SIGALRM, say_stuck);
	alarm((unsigned)s->timeout);
	r = wait_for(pid, 0);
	alarm(0);
	return r;
}

static int make_dir(const char *dir)
{
	if (mkdir(dir, 0755) == 0)
		return 0;
	fprintf(stderr, "race: cannot make %s: %s\n", dir, strerror(errno));
	return -1;
}

static int remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	if (rmdir(dir) == 0)
		return 0;
	fprintf(stderr, "race: cannot remove %s: %s\n", dir, strerror(errno));
	return -1;
}

/* Runs one case. Returns 0 if it passed, in which case nothing is left of it. */
static int run_mode(const Settings *s, const Mode *mode)
{
	char dir[DIR_SIZE], below[DIR_SIZE];
	Crew *crew = crew_new();
	int r;

	if (!crew)
		return -1;
	snprintf(dir, sizeof(dir), "%s/race-%s.%d", s->dir, mode->name, (int)getpid());
	if (s->backing)
		snprintf(below, sizeof(below), "%s%s", s->backing, dir + strlen(s->dir));
	crew->mode = mode;
	crew->seed = s->seed;
	crew->n_rounds = s->n_rounds;
	crew->n_procs = s->n_procs;
	crew->n_names = mode->n_names == MAX_PROCS / 2 ? s->n_procs / 2 : mode->n_names;
	crew->timeout = s->timeout;
	crew->plain = s->plain;
	crew->keep_going = s->keep_going;
	crew->no_flags = s->no_flags;
	crew->strict_mtime = times_are_fine();
	crew->dir = dir;
	crew->below = s->backing && !s->plain ? below : NULL;
	r = crew_set_barrier(crew) == 0 && in_child(s, dir, make_dir) == 0 ? crew_run(crew) : -1;
	if (r == 0)
		r = in_child(s, dir, remove_dir);
	if (atomic_load(&crew->n_failures) > 1)
		fprintf(stderr, "race: %s: %d failures\n", mode->name,
			atomic_load(&crew->n_failures));
	crew_free(crew);
	return r;
}

int main(int argc, char **argv)
{
	Settings s = {.n_rounds = 10000, .n_procs = 8, .timeout = 60};
	int r, n_passed = 0, n_failed = 0;
	sigset_t set;

	s.seed = (uint64_t)clock_ns(CLOCK_REALTIME) ^ (uint64_t)getpid() << 32;
	r = settings_parse(&s, argc, argv);
	if (r > 0)
		return r - 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < N_MODES; i++) {
		if (!s.wanted[i])
			continue;
		r = run_mode(&s, &modes[i]);
		n_passed += r == 0;
		n_failed += r != 0;
		printf("%s race %s: %s (%d processes, %llu rounds, seed %llu)\n",
			r == 0 ? "ok  " : "FAIL", modes[i].name, modes[i].what, s.n_procs,
			(unsigned long long)s.n_rounds, (unsigned long long)s.seed);
	}
	return n_failed > 0 || n_passed == 0;
}
