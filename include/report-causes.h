/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What follows from all lines of a report: builds, what came of what, and what did not. */

#include "report.h"

/* What follows from the lines so far; before anything is printed. More may be added, and this
 * called again. */
void report_end(Report *report);

/* Whether it is told among the changes: what is made of it is made again, and it is not merely new.
 */
bool report_is_change(const Entry *entry);

/* What of that which its step had read had got other bytes, or another mtime, since the file was
 * written the time before: entries in the order of their times, not owned; to unref. */
GPtrArray *report_causes(const Report *report, const Entry *entry);

/* Outputs that were written with the bytes that were there, those that saved most first; and those
 * that have other bytes whenever they are written, for no reason that is known. Not owned; to
 * unref. */
GPtrArray *report_saved(const Report *report);
GPtrArray *report_never_same(const Report *report);
