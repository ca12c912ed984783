/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report-causes.h"

#include "lines.h"

static const Output *output_of(Lines *lines, const char *path)
{
	report_end(lines->report);
	return report_output(lines->report, path);
}

static const Build *build_of(Lines *lines, unsigned number)
{
	report_end(lines->report);
	g_assert_cmpuint(number, <, lines->report->builds->len);
	return lines->report->builds->pdata[number];
}

/* Two objects of one header, and a program of both. */
static void says_all_new(Lines *lines)
{
	says(lines, "new", "h", "", "");
	says(lines, "new", "a.o", "h", "");
	says(lines, "new", "b.o", "h", "");
	says(lines, "new", "prog", "a.o b.o", "");
}

/* What had read a file that is the same, and what had read that, once each. */
static void test_not_run(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	says_all_new(lines);
	lines_mount(lines);
	says(lines, "kept", "h", "", "");
	g_assert_cmpuint(output_of(lines, "/w/h")->n_not_run, ==, 3);
	g_assert_cmpuint(build_of(lines, 1)->n_not_run, ==, 3);
	g_assert_cmpuint(lines->report->n_not_run, ==, 3);
	g_assert_cmpuint(output_of(lines, "/w/h")->n_read_by, ==, 2);
	/* in that build they run all the same: forced, or for something else */
	says(lines, "kept", "a.o", "h", "");
	g_assert_cmpuint(output_of(lines, "/w/h")->n_not_run, ==, 2);
	g_assert_cmpuint(output_of(lines, "/w/a.o")->n_not_run, ==, 1);
	/* prog is spared by both of them, but it is one step */
	g_assert_cmpuint(build_of(lines, 1)->n_not_run, ==, 2);
	says(lines, "changed", "prog", "a.o b.o", "");
	g_assert_cmpuint(build_of(lines, 1)->n_not_run, ==, 1);
	/* and in another build they are spared again */
	lines_mount(lines);
	says(lines, "restored", "h", "", "");
	g_assert_cmpuint(build_of(lines, 2)->n_not_run, ==, 3);
	g_assert_cmpuint(output_of(lines, "/w/h")->n_not_run, ==, 4);
	g_assert_cmpuint(lines->report->n_not_run, ==, 4);
}

/* A name that never comes again, as of ar's temporary file, is no step that did not run. */
static void test_never_again(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	says(lines, "new", "a.o", "", "");
	for (unsigned i = 1; i < 4; i++) {
		g_autofree char *temporary = g_strdup_printf("st%u", i);

		says(lines, "new", temporary, "a.o", "");
		lines->step--;
		says(lines, i == 1 ? "new" : "changed", "lib.a", "a.o", "");
		lines_mount(lines);
		says(lines, "kept", "a.o", "", "");
	}
	/* in the last one lib.a was not made again, by one step and not by all that ever made it */
	g_assert_cmpuint(output_of(lines, "/w/a.o")->n_not_run, ==, 1);
	g_assert_cmpuint(build_of(lines, 1)->n_not_run, ==, 0);
	g_assert_cmpuint(build_of(lines, 2)->n_not_run, ==, 0);
	g_assert_cmpuint(build_of(lines, 3)->n_not_run, ==, 1);
}

/* What read something else when it was made the last time, or had been written before it read this,
 * is not made of it. */
static void test_not_made_of_it(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	says(lines, "new", "h", "", "");
	says(lines, "new", "once", "h", "");
	says(lines, "changed", "once", "", "");
	says(lines, "new", "log", "", "");
	lines->step--;
	says(lines, "new", "later", "h", "");
	says(lines, "new", "of-log", "log", "");
	lines_mount(lines);
	says(lines, "kept", "h", "", "");
	g_assert_cmpuint(output_of(lines, "/w/h")->n_not_run, ==, 1);
	g_assert_cmpuint(output_of(lines, "/w/h")->n_read_by, ==, 2);
}

/* A run of lklfs is a build, whatever it mounts, and so is what comes after a long pause. */
static void test_builds(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const mounted =
		"{\"v\":1,\"time\":100,\"mounted\":\"/w\",\"lklfs\":\"0\",\"pid\":77}";

	says(lines, "new", "a", "", "");
	g_assert_true(report_add(lines->report, mounted));
	lines->time = 199;
	says(lines, "new", "c", "", "");
	g_assert_true(report_add(lines->report, mounted));
	says(lines, "kept", "a", "", ",\"duration\":3.25");
	says(lines, "changed", "b", "", "");
	lines->time = 400;
	says(lines, "kept", "a", "", "");
	lines->time = 400 + 302;
	says(lines, "kept", "a", "", ",\"duration\":2.000001");
	g_assert_cmpuint(build_of(lines, 1)->n_entries, ==, 5);
	g_assert_cmpint(build_of(lines, 1)->begin, ==, 197250000);
	g_assert_cmpint(build_of(lines, 1)->end, ==, 702500000);
	g_assert_cmpuint(build_of(lines, 1)->n_verdicts[VERDICT_KEPT], ==, 3);
	g_assert_cmpstr(build_of(lines, 1)->first_change->output->path, ==, "/w/b");
	lines->time = 702 + 301;
	says(lines, "kept", "a", "", "");
	g_assert_cmpuint(build_of(lines, 2)->n_entries, ==, 1);
	g_assert_null(build_of(lines, 2)->first_change);
	g_assert_cmpuint(lines->report->n_mounts, ==, 3);
	g_assert_cmpuint(lines->report->builds->len, ==, 3);
}

