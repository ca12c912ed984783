/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was for nothing is summed over all builds; what changed is told build by build. What is new
 * is named only if it set off something that was there before: in a first build that is nothing. */

#include "report-text.h"

#include <inttypes.h>
#include <string.h>

#include "report-show.h"

#define COMMAND_SHOWN 60 /* characters */
#define CAUSES_SHOWN 5   /* for each entry, where there may be hundreds */
#define SAVED_SHOWN 40
#define CHANGES_SHOWN 200 /* of each build */
#define WHY_DEPTH 20

static void add_head(const Report *report, GString *out)
{
	unsigned n[N_VERDICTS] = {};

	for (unsigned i = 0; i < report->entries->len; i++)
		n[((const Entry *)report->entries->pdata[i])->line]++;
	show_count(out, report->builds->len, "build");
	g_string_append(out, ", ");
	show_count(out, report->entries->len, "verdict");
	show_verdicts(out, n);
	g_string_append_c(out, '\n');
	if (report->n_missed == 0)
		return;
	show_count(out, report->n_missed, "line");
	g_string_append_printf(
		out, " %s missing from the journal\n", report->n_missed == 1 ? "is" : "are");
}

/* What is told of an audit has not come to pass. */
static void add_audit(const Report *report, GString *out)
{
	unsigned n[N_VERDICTS] = {};
	uint64_t bytes = 0;

	for (unsigned i = 0; i < report->entries->len; i++) {
		const Entry *entry = report->entries->pdata[i];

		if (!entry->audit)
			continue;
		n[entry->line]++;
		/* The bytes of what is renamed are those of the line before. */
		if (report_is_same(entry) && !entry->passing)
			bytes += entry->size;
	}
	if (report->n_audit > 0)
		g_string_append_printf(out,
			"%u verdicts are of an audit: nothing was held back; %u would have been "
			"kept, %u restored, %" PRIu64 " bytes not written\n",
			report->n_audit, n[VERDICT_KEPT], n[VERDICT_RESTORED], bytes);
}

static void add_saved(const Report *report, GString *out)
{
	g_autoptr(GPtrArray) saved = report_saved(report);
	g_autofree char *size = show_size(report->bytes_same);

	if (saved->len == 0)
		return;
	g_string_append_printf(out,
		"\nFor nothing: written with the bytes that were there, so that what is made "
		"of it was left alone%s\n   times        bytes    steps  file: command\n",
		report->n_audit > 0 ? ", or would have been but for an audit" : "");
	for (unsigned i = 0; i < MIN(saved->len, SAVED_SHOWN); i++) {
		const Output *output = saved->pdata[i];
		g_autofree char *path = show_path(report, output->path);
		g_autofree char *command = show_command(report_last(output), COMMAND_SHOWN);

		g_string_append_printf(out, "%8u %12" PRIu64 " %8u  %s: %s\n", output->n_same,
			output->bytes_same, output->n_not_run, path, command);
	}
	if (saved->len > SAVED_SHOWN)
		g_string_append_printf(out, "%33sand %u more\n", "", saved->len - SAVED_SHOWN);
	g_string_append(out, "  in all ");
	show_count(out, report->n_same, "time");
	g_string_append_printf(out, ", %s not written, ", size);
	show_count(out, report->n_not_run, "step");
	g_string_append(out, " not run that had read them, or what those had made\n");
}

static void add_causes(const Report *report, GString *out, const Entry *entry)
{
	g_autoptr(GPtrArray) causes = report_causes(report, entry);

	for (unsigned i = 0; i < causes->len; i++) {
		const Entry *cause = causes->pdata[i];
		g_autofree char *path = show_path(report, cause->output->path);

		if (i == CAUSES_SHOWN) {
			g_string_append_printf(out, " and %u more", causes->len - CAUSES_SHOWN);
			break;
		}
		g_string_append_printf(out, "%s %s", i == 0 ? "                 after" : ",", path);
	}
	if (causes->len > 0)
		g_string_append_c(out, '\n');
}

static void add_difference(GString *out, const Entry *entry)
{
	g_autoptr(GString) how = g_string_new(NULL);

	show_difference(how, entry);
	if (how->len > 0)
		g_string_append_printf(out, *how->str == '(' ? " %s" : " (%s)", how->str);
}

static void add_change(const Report *report, GString *out, const Entry *entry)
{
	g_autofree char *path = show_path(report, entry->output->path);
	g_autofree char *command = show_command(entry, COMMAND_SHOWN);
	g_autofree char *time = show_time(entry->time);

	g_string_append_printf(
		out, "  %s  %-8s %s", time, journal_verdict_name(entry->verdict), path);
	add_difference(out, entry);
	g_string_append_printf(out, ": %s\n", command);
	add_causes(report, out, entry);
}

