/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row for each file, with its history in a <details>. That stands in <noscript>: where there is a
 * script it is text until it is wanted. */

#include "report-html.h"

#include <inttypes.h>
#include <string.h>

#include "html.h"
#include "report-page.h"
#include "report-parts.h"
#include "report-show.h"
#include "report-timeline.h"

#define BUILDS_DRAWN 12
#define NEVER_SHOWN 50

/* ---- head ---- */

static void add_policy(GString *out)
{
	g_autofree char *style = html_hash(report_style), *script = html_hash(report_script);
	g_autofree char *noscript = html_hash(report_noscript);

	g_string_append_printf(out,
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src %s %s; script-src %s; base-uri 'none'; form-action 'none'\" />\n",
		style, noscript, script);
}

static void add_head(GString *out)
{
	g_string_append(out, "<!DOCTYPE html>\n"
			     "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
			     "<meta charset=\"utf-8\" />\n");
	add_policy(out);
	g_string_append_printf(out,
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
		"<meta name=\"referrer\" content=\"no-referrer\" />\n"
		"<meta name=\"color-scheme\" content=\"light dark\" />\n"
		"<meta name=\"generator\" content=\"lklfs " LKLFS_VERSION "\" />\n"
		"<title>lklfs report</title>\n<style>%s</style>\n"
		"<noscript><style>%s</style></noscript>\n</head>\n<body>\n",
		report_style, report_noscript);
}

static void add_sum(GString *out, const char *number, const char *what)
{
	g_string_append_printf(out, "<li><b>%s</b>%s</li>\n", number, what);
}

static void add_sum_of(GString *out, unsigned n, const char *what)
{
	g_autofree char *number = g_strdup_printf("%u", n);

	add_sum(out, number, what);
}

static void add_sums(Page *page)
{
	const Report *report = page->report;
	g_autofree char *size = show_size(report->bytes_same);
	unsigned n_changed = 0;

	for (unsigned i = 0; i < report->builds->len; i++)
		n_changed += ((const Build *)report->builds->pdata[i])->n_verdicts[VERDICT_CHANGED];
	g_string_append(page->out, "<ul class=\"sums\">\n");
	add_sum_of(page->out, page->rows->len,
		report->builds->len == 1 ? "files, in 1 build" : "files");
	add_sum_of(page->out, n_changed, "times with other bytes");
	add_sum_of(page->out, report->n_same, "times for nothing: the same bytes");
	add_sum(page->out, size, "not written for that");
	add_sum_of(page->out, report->n_not_run, "steps that did not run after that");
	g_string_append(page->out, "</ul>\n");
}

static void add_first(Page *page)
{
	const Entry *first = page->first;
	GString *out = page->out;
	g_autofree char *time = NULL;

	if (!first)
		return;
	time = show_time(first->time);
	g_string_append_printf(out,
		"<p class=\"firstline\">The first change of %s: <a href=\"#e%u\"><code>",
		first->build + 1 == page->report->builds->len ? "the last build"
							      : "the last build that has one",
		first->number);
	page_path(page, first->output);
	g_string_append(out, "</code></a> ");
	page_verdict(page, "b", first->verdict);
	g_string_append_printf(out, " at %s", time);
	page_difference(page, first, ", ");
	g_string_append(out, ", by <code>");
	page_command(page, first, 200);
	g_string_append(out, "</code>");
	if (first->n_after > 0) {
		g_string_append(out, ". What had read it and changed after it: ");
		show_count(out, first->n_after, "file");
	}
	g_string_append(out, ".</p>\n");
}

static void add_title(Page *page)
{
	const Report *report = page->report;
	GString *out = page->out;
	g_autofree char *begin = NULL, *end = NULL;

	g_string_append(out, "<header><h1>lklfs report</h1>\n<p class=\"dim\">");
	show_count(out, report->builds->len, "build");
	if (report->builds->len > 0) {
		const Build *last = report->builds->pdata[report->builds->len - 1];

		begin = show_date(((const Build *)report->builds->pdata[0])->begin);
		end = show_date(last->end);
		g_string_append_printf(out, ", %s to %s", begin, end);
	}
	if (report->n_missed > 0) {
		g_string_append(out, "; missing from the journal: ");
		show_count(out, report->n_missed, "line");
	}
	if (report->n_audit > 0) {
		g_string_append(out, "; of an audit, in which nothing was held back: ");
		show_count(out, report->n_audit, "verdict");
	}
	if (report->base) {
		g_string_append(out, "; names are as seen from <code>");
		html_text(out, report->base);
		g_string_append(out, "</code>");
	}
	g_string_append(out, "</p>\n");
	add_sums(page);
	add_first(page);
	g_string_append(out, "</header>\n");
}

