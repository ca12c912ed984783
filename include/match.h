/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether bytes that are about to get a name have been there before: under the name now, or as a
 * former version of it. Files are opened under fs->lock and compared without; whoever acts upon the
 * answer, under the lock again, makes sure that it still holds. */

#include "former.h"

typedef struct Match Match;

struct Match {
	bool found;
	Former *former; /* owned; NULL: it is what is there */
	int fd;         /* of that version, for reading; -1: none found, or a symbolic link */
};

/* What may have the bytes: there_fd (taken; -1: nothing), then the former versions of the name that
 * writer may bring back, of this size in bytes. For match_find(). fs->lock held. */
GArray *match_candidates(
	Fs *fs, int there_fd, const Node *dir, const char *name, off_t size, const Process *writer);

/* Finds the first of the candidates (taken; NULL: none) with the bytes of fd. Takes fs->lock, after
 * having compared. *match is empty: (Match){.fd = -1}. */
void match_find(Fs *fs, GArray *candidates, int fd, off_t size, Match *match);

/* Takes fs->lock. */
void match_clear(Fs *fs, Match *match);
