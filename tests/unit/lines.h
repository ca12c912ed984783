/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of a journal, for tests of what is made of them. */

#include "report-causes.h"

#include <string.h>

typedef struct Lines Lines;

struct Lines {
	Report *report;
	unsigned time; /* seconds */
	unsigned step;
};

/* Another run of lklfs. */
static inline void lines_mount(Lines *lines)
{
	g_autofree char *line = g_strdup_printf(
		"{\"v\":1,\"time\":%u.000000000,\"mounted\":\"/w\"}", lines->time++);

	g_assert_true(report_add(lines->report, line));
}

static inline void lines_begin(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	lines->report = report_new("/w");
	lines->time = 9;
	lines->step = 100;
	lines_mount(lines);
}

static inline void lines_end(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	report_free(lines->report);
}

/* A step of its own, unless lines->step is set back. read: names, or "". more: members, or "". */
static inline void says(
	Lines *lines, const char *verdict, const char *name, const char *read, const char *more)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_auto(GStrv) names = g_strsplit(read, " ", -1);

	g_string_append_printf(line,
		"{\"v\":1,\"time\":%u.500000000,\"verdict\":\"%s\",\"path\":\"/w/%s\",\"size\":4,"
		"\"command\":[\"cc\",\"%s\"],\"step\":%u,\"read\":[",
		lines->time++, verdict, name, name, lines->step++);
	for (char **p = names; *p; p++)
		g_string_append_printf(line, "%s\"/w/%s\"", p == names ? "" : ",", *p);
	g_string_append_printf(line, "]%s}", more);
	g_assert_true(report_add(lines->report, line->str));
}

static inline void check_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		g_error("no '%s' in: %s", part, text);
}

static inline void check_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		g_error("'%s' in: %s", part, text);
}
