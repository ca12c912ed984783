/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An entry has a cause if its step had read something that had got other bytes, or another mtime,
 * since the file was written the last time before. The reverse is what a file saves that is the
 * same: the steps that had read it the last time they wrote something, and those that had read
 * that, and so on, if nothing that they had made was written again since. */

#include "report-causes.h"

#include <string.h>

/* The last entry of what was read that set it off: after the file was written the time before, and
 * before it was written this time. NULL: there is none. */
static const Entry *cause_in(const Entry *entry, const Output *input)
{
	const Entry *found = NULL;

	for (unsigned i = 0; input != entry->output && i < input->entries->len; i++) {
		const Entry *other = input->entries->pdata[i];

		if (other->time > entry->time)
			break;
		if (report_sets_off(other) && (!entry->before || other->time > entry->before->time))
			found = other;
	}
	return found;
}

static gint compare_times(gconstpointer a, gconstpointer b)
{
	const Entry *x = *(const Entry *const *)a, *y = *(const Entry *const *)b;

	if (x->time != y->time)
		return x->time > y->time ? 1 : -1;
	return x->number > y->number ? 1 : -1;
}

GPtrArray *report_causes(const Report *report G_GNUC_UNUSED, const Entry *entry)
{
	GPtrArray *causes = g_ptr_array_new();

	for (unsigned i = 0; i < entry->n_read; i++) {
		const Entry *cause = cause_in(entry, entry->step->read->pdata[i]);

		if (cause)
			g_ptr_array_add(causes, (Entry *)cause);
	}
	g_ptr_array_sort(causes, compare_times);
	return causes;
}

/* ---- what did not run ---- */

/* Whether this is what was there of its file when entry was written, and it was not written again
 * in that build: it had been made of the file that is the same, and was left alone. */
static bool is_left_alone(const Entry *made, const Entry *entry)
{
	return made->number < entry->number &&
	       (!made->next ||
		       (made->next->number > entry->number && made->next->build != entry->build));
}

/* Whether something that the step has made was written in a later build, up to this one: then it
 * ran, whatever became of names that never come again, as those of temporary files. */
static bool has_run_again(const Step *step, unsigned build)
{
	for (unsigned i = 0; i < step->entries->len; i++) {
		const Entry *made = step->entries->pdata[i], *next = made->next;

		while (next && next->build == made->build)
			next = next->next;
		if (next && next->build <= build)
			return true;
	}
	return false;
}

static void count_step(
	Step *step, const Report *report, unsigned build, unsigned *n, unsigned *n_of_build)
{
	if (step->mark == report->mark || has_run_again(step, build))
		return;
	step->mark = report->mark;
	*n += 1;
	*n_of_build += step->build_mark != build + 1;
	step->build_mark = build + 1;
}

/* Counts the steps that have made something of output, or of what they have made. mark: what has it
 * has been counted for this entry. */
static unsigned count_not_run(
	const Report *report, GPtrArray *todo, const Entry *entry, unsigned *ret_n_of_build)
{
	unsigned n = 0;

	g_ptr_array_set_size(todo, 0);
	g_ptr_array_add(todo, entry->output);
	entry->output->mark = report->mark;
	while (todo->len > 0) {
		const Output *output = g_ptr_array_steal_index_fast(todo, todo->len - 1);

		for (unsigned i = 0; i < output->readers->len; i++) {
			const Reading *reading = &g_array_index(output->readers, Reading, i);
			Step *step = reading->step;

			for (unsigned k = 0; k < step->entries->len; k++) {
				const Entry *made = step->entries->pdata[k];

				if (made->n_read <= reading->place ||
					made->output->mark == report->mark ||
					!is_left_alone(made, entry))
					continue;
				made->output->mark = report->mark;
				g_ptr_array_add(todo, made->output);
				count_step(step, report, entry->build, &n, ret_n_of_build);
			}
		}
	}
	return n;
}

static void end_not_run(Report *report)
{
	g_autoptr(GPtrArray) todo = g_ptr_array_new();

	report->n_not_run = 0;
	for (unsigned i = 0; i < report->all_steps->len; i++)
		((Step *)report->all_steps->pdata[i])->build_mark = 0;
	for (unsigned i = 0; i < report->entries->len; i++) {
		Entry *entry = report->entries->pdata[i];
		Build *build = report->builds->pdata[entry->build];
		unsigned n_of_build = 0;

		if (entry->passing || !report_is_same(entry))
			continue;
		report->mark++;
		entry->n_not_run = count_not_run(report, todo, entry, &n_of_build);
		entry->output->n_not_run += entry->n_not_run;
		build->n_not_run += n_of_build;
		report->n_not_run += n_of_build;
	}
}

/* ---- what follows from all lines ---- */

