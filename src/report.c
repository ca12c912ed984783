/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines are read into entries, each with its place in the journal; what belongs to one file is
 * found by its path. What a step writes several times is one entry in the end, and so is what it
 * renames: the others were passing. An entry has a cause if its step had read something that had
 * got other bytes, or another mtime, since the file was written the last time before. */

#include "report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "journal.h"
#include "log.h"

#define COMMAND_SHOWN 60 /* characters of a command */
#define CAUSES_SHOWN 5   /* for each entry, where there may be hundreds */
#define WHY_DEPTH 20

typedef struct Entry Entry;
typedef struct Output Output;

struct Entry {
	unsigned mount;   /* the mounts that begin are counted */
	Verdict verdict;  /* of its step in the end */
	Verdict line;     /* of the line itself */
	bool passing;     /* the same step has written it again, or renamed it */
	uint64_t step;    /* 0: unknown */
	const char *path; /* the output's */
	int64_t time;     /* us */
	uint64_t size, old_size, first, n_differing;
	bool has_old, has_first, has_n;
	char *old_bytes, *bytes; /* hexadecimal; or NULL */
	char *because;           /* or NULL */
	char *command;           /* for people; never NULL */
	GPtrArray *read;         /* paths, of all entries of its step; the first n_read by then */
	unsigned n_read;
	bool read_more;
	const Entry *before; /* of the same file, by another step; NULL: the first */
};

/* A file, by its path. */
struct Output {
	char *path;
	GPtrArray *entries;  /* not owned, in order */
	GHashTable *readers; /* the outputs whose steps have read it; not owned */
};

struct Report {
	char *base;
	GPtrArray *entries;  /* owned, in order */
	GHashTable *outputs; /* path -> Output, owned */
	GPtrArray *order;    /* outputs in the order of their first lines */
	GHashTable *steps;   /* step's number -> GPtrArray of what it has read; of this mount */
	unsigned n_mounts;
	uint64_t n_missed;
};

static void entry_free(gpointer data)
{
	Entry *entry = data;

	g_free(entry->old_bytes);
	g_free(entry->bytes);
	g_free(entry->because);
	g_free(entry->command);
	g_ptr_array_unref(entry->read);
	g_free(entry);
}

static void output_free(gpointer data)
{
	Output *output = data;

	g_ptr_array_unref(output->entries);
	g_hash_table_unref(output->readers);
	g_free(output->path);
	g_free(output);
}

static void names_free(gpointer names)
{
	g_ptr_array_unref(names);
}

Report *report_new(const char *base)
{
	Report *report = g_new0(Report, 1);

	report->base = g_strdup(base);
	report->entries = g_ptr_array_new_with_free_func(entry_free);
	report->outputs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, output_free);
	report->order = g_ptr_array_new();
	report->steps = g_hash_table_new_full(NULL, NULL, NULL, names_free);
	return report;
}

Report *report_free(Report *report)
{
	if (!report)
		return NULL;
	g_ptr_array_unref(report->order);
	g_ptr_array_unref(report->entries);
	g_hash_table_unref(report->outputs);
	g_hash_table_unref(report->steps);
	g_free(report->base);
	g_free(report);
	return NULL;
}

/* ---- reading ---- */

static char *text_of(const char *line, const char *key)
{
	g_autofree char *value = journal_json_value(line, key);

	return journal_json_text(value);
}

static uint64_t number_of(const char *line, const char *key, bool *ret_has)
{
	g_autofree char *value = journal_json_value(line, key);

	*ret_has = value != NULL;
	return value ? g_ascii_strtoull(value, NULL, 10) : 0;
}

static bool verdict_of(const char *word, Verdict *ret_verdict)
{
	for (int v = 0; v < N_VERDICTS; v++)
		if (strcmp(word, journal_verdict_name(v)) == 0) {
			*ret_verdict = v;
			return true;
		}
	return false;
}

/* "SECONDS.NNNNNNNNN" */
static int64_t time_of(const char *line)
{
	g_autofree char *value = journal_json_value(line, "time");
	char *end = NULL;
	int64_t us;

	if (!value)
		return 0;
	us = g_ascii_strtoll(value, &end, 10) * G_USEC_PER_SEC;
	if (*end == '.') {
		g_autofree char *digits = g_strdup_printf("%.6s", end + 1);

		us += g_ascii_strtoll(digits, NULL, 10);
	}
	return us;
}

