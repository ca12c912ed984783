/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Of each entry what had changed before, as links to the entries of that, so that a chain can be
 * followed without a script. */

#include "report-page.h"

#include <string.h>

#include "report-show.h"

static void add_causes(Page *page, const Entry *entry, const GPtrArray *causes)
{
	GString *out = page->out;
	const char *words = entry->before ? "made again after" : "made after";
	g_autofree char *more = NULL;

	if (causes->len == 0) {
		if (entry->before)
			g_string_append_printf(out,
				"<div>nothing that its step had read in the mounts%s had changed "
				"since it was written before</div>",
				entry->read_more ? ", as far as it is known," : "");
		return;
	}
	if (causes->len > page->n_causes)
		more = g_strdup_printf(" and %u more", causes->len - page->n_causes);
	g_string_append_printf(out, "<div class=\"after\" data-t=\"%s\"", words);
	if (more)
		g_string_append_printf(out, " data-m=\"%s\"", more);
	g_string_append_printf(out, ">%s ", words);
	for (unsigned i = 0; i < MIN(causes->len, page->n_causes); i++) {
		const Entry *cause = causes->pdata[i];

		g_string_append_printf(
			out, "%s<a href=\"#e%u\">", i > 0 ? ", " : "", page_target(page, cause));
		page_path(page, cause->output);
		g_string_append(out, "</a>");
	}
	g_string_append_printf(out, "%s</div>", more ? more : "");
}

static bool is_cause(const GPtrArray *causes, const Output *output)
{
	for (unsigned i = 0; i < causes->len; i++)
		if (((const Entry *)causes->pdata[i])->output == output)
			return true;
	return false;
}

/* What has been named as a cause is not named again. */
static void add_read(Page *page, const Entry *entry, GPtrArray *causes)
{
	GString *out = page->out;
	unsigned n = 0;

	if (causes->len > page->n_causes)
		g_ptr_array_set_size(causes, (int)page->n_causes);
	for (unsigned i = 0; i < entry->n_read; i++) {
		const Output *input = entry->step->read->pdata[i];

		if (n == page->n_read) {
			g_string_append_printf(out, " and %u more", entry->n_read - i);
			break;
		}
		if (is_cause(causes, input))
			continue;
		g_string_append(out, n++ == 0 ? (causes->len > 0 ? "<div class=\"r\">read as well: "
								 : "<div class=\"r\">read: ")
					      : ", ");
		page_path(page, input);
	}
	if (n > 0)
		g_string_append_printf(
			out, "%s</div>", entry->read_more ? ", and what is not known" : "");
}

/* row: the entry whose command stands in the row. */
static void add_entry(Page *page, const Entry *entry, const Entry *row)
{
	GString *out = page->out;
	g_autoptr(GPtrArray) causes = report_causes(page->report, entry);
	g_autofree char *time = show_time(entry->time);

	g_string_append_printf(out, "<li id=\"e%u\"><span class=\"s\">", entry->number);
	page_verdict(page, "b", entry->verdict);
	g_string_append_printf(out, " at %s in build %u, ", time, entry->build + 1);
	show_count(out, entry->size, "byte");
	page_difference(page, entry, "; ");
	g_string_append(out, "</span>");
	if (entry->duration > 0) {
		g_autofree char *duration = show_duration(entry->duration);

		g_string_append_printf(out, ", open for %s", duration);
	}
	if (strcmp(entry->command, row->command) != 0) {
		g_string_append(out, ", by <code>");
		page_command(page, entry, 0);
		g_string_append(out, "</code>");
	}
	page_bytes(page, entry);
	add_causes(page, entry, causes);
	add_read(page, entry, causes);
	g_string_append(out, "</li>\n");
}

void page_history(Page *page, const Output *output)
{
	g_string_append(page->out, "<ol>");
	for (unsigned i = output->entries->len; i > 0; i--)
		if (page_tells(page, output->entries->pdata[i - 1]))
			add_entry(page, output->entries->pdata[i - 1], page_last(output));
	g_string_append(page->out, "</ol>");
}