/* ---- time line ---- */

static void add_build(Page *page, unsigned number, bool open)
{
	const Build *build = page->report->builds->pdata[number];
	g_autofree char *date = show_date(build->begin);
	g_autofree char *duration = show_duration(build->end - build->begin);

	g_string_append_printf(page->out, "<details%s><summary>Build %u: %s, %s",
		open ? " open=\"open\"" : "", number + 1, date, duration);
	show_verdicts(page->out, build->n_verdicts);
	if (build->n_not_run > 0) {
		g_string_append(page->out, "; ");
		show_count(page->out, build->n_not_run, "step");
		g_string_append(page->out, " not run");
	}
	g_string_append(page->out, "</summary>\n<div class=\"drawing\">");
	timeline_draw(page, build);
	g_string_append(page->out, "</div></details>\n");
}

static void add_builds(Page *page)
{
	unsigned n = page->report->builds->len;

	g_string_append(page->out, "<section class=\"builds\"><h2>Time line</h2>\n");
	timeline_shapes(page->out);
	for (unsigned i = 0; i < MIN(n, BUILDS_DRAWN); i++)
		add_build(page, n - 1 - i, i == 0);
	if (n > BUILDS_DRAWN)
		g_string_append_printf(page->out,
			"<p class=\"dim\">The %u before these are not drawn.</p>\n",
			n - BUILDS_DRAWN);
	g_string_append(page->out, "</section>\n");
}

/* ---- what never comes out the same ---- */

static void add_never_same(Page *page)
{
	g_autoptr(GPtrArray) outputs = report_never_same(page->report);
	GString *out = page->out;

	if (outputs->len == 0)
		return;
	g_string_append(out,
		"<section><h2>Never the same</h2>\n<p class=\"dim\">Other bytes each time, "
		"though nothing had changed that was read here: a time, a random number, "
		"an order that varies? Or sources outside of the mounts.</p>\n");
	for (unsigned i = 0; i < MIN(outputs->len, NEVER_SHOWN); i++) {
		const Output *output = outputs->pdata[i];
		const Entry *last = page_last(output);

		g_string_append_printf(
			out, "<div class=\"never\"><p><a href=\"#e%u\"><code>", last->number);
		page_path(page, output);
		g_string_append(out, "</code></a>, ");
		show_count(out, output->n_changed, "time");
		page_difference(page, last, ", the last time ");
		g_string_append(out, ", by <code>");
		page_command(page, last, 200);
		g_string_append(out, "</code></p>");
		page_bytes(page, last);
		g_string_append(out, "</div>\n");
	}
	if (outputs->len > NEVER_SHOWN)
		g_string_append_printf(
			out, "<p class=\"dim\">and %u more</p>\n", outputs->len - NEVER_SHOWN);
	g_string_append(out, "</section>\n");
}

/* ---- rows ---- */

/* Hidden until there is a script that obeys them. */
static void add_tools(Page *page)
{
	GString *out = page->out;
	unsigned n[N_VERDICTS] = {};

	for (unsigned i = 0; i < page->rows->len; i++)
		n[page_last(page->rows->pdata[i])->verdict]++;
	g_string_append(out,
		"<div class=\"tools\" id=\"tools\" role=\"search\" hidden=\"hidden\">\n"
		"<input type=\"search\" id=\"words\" aria-label=\"Words in path or command\" "
		"placeholder=\"words in path or command\" />\n"
		"<fieldset><legend>Verdict:</legend>\n");
	for (int v = 0; v < N_VERDICTS; v++) {
		if (n[v] == 0)
			continue;
		g_string_append_printf(out,
			"<label><input type=\"checkbox\" value=\"%s\" checked=\"checked\" /> ",
			journal_verdict_name(v));
		page_verdict(page, "span", v);
		g_string_append_printf(out, " %u</label>\n", n[v]);
	}
	g_string_append(out, "</fieldset>\n<label>Written last in <select id=\"build\">"
			     "<option value=\"\">any build</option>\n");
	for (unsigned i = page->report->builds->len; i > 0; i--)
		g_string_append_printf(out, "<option value=\"%u\">build %u</option>\n", i, i);
	g_string_append(out,
		"</select></label>\n<button type=\"button\" id=\"reset\">Show all</button>\n"
		"<span id=\"count\" role=\"status\" aria-live=\"polite\"></span>\n</div>\n");
}