/* The step's command says more than a program that it runs, if both are known. */
static char *command_of(const char *line)
{
	g_autofree char *step = journal_json_value(line, "step_command");
	g_autofree char *own = journal_json_value(line, "command");
	g_autoptr(GPtrArray) words = journal_json_texts(step ? step : own);
	g_autoptr(GString) out = g_string_new(NULL);
	bool shell = words->len >= 3 && g_str_has_suffix(words->pdata[0], "sh") &&
		     strcmp(words->pdata[1], "-c") == 0;

	if (words->len == 0)
		return g_strdup("somebody unknown");
	for (unsigned i = shell ? 2 : 0; i < words->len; i++)
		g_string_append_printf(
			out, "%s%s", out->len > 0 ? " " : "", (const char *)words->pdata[i]);
	return g_strdup(out->str);
}

static Output *output_get(Report *report, const char *path)
{
	Output *output = g_hash_table_lookup(report->outputs, path);

	if (output)
		return output;
	output = g_new0(Output, 1);
	output->path = g_strdup(path);
	output->entries = g_ptr_array_new();
	output->readers = g_hash_table_new(NULL, NULL);
	g_hash_table_insert(report->outputs, output->path, output);
	g_ptr_array_add(report->order, output);
	return output;
}

static bool entry_is_same(const Entry *entry)
{
	return entry->verdict == VERDICT_KEPT || entry->verdict == VERDICT_RESTORED;
}

/* Whether what is made of it is made again. */
static bool entry_sets_off(const Entry *entry)
{
	return !entry->passing &&
	       (entry->verdict == VERDICT_CHANGED || entry->verdict == VERDICT_NEW ||
		       entry->verdict == VERDICT_TOUCHED);
}

static Entry *output_last(const Output *output)
{
	return output->entries->len > 0 ? output->entries->pdata[output->entries->len - 1] : NULL;
}

static bool entry_is_of_step(const Entry *entry, const Entry *other)
{
	return entry->step > 0 && entry->step == other->step && entry->mount == other->mount;
}

/* What has become of the file from before the first of them to after the second. */
static Verdict merged_verdict(const Entry *first, const Entry *second)
{
	if (second->verdict == VERDICT_RESTORED || second->verdict == VERDICT_REMOVED ||
		second->verdict == VERDICT_FAILED || first->verdict == VERDICT_REMOVED ||
		first->verdict == VERDICT_FAILED || entry_is_same(first))
		return second->verdict;
	return first->verdict == VERDICT_TOUCHED && second->verdict == VERDICT_CHANGED
		       ? VERDICT_CHANGED
		       : first->verdict;
}

static void output_add(Report *report, Output *output, Entry *entry)
{
	Entry *before = output_last(output);

	entry->path = output->path;
	entry->before = before;
	if (before && entry_is_of_step(entry, before)) {
		before->passing = true;
		entry->before = before->before;
		entry->verdict = merged_verdict(before, entry);
		/* They tell of a file that nobody has seen. */
		entry->has_first = entry->has_n = false;
		g_clear_pointer(&entry->old_bytes, g_free);
		g_clear_pointer(&entry->bytes, g_free);
	}
	/* Removed first, and written again (as gcc does) with other bytes, or they would be back.
	 */
	if (entry->verdict == VERDICT_NEW && entry->before)
		entry->verdict = VERDICT_CHANGED;
	g_ptr_array_add(output->entries, entry);
	for (unsigned i = 0; i < entry->n_read; i++)
		g_hash_table_add(output_get(report, entry->read->pdata[i])->readers, output);
}

/* What has been renamed was written on the way. */
static void output_moved(Report *report, const char *from, const Entry *entry)
{
	const Output *output = g_hash_table_lookup(report->outputs, from);
	Entry *last = output ? output_last(output) : NULL;

	if (last && entry_is_of_step(entry, last))
		last->passing = true;
}

