/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows stand as they are wanted first: the last build, in the order in which it wrote, then the one
 * before. However many files there are, the page must open. So of what each file could tell only so
 * much is written as all of them together may have; a few files tell everything. */

#include "report-page.h"

#include "html.h"
#include "report-show.h"

/* In the whole page, about. */
#define CAUSES_TOLD 160000
#define READ_TOLD 200000
#define HISTORY_TOLD 60000

/* ---- which ---- */

const Entry *page_last(const Output *output)
{
	for (unsigned i = output->entries->len; i > 0; i--) {
		const Entry *entry = output->entries->pdata[i - 1];

		if (!entry->passing)
			return entry;
	}
	return NULL;
}

/* The last ones, and the last of those that set off others. */
bool page_tells(const Page *page, const Entry *entry)
{
	const Output *output = entry->output;
	unsigned n_later = 0;

	if (entry->passing)
		return false;
	for (const Entry *e = entry->next; e && n_later < page->n_history; e = e->next)
		n_later += !e->passing;
	return n_later < page->n_history || entry == report_last_that_set_off(output);
}

unsigned page_target(const Page *page, const Entry *entry)
{
	return page_tells(page, entry) ? entry->number : page_last(entry->output)->number;
}

static gint compare_rows(gconstpointer a, gconstpointer b)
{
	const Entry *x = page_last(*(const Output *const *)a);
	const Entry *y = page_last(*(const Output *const *)b);

	if (x->build != y->build)
		return x->build > y->build ? -1 : 1;
	return x->number > y->number ? 1 : -1;
}

void page_begin(Page *page, const Report *report)
{
	unsigned n;

	page->out = g_string_new(NULL);
	page->report = report;
	page->first = NULL;
	page->rows = g_ptr_array_new();
	for (unsigned i = 0; i < report->outputs->len; i++)
		if (page_last(report->outputs->pdata[i]))
			g_ptr_array_add(page->rows, report->outputs->pdata[i]);
	g_ptr_array_sort(page->rows, compare_rows);
	for (unsigned i = report->builds->len; i > 0 && !page->first; i--)
		page->first = ((const Build *)report->builds->pdata[i - 1])->first_change;
	n = MAX(1, page->rows->len);
	page->n_history = CLAMP(HISTORY_TOLD / n, 2, 30);
	page->n_causes = CLAMP(CAUSES_TOLD / n, 4, 100);
	page->n_read = CLAMP(READ_TOLD / n, 8, 1024);
}

GString *page_end(Page *page)
{
	g_ptr_array_unref(page->rows);
	return page->out;
}

/* ---- words ---- */

void page_path(Page *page, const Output *output)
{
	g_autofree char *path = show_path(page->report, output->path);

	html_text(page->out, path);
}

void page_verdict(Page *page, const char *tag, Verdict verdict)
{
	const char *word = journal_verdict_name(verdict);

	g_string_append_printf(page->out, "<%s class=\"v %s\">%s</%s>", tag, word, word, tag);
}

void page_difference(Page *page, const Entry *entry, const char *before)
{
	g_autoptr(GString) how = g_string_new(NULL);

	show_difference(how, entry);
	if (how->len == 0)
		return;
	g_string_append(page->out, before);
	html_text(page->out, how->str);
}

void page_command(Page *page, const Entry *entry, unsigned max)
{
	g_autofree char *command = show_command(entry, max);

	html_text(page->out, command);
}

static void add_line_of_bytes(Page *page, const char *before, const char *digits)
{
	g_autofree char *hex = show_digits(digits);
	g_autofree char *text = show_bytes(digits);

	g_string_append_printf(page->out, "%s  %-47s  ", before, hex);
	html_text(page->out, text);
}

void page_bytes(Page *page, const Entry *entry)
{
	if (!entry->old_bytes || !entry->bytes)
		return;
	g_string_append(page->out, "<pre>");
	add_line_of_bytes(page, "old", entry->old_bytes);
	add_line_of_bytes(page, "\nnew", entry->bytes);
	g_string_append(page->out, "</pre>");
}