/* What was removed and comes back with the same bytes is restored, in one run of lklfs. Whether it
 * is so in the next one is known if it is larger, or told. */
static void test_new_again(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	const Output *output;

	for (int i = 0; i < 3; i++) {
		if (i > 0)
			lines_mount(lines);
		says(lines, "new", "same-size", "", "");
		says(lines, "new", "told", "", i > 0 ? ",\"old_size\":4" : "");
	}
	output = output_of(lines, "/w/same-size");
	g_assert_cmpint(report_last(output)->verdict, ==, VERDICT_NEW);
	g_assert_nonnull(report_last(output)->before);
	g_assert_cmpuint(output->n_changed, ==, 0);
	g_assert_cmpuint(output_of(lines, "/w/told")->n_changed, ==, 2);
	says(lines, "new", "same-size", "", "");
	g_assert_cmpint(report_last(output)->verdict, ==, VERDICT_CHANGED);
	lines_mount(lines);
	g_assert_true(report_add(lines->report,
		"{\"v\":1,\"time\":99,\"verdict\":\"new\",\"path\":\"/w/same-size\",\"size\":5}"));
	g_assert_cmpint(report_last(output)->verdict, ==, VERDICT_CHANGED);
	/* whoever reads it is made again all the same */
	g_assert_true(report_sets_off(output->entries->pdata[1]));
}

/* Nothing is told of it before: it was compared with what had been removed. */
static void test_new_for_the_first_time(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	says(lines, "new", "size", "", ",\"old_size\":9");
	says(lines, "new", "bytes", "", ",\"old_size\":4,\"first_difference\":2,\"differing\":1");
	says(lines, "new", "only", "", "");
	g_assert_cmpuint(output_of(lines, "/w/size")->n_changed, ==, 1);
	g_assert_cmpuint(output_of(lines, "/w/bytes")->n_changed, ==, 1);
	g_assert_cmpuint(output_of(lines, "/w/only")->n_changed, ==, 0);
	g_assert_cmpuint(build_of(lines, 0)->n_verdicts[VERDICT_CHANGED], ==, 2);
	g_assert_cmpuint(build_of(lines, 0)->n_verdicts[VERDICT_NEW], ==, 1);
}

/* In the order of their times, and counted by what they set off. */
static void test_causes(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) causes = NULL;
	const Entry *first;

	says(lines, "new", "h", "", "");
	says(lines, "new", "i", "", "");
	says(lines, "new", "a.o", "i h", "");
	says(lines, "changed", "h", "", "");
	says(lines, "touched", "i", "", "");
	says(lines, "changed", "a.o", "i a.o h", "");
	causes = report_causes(lines->report, report_last(output_of(lines, "/w/a.o")));
	g_assert_cmpuint(causes->len, ==, 2);
	first = causes->pdata[0];
	g_assert_cmpstr(first->output->path, ==, "/w/h");
	g_assert_cmpuint(first->n_after, ==, 1);
	g_assert_cmpstr(((const Entry *)causes->pdata[1])->output->path, ==, "/w/i");
	g_assert_cmpuint(((const Entry *)first->output->entries->pdata[0])->n_after, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/report-causes/not-run", Lines, NULL, lines_begin, test_not_run, lines_end);
	g_test_add("/report-causes/never-again", Lines, NULL, lines_begin, test_never_again,
		lines_end);
	g_test_add("/report-causes/new-for-the-first-time", Lines, NULL, lines_begin,
		test_new_for_the_first_time, lines_end);
	g_test_add("/report-causes/not-made-of-it", Lines, NULL, lines_begin, test_not_made_of_it,
		lines_end);
	g_test_add("/report-causes/builds", Lines, NULL, lines_begin, test_builds, lines_end);
	g_test_add("/report-causes/new-again", Lines, NULL, lines_begin, test_new_again, lines_end);
	g_test_add("/report-causes/causes", Lines, NULL, lines_begin, test_causes, lines_end);
	return g_test_run();
}
