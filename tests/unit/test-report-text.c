/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report-text.h"

#include "lines.h"
#include "report-json.h"

static char *text_of(Lines *lines)
{
	report_end(lines->report);
	return report_text(lines->report);
}

static char *why_of(Lines *lines, const char *path)
{
	report_end(lines->report);
	return report_why(lines->report, path);
}

static char *json_of(Lines *lines)
{
	report_end(lines->report);
	return report_json(lines->report);
}

/* The chain ends where nothing had changed since the file was written before. */
static void test_why(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *first = NULL, *second = NULL;

	says(lines, "new", "h", "", "");
	says(lines, "new", "other.h", "", "");
	says(lines, "new", "a.o", "h other.h", "");
	says(lines, "new", "prog", "a.o", "");
	first = why_of(lines, "/w/prog");
	check_has(first, "prog: new at ");
	check_has(first, "\n  a.o: new at ");
	check_has(first, "\n    h: new at ");
	check_has(first, "\n    other.h: new at ");
	says(lines, "changed", "h", "", ",\"first_difference\":2,\"differing\":1,\"old_size\":4");
	says(lines, "kept", "other.h", "", "");
	says(lines, "changed", "a.o", "h other.h", "");
	says(lines, "changed", "prog", "a.o", "");
	second = why_of(lines, "/w/prog");
	check_has(second, "\n  a.o: changed at ");
	check_has(second, "\n    h: changed at ");
	check_has(second, " (1 of 4 bytes, from byte 2 on), by cc h\n");
	check_lacks(second, "other.h: ");
	check_has(second, "\n      nothing that its step had read in the mounts had changed");
	g_assert_null(why_of(lines, "/w/none"));
	g_assert_null(why_of(lines, "/w"));
}

/* Those that have the same causes are one line after the first. */
static void test_why_alike(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *why = NULL;

	says(lines, "new", "h", "", "");
	says(lines, "new", "g", "", "");
	for (int i = 0; i < 2; i++) {
		for (char name[] = "a.o"; name[0] <= 'i'; name[0]++)
			says(lines, i ? "changed" : "new", name, *name == 'e' ? "h g" : "h", "");
		says(lines, i ? "changed" : "new", "lib.a", "a.o b.o c.o d.o e.o f.o g.o h.o i.o",
			"");
		if (i == 0) {
			says(lines, "changed", "h", "", "");
			says(lines, "changed", "g", "", "");
		}
	}
	why = why_of(lines, "/w/lib.a");
	check_has(why, "lib.a: changed at ");
	check_has(why, "\n  a.o: changed at ");
	check_has(why, "\n    h: changed at ");
	check_has(why, "\n  and likewise b.o, c.o, d.o, f.o, g.o and 2 more\n");
	check_has(why, "\n  e.o: changed at ");
	check_has(why, "\n    g: changed at ");
	check_lacks(why, "  b.o: ");
}

/* What is never other has a reason, too; and what was other once. */
static void test_why_same(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *kept = NULL, *changed = NULL, *since = NULL, *removed = NULL, *read = NULL;

	says(lines, "kept", "h", "", "");
	says(lines, "kept", "h", "", "");
	kept = why_of(lines, "/w/h");
	check_has(kept, "h: written with the bytes that were there, 2 times, the last one at ");
	check_has(kept, ", by cc h: nothing was made again for that\n");
	says(lines, "changed", "h", "source", "");
	changed = why_of(lines, "/w/h");
	check_lacks(changed, "written with");
	says(lines, "restored", "h", "", "");
	since = why_of(lines, "/w/h");
	check_has(since, "h: changed at ");
	check_has(since, "\nh: since then written with the bytes that were there, 1 time, ");
	says(lines, "removed", "t", "", "");
	removed = why_of(lines, "/w/t");
	check_has(removed, "removed  t: cc t\n");
	read = why_of(lines, "/w/source");
	g_assert_cmpstr(read, ==, "source: was read, and never written in the mounts\n");
}

/* A file that is kept has set nothing off, and does not become the reason of anything. */
static void test_kept(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL, *why = NULL;

	says(lines, "new", "h", "", "");
	says(lines, "new", "a.o", "h", "");
	says(lines, "kept", "h", "", "");
	says(lines, "restored", "h", "", "");
	says(lines, "changed", "a.o", "h", "");
	why = why_of(lines, "/w/a.o");
	check_has(why, "had read in the mounts had changed since it");
	text = text_of(lines);
	check_has(text, "1 build, 5 verdicts, 1 kept, 1 restored, 1 changed, 2 new\n");
	check_has(text, "       2            8        0  h: cc h\n");
	check_has(text, "in all 2 times, 8 bytes not written, 0 steps not run");
	check_lacks(text, "each time");
}

/* What a step writes several times, or renames, is one change in the end. */
static void test_passing(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL;

	says(lines, "new", "x", "", "");
	says(lines, "changed", "x", "", ",\"first_difference\":0,\"old_size\":9");
	lines->step--;
	says(lines, "restored", "x", "", "");
	says(lines, "new", "y", "", "");
	lines->step--;
	says(lines, "changed", "y", "", ",\"first_difference\":0,\"old_size\":9");
	says(lines, "new", "z.tmp", "", "");
	lines->step--;
	says(lines, "changed", "z", "", ",\"from\":\"/w/z.tmp\"");
	text = text_of(lines);
	check_has(text, "       1            4        0  x: cc x\n");
	check_has(text, " 2 new files, for which nothing that was there before was made again\n");
	check_has(text, "1 restored, 1 changed, 2 new\n");
	check_has(text, "changed  z: cc z\n");
	check_lacks(text, "changed  x");
	check_lacks(text, "changed  y");
	check_lacks(text, "z.tmp");
}