/* Each line has what has been read since the one before. */
static void entry_read(Report *report, Entry *entry, const char *line)
{
	g_autofree char *read = journal_json_value(line, "read");
	GPtrArray *more = journal_json_texts(read);
	GPtrArray *names = g_hash_table_lookup(report->steps, GSIZE_TO_POINTER(entry->step));

	if (!names) {
		names = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(report->steps, GSIZE_TO_POINTER(entry->step), names);
	}
	if (entry->step > 0)
		g_ptr_array_extend_and_steal(names, more);
	else
		g_ptr_array_unref(more);
	entry->read = g_ptr_array_ref(names);
	entry->n_read = names->len;
}

static Entry *entry_new(Report *report, const char *line, Verdict verdict)
{
	g_autofree char *more = journal_json_value(line, "read_more");
	Entry *entry = g_new0(Entry, 1);
	bool has;

	entry->verdict = entry->line = verdict;
	entry->step = number_of(line, "step", &has);
	entry->time = time_of(line);
	entry->size = number_of(line, "size", &has);
	entry->old_size = number_of(line, "old_size", &entry->has_old);
	entry->first = number_of(line, "first_difference", &entry->has_first);
	entry->n_differing = number_of(line, "differing", &entry->has_n);
	entry->old_bytes = text_of(line, "old_bytes");
	entry->bytes = text_of(line, "bytes");
	entry->because = text_of(line, "because");
	entry->command = command_of(line);
	entry_read(report, entry, line);
	entry->read_more = more != NULL;
	return entry;
}

bool report_add(Report *report, const char *line)
{
	g_autofree char *path = text_of(line, "path");
	g_autofree char *from = text_of(line, "from");
	g_autofree char *word = text_of(line, "verdict");
	g_autofree char *mounted = text_of(line, "mounted");
	Verdict verdict;
	Entry *entry;
	bool has;

	/* Or it is cut off. */
	if (journal_json_number(line, "v") != JOURNAL_FORMAT || !g_str_has_suffix(line, "}"))
		return false;
	if (mounted) {
		report->n_mounts++;
		/* Numbers of processes may come again. */
		g_hash_table_remove_all(report->steps);
	}
	report->n_missed += number_of(line, "missed", &has);
	if (mounted || has)
		return true;
	if (!path || !word || !verdict_of(word, &verdict))
		return false;
	entry = entry_new(report, line, verdict);
	entry->mount = report->n_mounts;
	g_ptr_array_add(report->entries, entry);
	output_add(report, output_get(report, path), entry);
	if (from)
		output_moved(report, from, entry);
	return true;
}

/* ---- causes ---- */

/* The last entry of what was read that set it off: after the file was written the time before, and
 * before it was written this time. NULL: there is none. */
static const Entry *cause_in(const Report *report, const Entry *entry, const char *path)
{
	const Output *input = g_hash_table_lookup(report->outputs, path);
	const Entry *found = NULL;

	for (unsigned i = 0; input && i < input->entries->len; i++) {
		const Entry *other = input->entries->pdata[i];

		if (other->time > entry->time)
			break;
		if (entry_sets_off(other) && (!entry->before || other->time > entry->before->time))
			found = other;
	}
	return found;
}

/* Entries; not owned. */
static GPtrArray *causes_of(const Report *report, const Entry *entry)
{
	GPtrArray *causes = g_ptr_array_new();

	for (unsigned i = 0; i < entry->n_read; i++) {
		const Entry *cause = cause_in(report, entry, entry->read->pdata[i]);

		if (cause && strcmp(cause->path, entry->path) != 0)
			g_ptr_array_add(causes, (Entry *)cause);
	}
	return causes;
}

/* ---- what has become of each file ---- */

typedef struct Counts Counts;

struct Counts {
	unsigned n_written;  /* by so many steps */
	unsigned n_same;     /* with the bytes that were there */
	unsigned n_changed;  /* with others */
	unsigned n_uncaused; /* ... though nothing had changed that they had read */
	uint64_t bytes_same;
};

/* Whether it is known what it was made of. */
static bool entry_is_known(const Entry *entry)
{
	return entry->step > 0 && !entry->read_more;
}