static void add_build(const Report *report, GString *out, unsigned number)
{
	const Build *build = report->builds->pdata[number];
	g_autofree char *date = show_date(build->begin);
	g_autofree char *duration = show_duration(build->end - build->begin);
	unsigned n_changes = 0, n_new = 0;

	g_string_append_printf(out, "\nBuild %u, %s, %s", number + 1, date, duration);
	show_verdicts(out, build->n_verdicts);
	for (unsigned i = build->first; i < build->first + build->n_entries; i++) {
		const Entry *entry = report->entries->pdata[i];

		if (!report_sets_off(entry))
			continue;
		if (!report_is_change(entry)) {
			n_new++;
			continue;
		}
		if (n_changes == 0)
			g_string_append(out, "\n Changed, in this order:\n");
		if (++n_changes <= CHANGES_SHOWN)
			add_change(report, out, entry);
	}
	if (n_changes > CHANGES_SHOWN)
		g_string_append_printf(out, "  and %u more\n", n_changes - CHANGES_SHOWN);
	if (n_changes == 0)
		g_string_append(out, n_new > 0 ? "\n" : "\n Nothing changed.\n");
	if (n_new > 0)
		g_string_append_printf(out,
			" %u new file%s, for which nothing that was there before was made again\n",
			n_new, n_new == 1 ? "" : "s");
}

/* Whether all changes of it begin at the same byte. */
static bool is_at_one_place(const Output *output)
{
	const Entry *last = report_last(output);
	unsigned n = 0;

	for (unsigned i = 0; i < output->entries->len; i++) {
		const Entry *entry = output->entries->pdata[i];

		if (!entry->has_first)
			continue;
		if (entry->first != last->first)
			return false;
		n++;
	}
	return n > 1 && last->has_first;
}

static void add_bytes(GString *out, const char *what, const char *digits)
{
	g_autofree char *hex = show_digits(digits);
	g_autofree char *text = show_bytes(digits);

	g_string_append_printf(out, "      %s  %-47s  %s\n", what, hex, text);
}

static void add_never_same(const Report *report, GString *out)
{
	g_autoptr(GPtrArray) rows = report_never_same(report);

	if (rows->len == 0)
		return;
	g_string_append(out, "\nNever the same: other bytes each time, though nothing had changed "
			     "that was read here\n"
			     "(a time, a random number, an order that varies? or sources outside "
			     "of the mounts)\n");
	for (unsigned i = 0; i < rows->len; i++) {
		const Output *output = rows->pdata[i];
		const Entry *last = report_last(output);
		g_autofree char *path = show_path(report, output->path);
		g_autofree char *command = show_command(last, COMMAND_SHOWN);

		g_string_append_printf(out, "  %s: ", path);
		show_count(out, output->n_changed, "time");
		if (!last->has_first)
			g_string_append(out, ", where is not known");
		else
			g_string_append(out,
				is_at_one_place(output) ? ", always there" : ", the last time");
		add_difference(out, last);
		g_string_append_printf(out, ": %s\n", command);
		if (last->old_bytes && last->bytes) {
			add_bytes(out, "old", last->old_bytes);
			add_bytes(out, "new", last->bytes);
		}
	}
}

char *report_text(const Report *report)
{
	GString *out = g_string_new(NULL);

	add_head(report, out);
	add_audit(report, out);
	add_saved(report, out);
	add_never_same(report, out);
	for (unsigned i = 0; i < report->builds->len; i++)
		add_build(report, out, i);
	return g_string_free(out, FALSE);
}

/* ---- why ---- */

/* Those of the causes of one entry that have the same causes themselves. */
typedef struct Alike Alike;

struct Alike {
	const Entry *first; /* not owned */
	GString *others;    /* owned; their paths */
	unsigned n_others;
};

static void alike_free(gpointer data)
{
	Alike *alike = data;

	g_string_free(alike->others, TRUE);
	g_free(alike);
}

/* What has one key has the same causes; of what has none the first few are told by themselves. To
 * free. */
static char *alike_key(const Report *report, const Entry *entry, unsigned *n_without)
{
	g_autoptr(GPtrArray) causes = report_causes(report, entry);
	GString *key = g_string_new(NULL);

	if (causes->len == 0)
		g_string_printf(key, "none %u", MIN((*n_without)++, CAUSES_SHOWN - 1));
	for (unsigned i = 0; i < causes->len; i++)
		g_string_append_printf(key, " %u", ((const Entry *)causes->pdata[i])->number);
	return g_string_free(key, FALSE);
}

