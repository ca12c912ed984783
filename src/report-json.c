/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report-json.h"

#include <inttypes.h>

static void add_text(GString *out, const char *key, const char *text)
{
	g_string_append_printf(out, ",\"%s\":", key);
	journal_json_string(out, text);
}

/* As in the journal. */
static void add_difference(GString *out, const Entry *entry)
{
	g_string_append_printf(out, ",\"size\":%" PRIu64, entry->size);
	if (entry->has_old)
		g_string_append_printf(out, ",\"old_size\":%" PRIu64, entry->old_size);
	if (entry->has_first)
		g_string_append_printf(out, ",\"first_difference\":%" PRIu64, entry->first);
	if (entry->has_n)
		g_string_append_printf(out, ",\"differing\":%" PRIu64, entry->n_differing);
	if (entry->old_bytes)
		add_text(out, "old_bytes", entry->old_bytes);
	if (entry->bytes)
		add_text(out, "bytes", entry->bytes);
}

static void add_outputs(const Report *report, GString *out, const char *key,
	GPtrArray *(*choose)(const Report *report), bool differences)
{
	g_autoptr(GPtrArray) outputs = choose(report);

	g_string_append_printf(out, ",\n\"%s\":[", key);
	for (unsigned i = 0; i < outputs->len; i++) {
		const Output *output = outputs->pdata[i];
		const Entry *last = report_last(output);

		g_string_append_printf(out, "%s{\"path\":", i > 0 ? ",\n " : "");
		journal_json_string(out, output->path);
		g_string_append_printf(out,
			",\"written\":%u,\"same\":%u,\"changed\":%u,\"bytes_not_written\":%" PRIu64
			",\"steps_not_run\":%u,\"read_by\":%u",
			output->n_written, output->n_same, output->n_changed, output->bytes_same,
			output->n_not_run, output->n_read_by);
		add_text(out, "command", last->command);
		if (differences)
			add_difference(out, last);
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

static void add_entry(const Report *report, GString *out, const Entry *entry, const char *separator)
{
	g_autoptr(GPtrArray) causes = report_causes(report, entry);

	g_string_append_printf(out,
		"%s{\"build\":%u,\"time\":%" PRId64 ".%06d,\"path\":", separator, entry->build + 1,
		entry->time / G_USEC_PER_SEC, (int)(entry->time % G_USEC_PER_SEC));
	journal_json_string(out, entry->output->path);
	add_text(out, "verdict", journal_verdict_name(entry->verdict));
	if (entry->because)
		add_text(out, "because", entry->because);
	add_difference(out, entry);
	add_text(out, "command", entry->command);
	g_string_append(out, ",\"after\":[");
	for (unsigned i = 0; i < causes->len; i++) {
		g_string_append(out, i > 0 ? "," : "");
		journal_json_string(out, ((const Entry *)causes->pdata[i])->output->path);
	}
	g_string_append(out, "]}");
}

char *report_json(const Report *report)
{
	GString *out = g_string_new(NULL);
	const char *separator = "";
	unsigned n[N_VERDICTS] = {};

	for (unsigned i = 0; i < report->entries->len; i++)
		n[((const Entry *)report->entries->pdata[i])->line]++;
	g_string_append_printf(out,
		"{\"mounts\":%u,\"builds\":%u,\"missed\":%" PRIu64 ",\"audit\":%u",
		report->n_mounts, report->builds->len, report->n_missed, report->n_audit);
	for (int v = 0; v < N_VERDICTS; v++)
		g_string_append_printf(out, ",\"%s\":%u", journal_verdict_name(v), n[v]);
	g_string_append_printf(out, ",\"bytes_not_written\":%" PRIu64 ",\"steps_not_run\":%u",
		report->bytes_same, report->n_not_run);
	add_outputs(report, out, "for_nothing", report_saved, false);
	add_outputs(report, out, "never_same", report_never_same, true);
	g_string_append(out, ",\n\"in_order\":[");
	for (unsigned i = 0; i < report->entries->len; i++) {
		const Entry *entry = report->entries->pdata[i];

		if (!report_sets_off(entry))
			continue;
		add_entry(report, out, entry, separator);
		separator = ",\n ";
	}
	g_string_append(out, "]}\n");
	return g_string_free(out, FALSE);
}
