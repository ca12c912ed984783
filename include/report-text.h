/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A report in lines, for people. report_end() has been called; the strings are to free. */

#include "report-causes.h"

char *report_text(const Report *report);

/* Why the file of this absolute path was written when it got other bytes, or an mtime, for the last
 * time, back along what changed before, and how often it was written since with the bytes that were
 * there. NULL: no line tells of it. */
char *report_why(const Report *report, const char *path);