static Counts counts_of(const Report *report, const Output *output)
{
	Counts counts = {};

	for (unsigned i = 0; i < output->entries->len; i++) {
		const Entry *entry = output->entries->pdata[i];
		g_autoptr(GPtrArray) causes = NULL;

		if (entry->passing)
			continue;
		counts.n_written++;
		if (entry_is_same(entry)) {
			counts.n_same++;
			counts.bytes_same += entry->size;
		}
		if (entry->verdict != VERDICT_CHANGED)
			continue;
		causes = causes_of(report, entry);
		counts.n_changed++;
		counts.n_uncaused += causes->len == 0 && entry_is_known(entry);
	}
	return counts;
}

static bool is_same_sometimes(const Counts *counts)
{
	return counts->n_same > 0;
}

/* Other bytes whenever it was written over, and that for no reason that is known. */
static bool is_never_same(const Counts *counts)
{
	return counts->n_same == 0 && counts->n_uncaused >= 2;
}

typedef struct Row Row;

struct Row {
	const Output *output;
	Counts counts;
};

static gint compare_saved(gconstpointer a, gconstpointer b)
{
	const Row *x = a, *y = b;

	if (x->counts.bytes_same != y->counts.bytes_same)
		return x->counts.bytes_same > y->counts.bytes_same ? -1 : 1;
	if (x->counts.n_same != y->counts.n_same)
		return x->counts.n_same > y->counts.n_same ? -1 : 1;
	return strcmp(x->output->path, y->output->path);
}

/* An array of Row; to unref. */
static GArray *rows_where(const Report *report, bool (*is)(const Counts *counts))
{
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));

	for (unsigned i = 0; i < report->order->len; i++) {
		const Row row = {
			report->order->pdata[i], counts_of(report, report->order->pdata[i])};

		if (is(&row.counts))
			g_array_append_val(rows, row);
	}
	g_array_sort(rows, compare_saved);
	return rows;
}

/* ---- for people ---- */

static char *path_shown(const Report *report, const char *path)
{
	size_t n = report->base ? strlen(report->base) : 0;

	if (n > 0 && strncmp(path, report->base, n) == 0 && path[n] == '/')
		path += n + 1;
	return log_printable(path);
}

static char *command_shown(const Entry *entry, bool whole)
{
	g_autofree char *plain = log_printable(entry->command);

	if (whole || g_utf8_strlen(plain, -1) <= COMMAND_SHOWN)
		return g_steal_pointer(&plain);
	*g_utf8_offset_to_pointer(plain, COMMAND_SHOWN - 3) = 0;
	return g_strconcat(plain, "...", NULL);
}

static char *time_shown(const Entry *entry)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(entry->time / G_USEC_PER_SEC);
	g_autofree char *text = time ? g_date_time_format(time, "%H:%M:%S") : g_strdup("?");

	return g_strdup_printf("%s.%03d", text, (int)(entry->time % G_USEC_PER_SEC / 1000));
}

/* Hexadecimal digits as bytes that can be shown, others as points. */
static char *bytes_shown(const char *digits)
{
	GString *out = g_string_new(NULL);

	for (; digits[0] && digits[1]; digits += 2) {
		int c = g_ascii_xdigit_value(digits[0]) * 16 + g_ascii_xdigit_value(digits[1]);

		g_string_append_c(out, g_ascii_isprint((char)c) ? (char)c : '.');
	}
	return g_string_free(out, FALSE);
}

static void add_how(GString *out, const Entry *entry)
{
	if (entry->verdict == VERDICT_TOUCHED && entry->because)
		g_string_append_printf(out, " (%s)", entry->because);
	if (!entry->has_first)
		return;
	g_string_append_printf(out, " from byte %" PRIu64 " on", entry->first);
	if (entry->has_n)
		g_string_append_printf(
			out, ", %" PRIu64 " of %" PRIu64, entry->n_differing, entry->size);
	else
		g_string_append_printf(
			out, ", %" PRIu64 " bytes, were %" PRIu64, entry->size, entry->old_size);
}

static void add_saved(const Report *report, GString *out)
{
	g_autoptr(GArray) rows = rows_where(report, is_same_sometimes);

	if (rows->len == 0)
		return;
	g_string_append(out, "\nWritten with the bytes that were there, and nothing came of it:\n"
			     "   times        bytes  read by  file\n");
	for (unsigned i = 0; i < rows->len; i++) {
		const Row *row = &g_array_index(rows, Row, i);
		g_autofree char *path = path_shown(report, row->output->path);
		g_autofree char *command = command_shown(output_last(row->output), false);

		g_string_append_printf(out, "%8u %12" PRIu64 " %8u  %s: %s\n", row->counts.n_same,
			row->counts.bytes_same, g_hash_table_size(row->output->readers), path,
			command);
	}
}

