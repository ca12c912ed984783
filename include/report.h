/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a journal (docs/JOURNAL.md) tells people: what was rewritten for nothing, what changed, and
 * why something was written again. Not thread safe. */

#include <glib.h>
#include <stdbool.h>

typedef struct Report Report;

/* base: paths below this directory are shown without it; or NULL. */
Report *report_new(const char *base);
Report *report_free(Report *report);

/* Takes a line of a journal, in the order in which they come. False: it is none of this format. */
bool report_add(Report *report, const char *line);

/* For people, or as one JSON object; to free. */
char *report_text(const Report *report);
char *report_json(const Report *report);

/* Why the file of this absolute path was written when it got other bytes, or an mtime, for the last
 * time, back along what changed before; to free. NULL: there is no line of that. */
char *report_why(const Report *report, const char *path);
