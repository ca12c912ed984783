/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who will write the bytes again is not known when somebody looks. So a look binds the version to
 * the looker's step, except that of a build driver which looked at times only, for that is excused
 * by whatever step runs directly below it. Two that bind it to different steps, or one by somebody
 * unknown, and it can never come back.
 *
 * Commands of git's that no driver runs are one step, but of those that have read bytes only the
 * ones that change files themselves are excused: what git grep or git diff has read may be in a
 * file that is made of it. Whether it does may turn out later, so those that are not known to are
 * noted one by one. */

#include "looks.h"

void looks_clear(Looks *looks)
{
	for (unsigned i = 0; i < looks->n_items; i++)
		step_process_unref(looks->items[i].process);
	looks->n_items = 0;
}

static bool look_binds(const Noted *look)
{
	return look->bytes || look->several || !step_is_driver(look->process);
}

/* Whether it is by a git that reads, and is not known to change files. */
static bool look_is_of_reader(const Noted *look)
{
	return look->bytes && step_is_reading_git(look->process);
}

/* Whether this look keeps nothing from the writer. */
static bool look_is_excused(const Noted *look, const Process *writer)
{
	if (look->bytes ? step_keeps_to_itself(look->process, writer)
			: step_equal(look->process, writer))
		return true;
	return !look->bytes && !look->several && step_is_driver_of(look->process, writer);
}

/* The place of a process's look among those that there are, or behind them. */
static unsigned looks_find(const Looks *looks, const Process *process, LookKind kind)
{
	unsigned i;

	for (i = 0; i < looks->n_items; i++) {
		const Noted *look = &looks->items[i];

		if (!step_equal(look->process, process))
			continue;
		if (kind == LOOK_TIMES || !look_is_of_reader(look) ||
			step_process_equal(look->process, process))
			break;
	}
	return i;
}

/* Whether no more than one step is bound to. */
static bool looks_bind_one(const Looks *looks)
{
	const Process *bound = NULL;

	for (unsigned i = 0; i < looks->n_items; i++) {
		const Noted *look = &looks->items[i];

		if (!look_binds(look))
			continue;
		if (bound && !step_equal(bound, look->process))
			return false;
		bound = look->process;
	}
	return true;
}

bool looks_note(Looks *looks, Process *process, LookKind kind)
{
	Noted *look;
	unsigned i;

	if (!process)
		return false;
	i = looks_find(looks, process, kind);
	if (i == LOOKS_MAX)
		return false;
	look = &looks->items[i];
	if (i == looks->n_items) {
		looks->n_items++;
		*look = (Noted){.process = step_process_ref(process)};
	} else if (!step_process_equal(look->process, process)) {
		look->several = true;
		/* Of git's commands it is this one that matters from now on. */
		if (kind == LOOK_BYTES && step_is_free_git(process)) {
			step_process_unref(look->process);
			look->process = step_process_ref(process);
		}
	}
	look->bytes |= kind == LOOK_BYTES;
	return looks_bind_one(looks);
}

bool looks_are_excused(const Looks *looks, const Process *writer)
{
	for (unsigned i = 0; i < looks->n_items; i++)
		if (!look_is_excused(&looks->items[i], writer))
			return false;
	return true;
}

bool looks_have(const Looks *looks, const Process *process)
{
	for (unsigned i = 0; i < looks->n_items; i++) {
		const Noted *look = &looks->items[i];

		if (look->bytes && step_process_equal(look->process, process) &&
			step_equal(look->process, process))
			return true;
	}
	return false;
}