static void add_causes(const Report *report, GString *out, const Entry *entry)
{
	g_autoptr(GPtrArray) causes = causes_of(report, entry);

	for (unsigned i = 0; i < causes->len; i++) {
		const Entry *cause = causes->pdata[i];
		g_autofree char *path = path_shown(report, cause->path);

		if (i == CAUSES_SHOWN) {
			g_string_append_printf(out, " and %u more", causes->len - CAUSES_SHOWN);
			break;
		}
		g_string_append_printf(out, "%s %s", i == 0 ? "                 after" : ",", path);
	}
	if (causes->len > 0)
		g_string_append_c(out, '\n');
}

static void add_changed(const Report *report, GString *out)
{
	bool any = false;

	for (unsigned i = 0; i < report->entries->len; i++) {
		const Entry *entry = report->entries->pdata[i];
		g_autofree char *path = NULL, *command = NULL, *time = NULL;

		if (!entry_sets_off(entry))
			continue;
		if (!any)
			g_string_append(out, "\nChanged, in this order:\n");
		any = true;
		path = path_shown(report, entry->path);
		command = command_shown(entry, false);
		time = time_shown(entry);
		g_string_append_printf(
			out, "  %s  %-8s %s", time, journal_verdict_name(entry->verdict), path);
		add_how(out, entry);
		g_string_append_printf(out, ": %s\n", command);
		add_causes(report, out, entry);
	}
}

static void add_bytes(GString *out, const char *what, const char *digits)
{
	g_autofree char *text = bytes_shown(digits);

	g_string_append_printf(out, "      %s  %-32s  %s\n", what, digits, text);
}

static void add_never_same(const Report *report, GString *out)
{
	g_autoptr(GArray) rows = rows_where(report, is_never_same);

	if (rows->len == 0)
		return;
	g_string_append(out,
		"\nOther bytes each time, though nothing had changed that was read here "
		"(a time, a path, an order that varies?):\n");
	for (unsigned i = 0; i < rows->len; i++) {
		const Row *row = &g_array_index(rows, Row, i);
		const Entry *last = output_last(row->output);
		g_autofree char *path = path_shown(report, row->output->path);

		g_string_append_printf(out, "  %s: %u times", path, row->counts.n_changed);
		add_how(out, last);
		g_string_append_c(out, '\n');
		if (last->old_bytes && last->bytes) {
			add_bytes(out, "old", last->old_bytes);
			add_bytes(out, "new", last->bytes);
		}
	}
}

static void count(const Report *report, unsigned n[N_VERDICTS])
{
	for (unsigned i = 0; i < report->entries->len; i++)
		n[((const Entry *)report->entries->pdata[i])->line]++;
}

char *report_text(const Report *report)
{
	GString *out = g_string_new(NULL);
	unsigned n[N_VERDICTS] = {};

	count(report, n);
	g_string_append_printf(
		out, "%u mounts, %u verdicts", report->n_mounts, report->entries->len);
	for (int v = 0; v < N_VERDICTS; v++)
		if (n[v] > 0)
			g_string_append_printf(out, ", %u %s", n[v], journal_verdict_name(v));
	g_string_append_c(out, '\n');
	if (report->n_missed > 0)
		g_string_append_printf(
			out, "%" PRIu64 " lines are missing from the journal\n", report->n_missed);
	add_saved(report, out);
	add_changed(report, out);
	add_never_same(report, out);
	return g_string_free(out, FALSE);
}

/* ---- why ---- */

static const Entry *last_that_set_off(const Output *output)
{
	for (unsigned i = output ? output->entries->len : 0; i > 0; i--)
		if (entry_sets_off(output->entries->pdata[i - 1]))
			return output->entries->pdata[i - 1];
	return NULL;
}

