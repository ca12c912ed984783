/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of a page of HTML share: what is told in it, and how words are put there. */

#include "report-causes.h"

typedef struct Page Page;

struct Page {
	GString *out; /* owned */
	const Report *report;
	const Entry *first;                   /* change of the last build that has one; or NULL */
	GPtrArray *rows;                      /* Outputs, not owned, in the order of the page */
	unsigned n_causes, n_read, n_history; /* at most, of an entry or a file */
};

/* Chooses rows, and how much of each file is told. */
void page_begin(Page *page, const Report *report);

/* Frees all but the text. */
GString *page_end(Page *page);

/* The file's last entry that has a row or a place in its history; NULL: all were passing. */
const Entry *page_last(const Output *output);

/* Whether its file's history tells of it. */
bool page_tells(const Page *page, const Entry *entry);

/* Of an entry that was not passing: its number, if its file's history tells of it, or else that of
 * the file's last one. Links lead to #eNUMBER. */
unsigned page_target(const Page *page, const Entry *entry);

/* tag: of the element that the word is in. */
void page_verdict(Page *page, const char *tag, Verdict verdict);

void page_path(Page *page, const Output *output);

/* max: as of show_command(). */
void page_command(Page *page, const Entry *entry, unsigned max);

/* As of show_difference(), with before in front; nothing if there is none. */
void page_difference(Page *page, const Entry *entry, const char *before);

/* The bytes that differ, old and new, if they are known. */
void page_bytes(Page *page, const Entry *entry);

/* The history of a file, the last entry first. */
void page_history(Page *page, const Output *output);