static Build *build_begin(Report *report, unsigned first)
{
	const Entry *entry = report->entries->pdata[first];
	Build *build = g_new0(Build, 1);

	build->first = first;
	build->begin = build->end = entry->time - entry->duration;
	g_ptr_array_add(report->builds, build);
	return build;
}

static void end_builds(Report *report)
{
	Build *build = NULL;
	unsigned run = 0;

	g_ptr_array_set_size(report->builds, 0);
	for (unsigned i = 0; i < report->entries->len; i++) {
		Entry *entry = report->entries->pdata[i];
		int64_t begin = entry->time - entry->duration;

		if (!build || entry->run != run || begin > build->end + REPORT_PAUSE_US)
			build = build_begin(report, i);
		run = entry->run;
		build->n_entries++;
		build->begin = MIN(build->begin, begin);
		build->end = MAX(build->end, entry->time);
		if (!entry->passing)
			build->n_verdicts[entry->verdict]++;
		entry->build = report->builds->len - 1;
		entry->n_after = entry->n_not_run = 0;
	}
}

/* Whether it is known what it was made of. */
static bool is_known(const Entry *entry)
{
	return entry->step->number > 0 && !entry->read_more;
}

static void end_entry(Report *report, const Entry *entry)
{
	Output *output = entry->output;

	if (entry->passing)
		return;
	output->n_written++;
	if (report_is_same(entry)) {
		output->n_same++;
		output->bytes_same += entry->size;
		report->n_same++;
		report->bytes_same += entry->size;
	}
	output->n_changed += entry->verdict == VERDICT_CHANGED;
	/* A new file comes after all that it is made of. */
	if (report_sets_off(entry) && entry->before) {
		g_autoptr(GPtrArray) causes = report_causes(report, entry);

		for (unsigned i = 0; i < causes->len; i++)
			((Entry *)causes->pdata[i])->n_after++;
		output->n_uncaused +=
			entry->verdict == VERDICT_CHANGED && causes->len == 0 && is_known(entry);
	}
}

static void end_output(Report *report, Output *output)
{
	output->n_written = output->n_same = output->n_changed = output->n_uncaused = 0;
	output->n_not_run = output->n_read_by = 0;
	output->bytes_same = 0;
	report->mark++;
	for (unsigned i = 0; i < output->readers->len; i++) {
		const Reading *reading = &g_array_index(output->readers, Reading, i);

		for (unsigned k = 0; k < reading->step->entries->len; k++) {
			const Entry *made = reading->step->entries->pdata[k];

			if (made->n_read <= reading->place || made->output->mark == report->mark)
				continue;
			made->output->mark = report->mark;
			output->n_read_by++;
		}
	}
}

bool report_is_change(const Entry *entry)
{
	return report_sets_off(entry) &&
	       (entry->verdict != VERDICT_NEW || entry->before || entry->n_after > 0);
}

static void end_changes(Report *report)
{
	for (unsigned i = report->entries->len; i > 0; i--) {
		const Entry *entry = report->entries->pdata[i - 1];
		Build *build = report->builds->pdata[entry->build];

		if (report_is_change(entry))
			build->first_change = entry;
	}
}

void report_end(Report *report)
{
	report->n_same = 0;
	report->bytes_same = 0;
	end_builds(report);
	for (unsigned i = 0; i < report->outputs->len; i++)
		end_output(report, report->outputs->pdata[i]);
	for (unsigned i = 0; i < report->entries->len; i++)
		end_entry(report, report->entries->pdata[i]);
	end_changes(report);
	end_not_run(report);
}

/* ---- choosing ---- */

static gint compare_saved(gconstpointer a, gconstpointer b)
{
	const Output *x = *(const Output *const *)a, *y = *(const Output *const *)b;

	if (x->n_not_run != y->n_not_run)
		return x->n_not_run > y->n_not_run ? -1 : 1;
	if (x->bytes_same != y->bytes_same)
		return x->bytes_same > y->bytes_same ? -1 : 1;
	if (x->n_same != y->n_same)
		return x->n_same > y->n_same ? -1 : 1;
	return strcmp(x->path, y->path);
}

static GPtrArray *outputs_where(const Report *report, bool (*is)(const Output *output))
{
	GPtrArray *found = g_ptr_array_new();

	for (unsigned i = 0; i < report->outputs->len; i++)
		if (is(report->outputs->pdata[i]))
			g_ptr_array_add(found, report->outputs->pdata[i]);
	g_ptr_array_sort(found, compare_saved);
	return found;
}

static bool is_same_sometimes(const Output *output)
{
	return output->n_same > 0;
}

static bool is_never_same(const Output *output)
{
	return output->n_same == 0 && output->n_uncaused >= 2;
}

GPtrArray *report_saved(const Report *report)
{
	return outputs_where(report, is_same_sometimes);
}

GPtrArray *report_never_same(const Report *report)
{
	return outputs_where(report, is_never_same);
}
