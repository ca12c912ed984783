/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who will write the bytes again is not known when somebody looks. So a look binds the version to
 * the looker's step, except that of a build driver which looked at times only, for that is excused
 * by whatever step runs directly below it. Two that bind it to different steps, or one by somebody
 * unknown, and it can never come back. */

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

/* Whether this look keeps nothing from the writer. */
static bool look_is_excused(const Noted *look, const Process *writer)
{
	if (step_equal(look->process, writer))
		return true;
	return !look->bytes && !look->several && step_is_driver_of(look->process, writer);
}

bool looks_note(Looks *looks, Process *process, LookKind kind)
{
	unsigned n_binding = 0, i;
	Noted *look;

	if (!process)
		return false;
	for (i = 0; i < looks->n_items; i++)
		if (step_equal(looks->items[i].process, process))
			break;
	if (i == LOOKS_MAX)
		return false;
	look = &looks->items[i];
	if (i == looks->n_items) {
		looks->n_items++;
		*look = (Noted){.process = step_process_ref(process)};
	}
	look->bytes |= kind == LOOK_BYTES;
	look->several |= !step_process_equal(look->process, process);
	for (i = 0; i < looks->n_items; i++)
		n_binding += look_binds(&looks->items[i]);
	return n_binding <= 1;
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
