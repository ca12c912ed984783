/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report.h"

#include <string.h>

#include "journal.h"

typedef struct Place Place;

struct Place {
	Report *report;
	unsigned time; /* seconds */
	unsigned step;
};

static void set_up(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	place->report = report_new("/w");
	g_assert_true(
		report_add(place->report, "{\"v\":1,\"time\":1.000000000,\"mounted\":\"/w\"}"));
	place->time = 10;
	place->step = 100;
}

static void tear_down(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	report_free(place->report);
}

/* A step of its own, unless place->step is set back. read: names, or "". */
static void says(
	Place *place, const char *verdict, const char *name, const char *read, const char *more)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_auto(GStrv) names = g_strsplit(read, " ", -1);

	g_string_append_printf(line,
		"{\"v\":1,\"time\":%u.500000000,\"verdict\":\"%s\",\"path\":\"/w/%s\",\"size\":4,"
		"\"command\":[\"cc\",\"%s\"],\"step\":%u,\"read\":[",
		place->time++, verdict, name, name, place->step++);
	for (char **p = names; *p; p++)
		g_string_append_printf(line, "%s\"/w/%s\"", p == names ? "" : ",", *p);
	g_string_append_printf(line, "]%s}", more);
	g_assert_true(report_add(place->report, line->str));
}

static void check_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		g_error("no '%s' in: %s", part, text);
}

static void check_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		g_error("'%s' in: %s", part, text);
}

/* The chain ends where nothing had changed since the file was written before. */
static void test_why(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *first = NULL, *second = NULL;

	says(place, "new", "h", "", "");
	says(place, "new", "other.h", "", "");
	says(place, "new", "a.o", "h other.h", "");
	says(place, "new", "prog", "a.o", "");
	first = report_why(place->report, "/w/prog");
	check_has(first, "prog: new at ");
	check_has(first, "\n  a.o: new at ");
	check_has(first, "\n    h: new at ");
	check_has(first, "\n    other.h: new at ");
	says(place, "changed", "h", "", ",\"first_difference\":2,\"differing\":1,\"old_size\":4");
	says(place, "kept", "other.h", "", "");
	says(place, "changed", "a.o", "h other.h", "");
	says(place, "changed", "prog", "a.o", "");
	second = report_why(place->report, "/w/prog");
	check_has(second, "\n  a.o: changed at ");
	check_has(second, "\n    h: changed at ");
	check_has(second, " from byte 2 on, 1 of 4, by cc h\n");
	check_lacks(second, "other.h: ");
	check_has(second, "\n      of what its step had read in the mounts nothing had changed");
	g_assert_null(report_why(place->report, "/w/none"));
	g_assert_null(report_why(place->report, "/w"));
}

/* A file that is kept has set nothing off, and does not become the reason of anything. */
static void test_kept(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL, *why = NULL;

	says(place, "new", "h", "", "");
	says(place, "new", "a.o", "h", "");
	says(place, "kept", "h", "", "");
	says(place, "restored", "h", "", "");
	says(place, "changed", "a.o", "h", "");
	why = report_why(place->report, "/w/a.o");
	check_has(why, "nothing had changed");
	text = report_text(place->report);
	check_has(text, "1 mounts, 5 verdicts, 1 kept, 1 restored, 1 changed, 2 new\n");
	check_has(text, "       2            8        1  h: cc h\n");
	check_lacks(text, "each time");
}

/* What a step writes several times, or renames, is one change in the end. */
static void test_passing(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL;

	says(place, "new", "x", "", "");
	says(place, "changed", "x", "", ",\"first_difference\":0,\"old_size\":9");
	place->step--;
	says(place, "restored", "x", "", "");
	says(place, "new", "y", "", "");
	place->step--;
	says(place, "changed", "y", "", ",\"first_difference\":0,\"old_size\":9");
	says(place, "new", "z.tmp", "", "");
	place->step--;
	says(place, "changed", "z", "", ",\"from\":\"/w/z.tmp\"");
	text = report_text(place->report);
	check_has(text, "       1            4        0  x: cc x\n");
	check_has(text, "new      x: cc x\n");
	check_has(text, "new      y: cc y\n");
	check_has(text, "changed  z: cc z\n");
	check_lacks(text, "changed  x");
	check_lacks(text, "changed  y");
	check_lacks(text, "z.tmp");
}

static void test_never_same(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const how =
		",\"first_difference\":3,\"old_bytes\":\"41ff\",\"bytes\":\"420a\",\"old_size\":9";
	g_autofree char *text = NULL, *json = NULL, *rows = NULL;

	says(place, "new", "time", "", "");
	says(place, "new", "made", "time", "");
	for (int i = 0; i < 2; i++) {
		says(place, "changed", "time", "", how);
		says(place, "changed", "made", "time", how);
		says(place, "new", "removed-first", "", "");
		says(place, i ? "kept" : "changed", "sometimes", "", how);
	}
	text = report_text(place->report);
	check_has(text, "\n  time: 2 times from byte 3 on, 4 bytes, were 9\n");
	check_has(text, "old  41ff                              A.\n");
	check_has(text, "new  420a                              B.\n");
	check_lacks(text, "\n  made: ");
	says(place, "new", "removed-first", "", "");
	g_free(g_steal_pointer(&text));
	text = report_text(place->report);
	check_has(text, "\n  removed-first: 2 times\n");
	check_has(text, "after time\n");
	json = report_json(place->report);
	rows = journal_json_value(json, "never_same");
	check_has(rows, "\"path\":\"/w/time\",\"written\":3,\"same\":0,\"changed\":2");
	check_lacks(rows, "made");
	g_assert_cmpuint(journal_json_number(json, "kept"), ==, 1);
}

static void test_odd_lines(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL, *json = NULL;

	g_assert_false(report_add(place->report, ""));
	g_assert_false(report_add(place->report, "{}"));
	g_assert_false(
		report_add(place->report, "{\"v\":2,\"verdict\":\"kept\",\"path\":\"/w/a\"}"));
	g_assert_false(
		report_add(place->report, "{\"v\":1,\"verdict\":\"odd\",\"path\":\"/w/a\"}"));
	g_assert_false(report_add(place->report, "{\"v\":1,\"verdict\":\"kept\"}"));
	g_assert_false(report_add(place->report, "{\"v\":1,\"verdict\":\"kept\",\"path\":12}"));
	g_assert_false(report_add(
		place->report, "{\"v\":1,\"verdict\":\"kept\",\"path\":\"/w/a\",\"command\":[\"c"));
	g_assert_true(report_add(place->report, "{\"v\":1,\"missed\":3}"));
	/* nobody known, nothing else; a name that moves a terminal's cursor */
	g_assert_true(report_add(place->report, "{\"v\":1,\"time\":5,\"verdict\":\"changed\","
						"\"path\":\"/x\\u001b[2J\\\\\\\"\\udcff\"}"));
	text = report_text(place->report);
	check_has(text, "3 lines are missing");
	check_has(text, "/x\\033[2J\\\"\\377: somebody unknown\n");
	json = report_json(place->report);
	check_has(json, "\"path\":\"/x\\u001b[2J\\\\\\\"\\udcff\"");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/report/why", Place, NULL, set_up, test_why, tear_down);
	g_test_add("/report/kept", Place, NULL, set_up, test_kept, tear_down);
	g_test_add("/report/passing", Place, NULL, set_up, test_passing, tear_down);
	g_test_add("/report/never-same", Place, NULL, set_up, test_never_same, tear_down);
	g_test_add("/report/odd-lines", Place, NULL, set_up, test_odd_lines, tear_down);
	return g_test_run();
}
