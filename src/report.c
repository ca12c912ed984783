/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines are read into entries, each with its place in the journal; what belongs to one file is
 * found by its path. What a step writes several times is one entry in the end, and so is what it
 * renames: the others were passing. An entry has a cause if its step had read something that had
 * got other bytes, or another mtime, since the file was written the last time before. What a step
 * has read is kept once, and each of its entries knows how much of that it was by then. */

#include "report.h"

#include <string.h>

static void entry_free(gpointer data)
{
	Entry *entry = data;

	g_free(entry->old_bytes);
	g_free(entry->bytes);
	g_free(entry->because);
	g_free(entry->error);
	g_free(entry->command);
	g_free(entry);
}

static void output_free(gpointer data)
{
	Output *output = data;

	g_ptr_array_unref(output->entries);
	g_array_unref(output->readers);
	g_free(output->path);
	g_free(output);
}

static void step_free(gpointer data)
{
	Step *step = data;

	g_ptr_array_unref(step->read);
	g_ptr_array_unref(step->entries);
	g_free(step);
}

Report *report_new(const char *base)
{
	Report *report = g_new0(Report, 1);

	report->base = g_strdup(base);
	report->entries = g_ptr_array_new_with_free_func(entry_free);
	report->outputs = g_ptr_array_new_with_free_func(output_free);
	report->builds = g_ptr_array_new_with_free_func(g_free);
	report->all_steps = g_ptr_array_new_with_free_func(step_free);
	report->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	report->steps = g_hash_table_new(NULL, NULL);
	return report;
}

