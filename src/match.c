/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "match.h"

#include "compare.h"
#include "util.h"

typedef struct Candidate Candidate;

struct Candidate {
	Former *former; /* owned; NULL: what is there */
	int fd;
};

GArray *match_candidates(
	Fs *fs, int there_fd, const Node *dir, const char *name, off_t size, const Process *writer)
{
	g_autoptr(GPtrArray) formers = former_candidates(fs, dir, name, S_IFREG, size, writer);
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
	Candidate candidate = {.fd = there_fd};

	if (there_fd >= 0)
		g_array_append_val(candidates, candidate);
	for (unsigned i = 0; i < formers->len; i++) {
		if (former_open(fs, formers->pdata[i], &candidate.fd) < 0)
			continue;
		candidate.former = former_ref(formers->pdata[i]);
		g_array_append_val(candidates, candidate);
	}
	return candidates;
}

void match_find(Fs *fs, GArray *candidates, int fd, off_t size, Match *match)
{
	if (!candidates)
		return;
	for (unsigned i = 0; i < candidates->len; i++) {
		Candidate *candidate = &g_array_index(candidates, Candidate, i);
		bool same = false;

		if (!match->found && compare_files(fd, candidate->fd, size, -1, &same) == 0 &&
			same) {
			match->found = true;
			match->former = g_steal_pointer(&candidate->former);
			match->fd = fd_steal(&candidate->fd);
		}
		fd_clear(&candidate->fd);
	}
	{
		HOLD(&fs->lock);
		for (unsigned i = 0; i < candidates->len; i++)
			former_unref(g_array_index(candidates, Candidate, i).former);
	}
	g_array_unref(candidates);
}

void match_clear(Fs *fs, Match *match)
{
	HOLD(&fs->lock);

	match->former = former_unref(match->former);
	fd_clear(&match->fd);
}
