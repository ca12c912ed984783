/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line says, as a struct. Parsed once, constant afterwards, shared by all mounts
 * of a process. Lists are NULL-terminated and owned by the struct. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Options Options;

struct Options {
	/* of mount and run */
	bool foreground;   /* -f */
	bool debug;        /* -d, implies foreground: libfuse prints every request */
	bool mkdir;        /* --mkdir: create missing directories */
	bool or_plain;     /* run --or-plain: COMMAND runs even if mounting is impossible */
	bool progress;     /* run --progress: a live line on the terminal */
	bool report;       /* run --report: what `report` says, at the end */
	char *log;         /* --log: the file that messages go to once all is live, or NULL */
	char **dirs;       /* DIR..., as given */
	unsigned n_mounts; /* how many these are: the mounts of this process */
	char **command;    /* run: COMMAND and its arguments; else NULL */

	/* -o */
	double entry_timeout;    /* seconds the kernel may cache a settled name; default 3600 */
	double attr_timeout;     /* seconds it may cache settled attributes; default 3600 */
	double negative_timeout; /* seconds it may cache an absent name; default 3600 */
	bool durable;            /* sync before each exposure (P18) */
	bool converge;           /* what is older than its inputs gets a new mtime (P15) */
	bool audit;              /* nothing is held back: it is only told what would be */
	bool posix_locks;        /* fcntl locks are shared by the versions of a file */
	char **always;           /* GLOBs on names whose rewriting always counts (P16) */
	bool always_builtin;     /* ... and empty files, thin archives, what a driver writes; off by
				    always=none */
	unsigned keep;           /* former versions that are remembered (P7, P9); default 65536 */
	uint64_t keep_bytes;     /* bytes they may take on the disk; default 1 GiB */
	char **drivers;          /* command names that count as build drivers */
	char *journal;           /* the file that the journal goes to, or NULL (docs/JOURNAL.md) */
	bool others;             /* allow_other, or allow_root: also in fuse_options */
	bool read_only;          /* ro, which the kernel gets as well */
	char *fuse_options; /* what goes to libfuse and the kernel: allow_other,fsname=... or NULL
			     */
};

/* Fills in the defaults above, with the built-in lists. */
void options_init(Options *options);

/* Frees what the struct owns; the struct itself stays the caller's. */
void options_clear(Options *options);

/* Reads the command line of `mount`, or of `run`, over what options_init() has filled in.
 * *ret_done:
 * --help or --version was answered on standard output, and nothing else is wanted. -EINVAL: it
 * makes no sense, which has been said in one sentence. */
int options_parse(Options *options, bool run, int argc, char **argv, bool *ret_done);

/* The next word of a value of -o, "a,b=c", to free, as it was written; *text goes on behind it.
 * "\," is a comma that does not separate, and after "\\" one does. A backslash at the very end is
 * doubled, so that it means itself wherever the word is put. NULL: no more. */
char *options_next_word(const char **text);

/* For every subcommand: reads argv by entries, --help and --version included, as above. name is
 * what
 * --help calls the program, usage what follows the options there, details what stands at its end.
 */
int options_parse_entries(const GOptionEntry *entries, const char *name, const char *usage,
	const char *details, int argc, char **argv, bool *ret_done);

/* A number of seconds, not negative. -EINVAL: said, with what as its name. */
int options_parse_seconds(const char *what, const char *text, double *ret_seconds);
