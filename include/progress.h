/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The live line of `run --progress`, in the last row of a terminal. Not thread safe. */

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"

typedef struct Progress Progress;

/* For this terminal (not owned), which is not written to yet. base: paths below this directory are
 * shown without it. audit: what is counted would have been. NULL: it is no terminal, or one that
 * cannot move its cursor. */
Progress *progress_new(int fd, const char *base, bool audit);

/* Gives the terminal back as it was; NULL: nothing to do. */
Progress *progress_free(Progress *progress);

/* Whether there is anything to show that is not there yet: other counts, or a later second. now:
 * monotonic microseconds. */
bool progress_is_due(const Progress *progress, const Totals *totals, int64_t now);

/* Shows that, with the path of the newest file (absolute; NULL: there is none), unless the terminal
 * is too small, takes nothing just now, or belongs to another job. Waits for nobody. */
void progress_show(Progress *progress, const Totals *totals, const char *newest, int64_t now);

/* The terminal is as it was, until something is shown again. */
void progress_hide(Progress *progress);

/* What is shown, in so many columns at most; to free. seconds: since it began. utf8: the terminal
 * knows more than ASCII. newest: as it is to be shown, any bytes; or NULL. */
char *progress_line(const Totals *totals, bool audit, const char *newest, uint64_t seconds,
	unsigned columns, bool utf8);