/* k: n for numbers, t for text; none: there is no order. */
static void add_columns(GString *out)
{
	static const char *const columns[][3] = {
		{"Verdict", "t", "the last time it was written"},
		{"File", "t", ""},
		{"Bytes", "n", ""},
		{"First difference", "n",
			"the first byte that is another: so many are, or the size and what it was"},
		{"Written at", "n", ""},
		{"Step", "n", "the number of its first process"},
		{"Command", "t", ""},
		{"Read", "n", "so many files its step had read"},
		{"Same", "n", "so many times of all it was written with the bytes that were there"},
		{"Spared", "n", "steps that did not run since it was the same"},
		{"Why", "", "what had changed before, and its history"},
	};

	g_string_append(out, "<thead><tr>");
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
		g_string_append_printf(out, "<th scope=\"col\" title=\"%s\"", columns[i][2]);
		if (*columns[i][1])
			g_string_append_printf(out, " data-k=\"%s\"", columns[i][1]);
		if (*columns[i][1] == 'n' && *columns[i][0] != 'F')
			g_string_append(out, " class=\"n\"");
		g_string_append_printf(out, ">%s</th>", columns[i][0]);
	}
	g_string_append(out, "</tr></thead>\n");
}

/* Written from the right, so that it is the directories that are cut if there is not enough room.
 */
static void add_path_cell(Page *page, const Output *output)
{
	g_string_append(page->out, "<td class=\"p\">");
	if (page->first && page->first->output == output)
		g_string_append(page->out, "<span class=\"flag\">first change</span> ");
	g_string_append(page->out, "<bdi>");
	page_path(page, output);
	g_string_append(page->out, "</bdi></td>");
}

/* The offset first, for it is what is sorted by; its entry tells it in words. */
static void add_difference_cell(Page *page, const Entry *last)
{
	GString *out = page->out;

	if (!last->has_first) {
		g_string_append(out, "<td data-v=\"\">");
		page_difference(page, last, "");
	} else {
		g_string_append_printf(out, "<td class=\"c\" data-v=\"%" PRIu64 "\">%" PRIu64 ": ",
			last->first, last->first);
		if (last->has_n)
			g_string_append_printf(
				out, "%" PRIu64 " of %" PRIu64, last->n_differing, last->size);
		else
			g_string_append_printf(
				out, "%" PRIu64 " were %" PRIu64, last->size, last->old_size);
	}
	g_string_append(out, "</td>");
}

static void add_cells(Page *page, const Output *output, const Entry *last)
{
	GString *out = page->out;
	g_autofree char *time = show_time(last->time);

	page_verdict(page, "td", last->verdict);
	add_path_cell(page, output);
	g_string_append_printf(out, "<td class=\"n\">%" PRIu64 "</td>", last->size);
	add_difference_cell(page, last);
	g_string_append_printf(out,
		"<td class=\"n\" data-v=\"%" PRId64 "\">%s</td><td class=\"n\">", last->time / 1000,
		time);
	if (last->step->number > 0)
		g_string_append_printf(out, "%" PRIu64, last->step->number);
	g_string_append(out, "</td><td class=\"c k\">");
	page_command(page, last, 0);
	g_string_append_printf(out, "</td><td class=\"n\">%u</td><td class=\"n\" data-v=\"%u\">",
		last->n_read, output->n_same);
	g_string_append_printf(out, "%u of %u</td><td class=\"n\">%u</td>", output->n_same,
		output->n_written, output->n_not_run);
}

static void add_row(Page *page, const Output *output)
{
	const Entry *last = page_last(output);
	GString *out = page->out;

	g_string_append_printf(out, "<tr data-w=\"%s\" data-b=\"%u\"%s>",
		journal_verdict_name(last->verdict), last->build + 1,
		page->first && page->first->output == output ? " class=\"first\"" : "");
	add_cells(page, output, last);
	g_string_append(out, "<td class=\"h\"><details><summary>why</summary><noscript>");
	page_history(page, output);
	g_string_append(out, "</noscript></details></td></tr>\n");
}

static void add_rows(Page *page)
{
	g_string_append(page->out, "<section><h2>Files</h2>\n");
	add_tools(page);
	g_string_append(page->out,
		"<table id=\"outputs\">\n<caption>What became of each file the last time "
		"it was written: the last build first, in the order in which it wrote"
		"</caption>\n");
	add_columns(page->out);
	g_string_append(page->out, "<tbody>\n");
	for (unsigned i = 0; i < page->rows->len; i++)
		add_row(page, page->rows->pdata[i]);
	g_string_append(page->out, "</tbody></table></section>\n");
}

GString *report_html(const Report *report)
{
	Page page;

	page_begin(&page, report);
	add_head(page.out);
	add_title(&page);
	g_string_append(page.out, "<main>\n");
	add_builds(&page);
	add_never_same(&page);
	add_rows(&page);
	g_string_append_printf(
		page.out, "</main>\n<script>%s</script>\n</body>\n</html>\n", report_script);
	return page_end(&page);
}
