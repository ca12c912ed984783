/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a name was last, as the model of what is written under it anew: who removes a large file and
 * writes the same bytes again writes nothing that has to be stored (P7). */

#include "match.h"
#include "stage.h"

/* The session on a new name, which nobody else knows of yet, is compared with what the name was
 * last, if that is a large file which the writer (NULL: unknown) may bring back as it is. fs->lock
 * held. */
void model_take(Fs *fs, Stage *stage, const Process *writer);

/* What is written is the model, byte by byte: whether that may come back by itself, so that nothing
 * has to be stored. *match is empty (Match){.fd = -1}, and tells of it then. fs->lock held. */
bool model_match(Fs *fs, const Stage *stage, const Process *writer, Match *match);
