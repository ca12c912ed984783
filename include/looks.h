/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has looked at a former version of a name since it was replaced or removed, and whom that lets
 * bring it back (P10). No locks of its own; what has been given up is empty again. */

#include <stdbool.h>

#include "step.h"

typedef enum {
	LOOK_TIMES, /* was told size or times, or that there is no such name */
	LOOK_BYTES, /* opened it, for reading or writing; followed it; listed its absence */
} LookKind;

/* So many steps and build drivers are known by one. */
#define LOOKS_MAX 4

typedef struct Noted Noted;
typedef struct Looks Looks;

struct Noted {
	Process *process; /* owned */
	bool bytes;
	bool several; /* and others of the same step */
};

/* Begins as {}. */
struct Looks {
	Noted items[LOOKS_MAX];
	unsigned n_items;
};

void looks_clear(Looks *looks);

/* Writes a look down; NULL: of somebody unknown. Returns false if nobody can bring the version back
 * now. */
bool looks_note(Looks *looks, Process *process, LookKind kind);

/* Whether none of them keeps anything from the writer, who is known. */
bool looks_are_excused(const Looks *looks, const Process *writer);

/* Whether this very process has been noted with a look at the bytes, so that nothing comes of
 * noting it again. */
bool looks_have(const Looks *looks, const Process *process);
