/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a browser makes a table of it, and sorts that, is contrib/ci/report-html.sh's to tell. */

#include "report-html.h"

#include "lines.h"

static char *page_of(Lines *lines)
{
	GString *page;

	report_end(lines->report);
	page = report_html(lines->report);
	return g_string_free(page, FALSE);
}

static unsigned n_of(const char *text, const char *part)
{
	unsigned n = 0;

	for (text = strstr(text, part); text; text = strstr(text + 1, part))
		n++;
	return n;
}

static void test_rows(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *page = NULL;

	says(lines, "new", "h", "", "");
	says(lines, "new", "d/a.o", "h other", "");
	lines_mount(lines);
	says(lines, "changed", "h", "",
		",\"first_difference\":2,\"differing\":1,\"old_size\":4,\"old_bytes\":\"3c41\","
		"\"bytes\":\"3e42\"");
	says(lines, "kept", "d/a.o", "h other", "");
	says(lines, "new", "t.tmp", "", "");
	lines->step--;
	says(lines, "new", "t", "", ",\"from\":\"/w/t.tmp\"");
	page = page_of(lines);
	/* a row for each file, not for what was only read, nor for what became another */
	g_assert_cmpuint(n_of(page, "<tr data-w="), ==, 3);
	check_has(page,
		"<tr data-w=\"kept\" data-b=\"2\"><td class=\"v kept\">kept</td><td class=\"p\">"
		"<bdi>d/a.o</bdi></td>");
	/* its history, and what had changed before */
	check_has(page, "<div class=\"after\" data-t=\"made again after\">made again after "
			"<a href=\"#e2\">h</a></div><div class=\"r\">read as well: other</div>");
	check_has(page, "<li id=\"e2\">");
	check_has(page, "old  3c 41                                            &lt;A");
	check_has(page, "<td class=\"c\" data-v=\"2\">2: 1 of 4</td>");
	/* the first change, in the text, the drawing and the table */
	check_has(page, "The first change of the last build: <a href=\"#e2\"><code>h</code></a>");
	check_has(page, "class=\"first\">first change: h</text>");
	check_has(page, "<tr data-w=\"changed\" data-b=\"2\" class=\"first\">");
	g_assert_cmpuint(
		n_of(page, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"line\""), ==, 2);
}

/* Nothing from outside gets out of its place. */
static void test_odd_names(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *page = NULL;

	g_assert_true(report_add(lines->report,
		"{\"v\":1,\"time\":5,\"duration\":1e99,\"verdict\":\"failed\",\"path\":"
		"\"/w/</noscript></script><img src=x>\\udcff\",\"error\":\"<i>\",\"step\":1,"
		"\"command\":[\"<b>\",\"\\\"'&]]>\"],\"read\":[\"/w/"
		"<a>\",\"]]><q>\"],\"size\":1}"));
	page = page_of(lines);
	check_has(page, "&lt;/noscript&gt;&lt;/script&gt;&lt;img src=x&gt;\\377");
	check_has(page, "&lt;b&gt; &quot;&#39;&amp;]]&gt;");
	check_has(page, "&lt;a&gt;, ]]&gt;&lt;q&gt;");
	check_lacks(page, "<img");
	check_lacks(page, "<b>&");
	check_lacks(page, "<q>");
	check_lacks(page, "<i>");
	g_assert_cmpuint(n_of(page, "]]>"), ==, n_of(page, "/*]]>*/"));
}

/* Without lines, too. */
static void test_empty(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *page = page_of(lines);

	check_has(page, "<tbody>\n</tbody>");
	check_has(page, "content=\"default-src 'none'; style-src 'sha256-");
}

/* Marks as long as there is room, then columns; so much of each file, and no more. */
static void test_many(Lines *lines, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GString) read = g_string_new("f0");
	g_autofree char *few = NULL, *many = NULL;

	for (int i = 0; i < 20; i++) {
		g_autofree char *name = g_strdup_printf("f%d", i);

		says(lines, "new", name, "", "");
	}
	few = page_of(lines);
	g_assert_cmpuint(n_of(few, "tabindex=\"-1\""), ==, 20);
	g_assert_cmpuint(n_of(few, "<rect"), ==, 0);
	for (int i = 20; i < 6000; i++) {
		g_autofree char *name = g_strdup_printf("f%d", i);

		lines->time -= i % 2;
		says(lines, "new", name, "", "");
		if (i < 300)
			g_string_append_printf(read, " %s", name);
	}
	says(lines, "new", "last", read->str, "");
	many = page_of(lines);
	g_assert_cmpuint(n_of(many, "<tr data-w="), ==, 6001);
	g_assert_cmpuint(n_of(many, "tabindex=\"-1\""), ==, 0);
	g_assert_cmpuint(n_of(many, "<rect"), >, 200);
	check_has(many, " and 255 more</div>");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/report-html/rows", Lines, NULL, lines_begin, test_rows, lines_end);
	g_test_add("/report-html/odd-names", Lines, NULL, lines_begin, test_odd_names, lines_end);
	g_test_add("/report-html/empty", Lines, NULL, lines_begin, test_empty, lines_end);
	g_test_add("/report-html/many", Lines, NULL, lines_begin, test_many, lines_end);
	return g_test_run();
}
