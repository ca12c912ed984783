/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What git has written, and whose old mtime comes back later (P6, P7).
 *
 * git asks for the times of a file before it closes it, and takes a file that has others afterwards
 * for one that somebody has changed: a rebase stops then. So as long as that git runs, and the one
 * that runs it, what it has written is what it was told of it. The old mtime comes back when the
 * name is looked up for the first time after its end. Everything here is under fs->lock. */

#include "former.h"
#include "fs.h"

typedef struct Lates Lates;

Lates *lates_new(void);
/* All that is still to come back does. Before formers_free(). */
Lates *lates_free(Fs *fs);

/* A process opens the node's file for writing: git that does so with a file which is not its own,
 * or with its index, is not one that only reads. */
void late_note_writer(const Node *node, Process *process);

/* Whether what writer (NULL: unknown) brings back has to come back later. */
bool late_is_needed(Fs *fs, Process *writer);

/* What is exposed under the node's name now has the bytes of the former version, which comes back
 * later. After late_is_needed() under the same lock. */
void late_note(Fs *fs, Node *node, Former *former, Process *writer);

/* Somebody is going to look the name up: if it is time, what belongs there comes back first. */
void late_settle(Fs *fs, Node *dir, const char *name);

/* Whether what is under the node's name is to have an old mtime later. */
bool late_waits(const Fs *fs, const Node *node);

/* What is under the node's name is going to be replaced or removed. Returns whether it is a version
 * that is remembered already, as one that was to come back. */
bool late_give_way(Fs *fs, Node *node);