/* In the order of the first of each. An array that owns Alikes. */
static GPtrArray *alike_find(const Report *report, const GPtrArray *causes)
{
	g_autoptr(GHashTable) by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *found = g_ptr_array_new_with_free_func(alike_free);
	unsigned n_without = 0;

	for (unsigned i = 0; i < causes->len; i++) {
		const Entry *cause = causes->pdata[i];
		g_autofree char *key = alike_key(report, cause, &n_without);
		Alike *alike = g_hash_table_lookup(by_key, key);

		if (!alike) {
			alike = g_new0(Alike, 1);
			alike->first = cause;
			alike->others = g_string_new(NULL);
			g_ptr_array_add(found, alike);
			g_hash_table_insert(by_key, g_steal_pointer(&key), alike);
			continue;
		}
		if (alike->n_others++ < CAUSES_SHOWN) {
			g_autofree char *path = show_path(report, cause->output->path);

			g_string_append_printf(
				alike->others, "%s%s", alike->n_others > 1 ? ", " : "", path);
		}
	}
	return found;
}

static void add_alike(GString *out, const Alike *alike, int indent)
{
	if (alike->n_others == 0)
		return;
	g_string_append_printf(out, "%*sand likewise %s", indent, "", alike->others->str);
	if (alike->n_others > CAUSES_SHOWN)
		g_string_append_printf(out, " and %u more", alike->n_others - CAUSES_SHOWN);
	g_string_append_c(out, '\n');
}

static void add_why(
	const Report *report, GString *out, const Entry *entry, GHashTable *told, unsigned depth)
{
	g_autofree char *path = show_path(report, entry->output->path);
	g_autofree char *command = show_command(entry, 0);
	g_autofree char *time = show_time(entry->time);
	g_autoptr(GPtrArray) causes = report_causes(report, entry);
	g_autoptr(GPtrArray) alike = NULL;
	int indent = 2 * (int)depth;

	g_string_append_printf(out, "%*s%s: %s at %s", indent, "", path,
		journal_verdict_name(entry->verdict), time);
	add_difference(out, entry);
	g_string_append_printf(out, ", by %s\n", command);
	if (!g_hash_table_add(told, (Entry *)entry) || depth == WHY_DEPTH) {
		if (causes->len > 0)
			g_string_append_printf(out, "%*s  ...\n", indent, "");
		return;
	}
	if (causes->len == 0)
		g_string_append_printf(out,
			"%*s  nothing that its step had read in the mounts%s had changed since it "
			"was written before: the cause is its command, or lies outside the "
			"mounts\n",
			indent, "", entry->read_more ? ", as far as it is known," : "");
	alike = alike_find(report, causes);
	for (unsigned i = 0; i < alike->len; i++) {
		const Alike *one = alike->pdata[i];

		add_why(report, out, one->first, told, depth + 1);
		add_alike(out, one, indent + 2);
	}
}

/* After its last change, or without one. */
static void add_same(const Report *report, GString *out, const Output *output, const Entry *after)
{
	g_autofree char *path = show_path(report, output->path);
	g_autofree char *command = NULL, *time = NULL;
	const Entry *last = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < output->entries->len; i++) {
		const Entry *entry = output->entries->pdata[i];

		if ((after && entry->number <= after->number) || entry->passing ||
			!report_is_same(entry))
			continue;
		last = entry;
		n++;
	}
	if (!last)
		return;
	command = show_command(last, 0);
	time = show_time(last->time);
	g_string_append_printf(out, "%s: %swritten with the bytes that were there, ", path,
		after ? "since then " : "");
	show_count(out, n, "time");
	g_string_append_printf(out,
		", the last one at %s, by %s: nothing was made again for that\n", time, command);
}

char *report_why(const Report *report, const char *path)
{
	const Output *output = report_output(report, path);
	const Entry *entry = output ? report_last_that_set_off(output) : NULL;
	g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
	GString *out;

	if (!output)
		return NULL;
	out = g_string_new(NULL);
	if (entry)
		add_why(report, out, entry, told, 0);
	add_same(report, out, output, entry);
	if (out->len == 0 && output->entries->len == 0) {
		g_autofree char *shown = show_path(report, path);

		g_string_append_printf(
			out, "%s: was read, and never written in the mounts\n", shown);
	} else if (out->len == 0) {
		add_change(report, out, report_last(output));
	}
	return g_string_free(out, FALSE);
}