static void test_never_same(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const how =
		",\"first_difference\":3,\"old_bytes\":\"41ff\",\"bytes\":\"420a\",\"old_size\":9";
	g_autofree char *text = NULL, *json = NULL, *rows = NULL;

	says(lines, "new", "time", "", "");
	says(lines, "new", "made", "time", "");
	for (int i = 0; i < 2; i++) {
		says(lines, "changed", "time", "", how);
		says(lines, "changed", "made", "time", how);
		says(lines, "new", "removed-first", "", "");
		says(lines, i ? "kept" : "changed", "sometimes", "", how);
	}
	text = text_of(lines);
	check_has(text,
		"\n  time: 2 times, always there (4 bytes, were 9, from byte 3 on): cc time\n");
	check_has(text, "old  41 ff                                            A.\n");
	check_has(text, "new  42 0a                                            B.\n");
	check_lacks(text, "\n  made: ");
	says(lines, "new", "removed-first", "", "");
	g_free(g_steal_pointer(&text));
	text = text_of(lines);
	check_has(text, "\n  removed-first: 2 times, where is not known: cc removed-first\n");
	check_has(text, "after time\n");
	json = json_of(lines);
	rows = journal_json_value(json, "never_same");
	check_has(rows, "\"path\":\"/w/time\",\"written\":3,\"same\":0,\"changed\":2");
	check_has(rows, ",\"size\":4,\"old_size\":9,\"first_difference\":3,\"old_bytes\":\"41ff\"");
	check_lacks(rows, "made");
	g_assert_cmpuint(journal_json_number(json, "kept"), ==, 1);
}

static void test_odd_lines(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL, *json = NULL;

	g_assert_false(report_add(lines->report, ""));
	g_assert_false(report_add(lines->report, "{}"));
	g_assert_false(
		report_add(lines->report, "{\"v\":2,\"verdict\":\"kept\",\"path\":\"/w/a\"}"));
	g_assert_false(
		report_add(lines->report, "{\"v\":1,\"verdict\":\"odd\",\"path\":\"/w/a\"}"));
	g_assert_false(report_add(lines->report, "{\"v\":1,\"verdict\":\"kept\"}"));
	g_assert_false(report_add(lines->report, "{\"v\":1,\"verdict\":\"kept\",\"path\":12}"));
	g_assert_false(report_add(
		lines->report, "{\"v\":1,\"verdict\":\"kept\",\"path\":\"/w/a\",\"command\":[\"c"));
	g_assert_true(report_add(lines->report, "{\"v\":1,\"missed\":3}"));
	/* nobody known, nothing else; a name that moves a terminal's cursor */
	g_assert_true(report_add(lines->report, "{\"v\":1,\"time\":5,\"verdict\":\"changed\","
						"\"path\":\"/x\\u001b[2J\\\\\\\"\\udcff\"}"));
	text = text_of(lines);
	check_has(text, "3 lines are missing");
	check_has(text, "/x\\033[2J\\\"\\377: somebody unknown\n");
	json = json_of(lines);
	check_has(json, "\"path\":\"/x\\u001b[2J\\\\\\\"\\udcff\"");
}

/* What would have been is told apart from what has been. */
static void test_audit(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *before = NULL, *text = NULL, *json = NULL;

	says(lines, "new", "a", "", "");
	says(lines, "kept", "a", "", "");
	before = text_of(lines);
	check_lacks(before, "audit");
	check_has(before, "was left alone\n");
	says(lines, "kept", "a", "", ",\"audit\":true");
	says(lines, "restored", "b", "", ",\"audit\":true");
	says(lines, "changed", "c", "", ",\"audit\":true");
	text = text_of(lines);
	check_has(text,
		"\n3 verdicts are of an audit: nothing was held back; 1 would have been kept, 1 "
		"restored, 8 bytes not written\n");
	check_has(text, "was left alone, or would have been but for an audit\n");
	json = json_of(lines);
	check_has(json, "\"audit\":3,");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/report-text/why", Lines, NULL, lines_begin, test_why, lines_end);
	g_test_add("/report-text/why-alike", Lines, NULL, lines_begin, test_why_alike, lines_end);
	g_test_add("/report-text/why-same", Lines, NULL, lines_begin, test_why_same, lines_end);
	g_test_add("/report-text/kept", Lines, NULL, lines_begin, test_kept, lines_end);
	g_test_add("/report-text/passing", Lines, NULL, lines_begin, test_passing, lines_end);
	g_test_add("/report-text/never-same", Lines, NULL, lines_begin, test_never_same, lines_end);
	g_test_add("/report-text/audit", Lines, NULL, lines_begin, test_audit, lines_end);
	g_test_add("/report-text/odd-lines", Lines, NULL, lines_begin, test_odd_lines, lines_end);
	return g_test_run();
}