static void add_why(
	const Report *report, GString *out, const Entry *entry, GHashTable *told, unsigned depth)
{
	g_autofree char *path = path_shown(report, entry->path);
	g_autofree char *command = command_shown(entry, true);
	g_autofree char *time = time_shown(entry);
	g_autoptr(GPtrArray) causes = causes_of(report, entry);
	int indent = 2 * (int)depth;

	g_string_append_printf(out, "%*s%s: %s at %s", indent, "", path,
		journal_verdict_name(entry->verdict), time);
	add_how(out, entry);
	g_string_append_printf(out, ", by %s\n", command);
	if (!g_hash_table_add(told, (Entry *)entry) || depth == WHY_DEPTH) {
		if (causes->len > 0)
			g_string_append_printf(out, "%*s  ...\n", indent, "");
		return;
	}
	if (causes->len == 0)
		g_string_append_printf(out,
			"%*s  of what its step had read in the mounts%s nothing "
			"had changed since it was written before\n",
			indent, "", entry->read_more ? ", as far as it is known," : "");
	for (unsigned i = 0; i < causes->len; i++)
		add_why(report, out, causes->pdata[i], told, depth + 1);
}

char *report_why(const Report *report, const char *path)
{
	const Entry *entry = last_that_set_off(g_hash_table_lookup(report->outputs, path));
	g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
	GString *out;

	if (!entry)
		return NULL;
	out = g_string_new(NULL);
	add_why(report, out, entry, told, 0);
	return g_string_free(out, FALSE);
}

/* ---- JSON ---- */

static void json_rows(
	const Report *report, GString *out, const char *key, bool (*is)(const Counts *counts))
{
	g_autoptr(GArray) rows = rows_where(report, is);

	g_string_append_printf(out, ",\n\"%s\":[", key);
	for (unsigned i = 0; i < rows->len; i++) {
		const Row *row = &g_array_index(rows, Row, i);

		g_string_append_printf(out, "%s{\"path\":", i > 0 ? ",\n " : "");
		journal_json_string(out, row->output->path);
		g_string_append_printf(out,
			",\"written\":%u,\"same\":%u,\"changed\":%u,\"bytes_not_written\":%" PRIu64
			",\"read_by\":%u,\"command\":",
			row->counts.n_written, row->counts.n_same, row->counts.n_changed,
			row->counts.bytes_same, g_hash_table_size(row->output->readers));
		journal_json_string(out, output_last(row->output)->command);
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

static void json_entry(
	const Report *report, GString *out, const Entry *entry, const char *separator)
{
	g_autoptr(GPtrArray) causes = causes_of(report, entry);

	g_string_append_printf(out, "%s{\"time\":%" PRId64 ".%06d,\"path\":", separator,
		entry->time / G_USEC_PER_SEC, (int)(entry->time % G_USEC_PER_SEC));
	journal_json_string(out, entry->path);
	g_string_append_printf(
		out, ",\"verdict\":\"%s\",\"command\":", journal_verdict_name(entry->verdict));
	journal_json_string(out, entry->command);
	g_string_append(out, ",\"after\":[");
	for (unsigned i = 0; i < causes->len; i++) {
		g_string_append(out, i > 0 ? "," : "");
		journal_json_string(out, ((const Entry *)causes->pdata[i])->path);
	}
	g_string_append(out, "]}");
}

char *report_json(const Report *report)
{
	GString *out = g_string_new(NULL);
	const char *separator = "";
	unsigned n[N_VERDICTS] = {};

	count(report, n);
	g_string_append_printf(
		out, "{\"mounts\":%u,\"missed\":%" PRIu64, report->n_mounts, report->n_missed);
	for (int v = 0; v < N_VERDICTS; v++)
		g_string_append_printf(out, ",\"%s\":%u", journal_verdict_name(v), n[v]);
	json_rows(report, out, "for_nothing", is_same_sometimes);
	json_rows(report, out, "never_same", is_never_same);
	g_string_append(out, ",\n\"in_order\":[");
	for (unsigned i = 0; i < report->entries->len; i++) {
		const Entry *entry = report->entries->pdata[i];

		if (!entry_sets_off(entry))
			continue;
		json_entry(report, out, entry, separator);
		separator = ",\n ";
	}
	g_string_append(out, "]}\n");
	return g_string_free(out, FALSE);
}
