/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What journals (docs/JOURNAL.md) tell, in order: each file's history, what came of what, and what
 * did not. The bodies of the structs stand here since that is what they are for: whoever prints
 * reads them (report-text.h, report-json.h, report-html.h). Not thread safe. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal.h"

typedef struct Report Report;
typedef struct Build Build;
typedef struct Output Output;
typedef struct Entry Entry;
typedef struct Step Step;

/* All that is no number is owned by the report. What is marked "end" is set by report_end()
 * (report-causes.h). */
struct Report {
	char *base;         /* paths below it are shown without it; or NULL */
	GPtrArray *entries; /* in order */
	GPtrArray *outputs; /* what was written or only read, in the order of their first lines */
	GPtrArray *builds;  /* end */
	unsigned n_mounts;
	uint64_t n_missed;          /* lines */
	unsigned n_audit;           /* entries of an audit */
	uint64_t bytes_same;        /* end; not written, since they were there */
	unsigned n_same, n_not_run; /* end; of all builds */
	/* while lines are read: */
	unsigned n_runs;      /* of lklfs, with one mount or several */
	uint64_t pid;         /* of the last */
	GHashTable *by_path;  /* char * -> Output */
	GHashTable *steps;    /* number -> Step, of the last run */
	GPtrArray *all_steps; /* owned */
	unsigned mark;
};

/* What one run of lklfs wrote, without a pause of REPORT_PAUSE_US in which nothing was. */
struct Build {
	unsigned first, n_entries;       /* in report->entries */
	int64_t begin, end;              /* us since 1970 */
	unsigned n_verdicts[N_VERDICTS]; /* without those that were passing */
	const Entry *first_change;       /* end; report_is_change(); NULL: there is none */
	unsigned n_not_run;              /* steps, since what they had read was the same */
};

#define REPORT_PAUSE_US (5 * 60 * G_USEC_PER_SEC)

struct Step {
	uint64_t number; /* of its first process; 0: unknown */
	unsigned mark, build_mark;
	GPtrArray *read;    /* Outputs, in order */
	GPtrArray *entries; /* that it wrote */
};

/* A file, by its path. */
struct Output {
	char *path;
	unsigned number; /* in report->outputs */
	unsigned mark;
	GPtrArray *entries; /* in order; empty: it was only read */
	GArray *readers;    /* Reading */
	/* end; without entries that were passing: */
	unsigned n_written, n_same, n_changed;
	unsigned n_uncaused; /* changed, though nothing had that was read */
	unsigned n_read_by;  /* other outputs, by their steps */
	unsigned n_not_run;  /* steps, in all builds, since it was the same */
	uint64_t bytes_same;
};

/* A step has read it: what it wrote by then knows nothing of it. */
typedef struct Reading Reading;

struct Reading {
	Step *step;
	unsigned place; /* in step->read */
};

/* A line. */
struct Entry {
	unsigned number; /* in report->entries */
	unsigned run;    /* of lklfs */
	unsigned build;  /* end; in report->builds */
	Verdict verdict; /* of its step in the end */
	Verdict line;    /* of the line itself */
	bool audit;      /* so it would have been, but for the audit */
	bool passing;    /* the same step has written it again, or renamed it */
	Output *output;
	int64_t time;     /* us since 1970 */
	int64_t duration; /* us */
	uint64_t size, old_size, first, n_differing;
	bool has_old, has_first, has_n;
	char *old_bytes, *bytes; /* hexadecimal; or NULL */
	char *because, *error;   /* or NULL */
	char *command;           /* for people; never NULL */
	Step *step;
	unsigned n_read; /* of step->read, by then */
	bool read_more;
	const Entry *before; /* of the same file, by another step; NULL: the first */
	const Entry *next;   /* the same file's next; NULL: the last */
	unsigned n_after;    /* end; entries of files written before, that have it as a cause */
	unsigned n_not_run;  /* end; steps, since it is the same */
};

/* base: see above; or NULL. */
Report *report_new(const char *base);
Report *report_free(Report *report);

/* Takes a line of a journal, in the order in which they come. False: it is none of this format. */
bool report_add(Report *report, const char *line);

/* The same for a text of such lines, empty ones aside: returns how many are none of this format, of
 * *ret_n. */
unsigned report_add_text(Report *report, const char *text, unsigned *ret_n);

/* The file of this absolute path, or NULL. */
const Output *report_output(const Report *report, const char *path);

/* Its last entry, and the last one that set others off; NULL: there is none. */
const Entry *report_last(const Output *output);
const Entry *report_last_that_set_off(const Output *output);

/* The bytes that were there before. */
bool report_is_same(const Entry *entry);

/* What is made of it is made again. */
bool report_sets_off(const Entry *entry);