Report *report_free(Report *report)
{
	if (!report)
		return NULL;
	g_hash_table_unref(report->by_path);
	g_hash_table_unref(report->steps);
	g_ptr_array_unref(report->builds);
	g_ptr_array_unref(report->all_steps);
	g_ptr_array_unref(report->entries);
	g_ptr_array_unref(report->outputs);
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

/* Microseconds of "SECONDS.NNNNNNNNN"; what is no time, or none that a clock has, is 0. */
static int64_t time_of(const char *line, const char *key)
{
	g_autofree char *value = journal_json_value(line, key);
	char *end = NULL;
	int64_t us;

	us = value ? g_ascii_strtoll(value, &end, 10) : 0;
	if (us <= 0 || us > G_MAXINT32 * INT64_C(100))
		us = 0;
	us *= G_USEC_PER_SEC;
	if (value && *end == '.') {
		g_autofree char *digits = g_strdup_printf("%.6s00000", end + 1);

		digits[6] = 0;
		us += (int64_t)g_ascii_strtoull(digits, NULL, 10);
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
	Output *output = g_hash_table_lookup(report->by_path, path);

	if (output)
		return output;
	output = g_new0(Output, 1);
	output->path = g_strdup(path);
	output->number = report->outputs->len;
	output->entries = g_ptr_array_new();
	output->readers = g_array_new(FALSE, FALSE, sizeof(Reading));
	g_hash_table_insert(report->by_path, output->path, output);
	g_ptr_array_add(report->outputs, output);
	return output;
}

/* Of an unknown step nothing is known but one line. */
static Step *step_get(Report *report, uint64_t number)
{
	Step *step = g_hash_table_lookup(report->steps, GSIZE_TO_POINTER(number));

	if (step)
		return step;
	step = g_new0(Step, 1);
	step->number = number;
	step->read = g_ptr_array_new();
	step->entries = g_ptr_array_new();
	g_ptr_array_add(report->all_steps, step);
	if (number > 0)
		g_hash_table_insert(report->steps, GSIZE_TO_POINTER(number), step);
	return step;
}

bool report_is_same(const Entry *entry)
{
	return entry->verdict == VERDICT_KEPT || entry->verdict == VERDICT_RESTORED;
}

bool report_sets_off(const Entry *entry)
{
	return !entry->passing &&
	       (entry->verdict == VERDICT_CHANGED || entry->verdict == VERDICT_NEW ||
		       entry->verdict == VERDICT_TOUCHED);
}

const Entry *report_last(const Output *output)
{
	return output->entries->len > 0 ? output->entries->pdata[output->entries->len - 1] : NULL;
}

const Entry *report_last_that_set_off(const Output *output)
{
	for (unsigned i = output->entries->len; i > 0; i--)
		if (report_sets_off(output->entries->pdata[i - 1]))
			return output->entries->pdata[i - 1];
	return NULL;
}

const Output *report_output(const Report *report, const char *path)
{
	return g_hash_table_lookup(report->by_path, path);
}

static bool is_of_step(const Entry *entry, const Entry *other)
{
	return entry->step == other->step && entry->step->number > 0;
}

/* What has become of the file from before the first of them to after the second. */
static Verdict merged_verdict(const Entry *first, const Entry *second)
{
	if (second->verdict == VERDICT_RESTORED || second->verdict == VERDICT_REMOVED ||
		second->verdict == VERDICT_FAILED || first->verdict == VERDICT_REMOVED ||
		first->verdict == VERDICT_FAILED || report_is_same(first))
		return second->verdict;
	return first->verdict == VERDICT_TOUCHED && second->verdict == VERDICT_CHANGED
		       ? VERDICT_CHANGED
		       : first->verdict;
}

/* Whether what has come back under its name (as of gcc, which removes it first) has other bytes for
 * certain: it was compared with what had been removed, or is of another size. In the same run of
 * lklfs the same bytes would have been restored; of an earlier one's nothing is remembered. */
static bool is_other_again(const Entry *entry)
{
	return entry->has_first || entry->has_old ||
	       (entry->before &&
		       (entry->run == entry->before->run || entry->size != entry->before->size));
}

static void output_add(Output *output, Entry *entry)
{
	Entry *before = (Entry *)report_last(output);

	entry->output = output;
	entry->before = before;
	if (before)
		before->next = entry;
	if (before && is_of_step(entry, before)) {
		before->passing = true;
		entry->before = before->before;
		entry->verdict = merged_verdict(before, entry);
		/* They tell of a file that nobody has seen. */
		entry->has_first = entry->has_n = entry->has_old = false;
		g_clear_pointer(&entry->old_bytes, g_free);
		g_clear_pointer(&entry->bytes, g_free);
	}
	if (entry->verdict == VERDICT_NEW && is_other_again(entry))
		entry->verdict = VERDICT_CHANGED;
	g_ptr_array_add(output->entries, entry);
}

/* What has been renamed was written on the way. */
static void output_moved(Report *report, const char *from, const Entry *entry)
{
	const Output *output = g_hash_table_lookup(report->by_path, from);
	Entry *last = output ? (Entry *)report_last(output) : NULL;

	if (last && is_of_step(entry, last))
		last->passing = true;
}

/* Each line has what has been read since the one before. */
static void entry_read(Report *report, Entry *entry, const char *line)
{
	g_autofree char *read = journal_json_value(line, "read");
	g_autoptr(GPtrArray) names = journal_json_texts(read);
	Step *step = entry->step;

	for (unsigned i = 0; i < names->len; i++) {
		Output *input = output_get(report, names->pdata[i]);
		const Reading reading = {step, step->read->len};

		g_ptr_array_add(step->read, input);
		g_array_append_val(input->readers, reading);
	}
	entry->n_read = step->read->len;
}

static Entry *entry_new(Report *report, const char *line, Verdict verdict)
{
	g_autofree char *more = journal_json_value(line, "read_more");
	g_autofree char *audit = journal_json_value(line, "audit");
	Entry *entry = g_new0(Entry, 1);
	bool has;

	entry->number = report->entries->len;
	entry->run = report->n_runs;
	entry->verdict = entry->line = verdict;
	entry->time = time_of(line, "time");
	entry->duration = MIN(time_of(line, "duration"), entry->time);
	entry->size = number_of(line, "size", &has);
	entry->old_size = number_of(line, "old_size", &entry->has_old);
	entry->first = number_of(line, "first_difference", &entry->has_first);
	entry->n_differing = number_of(line, "differing", &entry->has_n);
	entry->old_bytes = text_of(line, "old_bytes");
	entry->bytes = text_of(line, "bytes");
	entry->because = text_of(line, "because");
	entry->error = text_of(line, "error");
	entry->command = command_of(line);
	entry->step = step_get(report, number_of(line, "step", &has));
	g_ptr_array_add(entry->step->entries, entry);
	entry_read(report, entry, line);
	entry->read_more = more != NULL;
	entry->audit = audit != NULL;
	return entry;
}

/* Several mounts of one daemon are one run. */
static void add_mounted(Report *report, uint64_t pid)
{
	report->n_mounts++;
	if (pid > 0 && pid == report->pid)
		return;
	report->n_runs++;
	report->pid = pid;
	/* Numbers of processes may come again. */
	g_hash_table_remove_all(report->steps);
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
	if (mounted)
		add_mounted(report, journal_json_number(line, "pid"));
	report->n_missed += number_of(line, "missed", &has);
	if (mounted || has)
		return true;
	if (!path || !word || !verdict_of(word, &verdict))
		return false;
	entry = entry_new(report, line, verdict);
	g_ptr_array_add(report->entries, entry);
	report->n_audit += entry->audit;
	output_add(output_get(report, path), entry);
	if (from)
		output_moved(report, from, entry);
	return true;
}

unsigned report_add_text(Report *report, const char *text, unsigned *ret_n)
{
	unsigned n = 0, n_wrong = 0;

	while (*text) {
		const size_t length = strcspn(text, "\n");
		g_autofree char *line = g_strndup(text, length);

		if (length > 0) {
			n++;
			n_wrong += !report_add(report, line);
		}
		text += length + (text[length] == '\n');
	}
	*ret_n = n;
	return n_wrong;
}
