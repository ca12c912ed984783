/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What happened in one mount: counted, and told in lines of JSON, of which the latest are kept, and
 * all go to a file if one is wanted. docs/JOURNAL.md says what is in them.
 *
 * Thread safe: locks of its own, which are leaves; nobody waits under them for a file. */

#include <glib.h>
#include <stdint.h>

#include "outbox.h"

#define JOURNAL_FORMAT 1 /* "v" in each line; grows when what is there changes its meaning */
#define JOURNAL_LINES_MAX ((size_t)1 << 20) /* bytes of lines that are kept */

typedef struct Journal Journal;

typedef enum {
	VERDICT_KEPT,     /* same bytes: no trace was left */
	VERDICT_RESTORED, /* the bytes of a former version: its mtime is back (P7, P9) */
	VERDICT_CHANGED,  /* different bytes: exposed */
	VERDICT_NEW,      /* a name that was not there before: exposed */
	VERDICT_TOUCHED,  /* same bytes, new mtime: an always-changed name, or somebody had looked
			     (P10, P16) */
	VERDICT_REMOVED,  /* removed while it was written: nothing was exposed */
	VERDICT_FAILED,   /* could not be exposed; the stage stays what everyone reads (P17) */
	N_VERDICTS
} Verdict;

typedef struct Totals Totals;

struct Totals {
	uint64_t n_verdicts[N_VERDICTS]; /* sessions that ended so */
	uint64_t bytes_not_written;      /* sum of the sizes of kept and restored files, in bytes */
	uint64_t n_outdated;             /* files older than what their steps have read (P15) */
};

/* outbox: takes the lines for the file, as GStrings, and outlives the journal; NULL: there is no
 * file. */
Journal *journal_new(Outbox *outbox);
Journal *journal_free(Journal *journal);

/* Counts one verdict; size is the size of the file in bytes. */
void journal_add(Journal *journal, Verdict verdict, uint64_t size);

/* A line is going to be written, which journal_lines() waits for. */
void journal_expect(Journal *journal);

/* The line that was expected, with its newline; taken. NULL: there is none after all. */
void journal_line(Journal *journal, GString *line);

/* A line that says that n are missing; and how to free a line. */
GString *journal_line_of_missed(uint64_t n);
void journal_line_free(gpointer line);

/* The lines that are kept, the oldest first, as a GRefString: the same one for all as long as there
 * is no other line. If some have gone, it begins with one that counts them. Waits for those that
 * are expected, whose writers wait for files at most. */
char *journal_lines(Journal *journal);

/* A copy of the newest line, to free; NULL: there is none yet. Waits for nobody. */
char *journal_newest(Journal *journal);

/* Adds this journal's totals to *totals. */
void journal_sum(Journal *journal, Totals *totals);

/* The word for a verdict: "kept", "changed", ... A constant string. */
const char *journal_verdict_name(Verdict verdict);

/* Appends value as a JSON string, quotes included. A byte 0xNN that is no valid UTF-8 becomes
 * \udcNN, which stands for nothing else, so that names can be had back. */
void journal_json_string(GString *out, const char *value);

/* Appends the strings as a JSON array. */
void journal_json_strings(GString *out, const GPtrArray *values);

/* The member key of the one-line JSON object json, as it is written there (a string keeps quotes
 * and escapes), or NULL if there is none. The caller frees it. Reads what lklfs itself has written.
 */
char *journal_json_value(const char *json, const char *key);

/* The same for a whole number; 0 if there is none. */
uint64_t journal_json_number(const char *json, const char *key);

/* What a value that is a string says, to free: its bytes, \udcNN included; NULL if it is no string.
 */
char *journal_json_text(const char *value);

/* The same for an array of strings, which owns them; empty if it is none. */
GPtrArray *journal_json_texts(const char *value);

/* What a status tells of files that could not be exposed: "NAME", "NAME" and N more: WHY. To free.
 */
char *journal_json_failed(const char *json);
