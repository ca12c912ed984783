/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that tell whether they are whole (race/content.h), for whoever looks: those in whole/r*
 * come there by rename, so that a process may be killed while it writes; those in whole/s* are
 * rewritten in place, each by one process that is not killed, and everybody else must see the old
 * bytes or the new. */

#include <fcntl.h>
#include <sys/stat.h>

#include "shared.h"

/* Whether all was written. */
static inline bool whole_write(Worker *w, int fd, uint32_t name)
{
	Content c = {
		.name = name,
		.writer = (uint32_t)w->index,
		.gen = atomic_fetch_add(&w->crowd->generation, 1),
		.pattern = draw(w, 4),
		.size = CONTENT_MIN + draw(w, draw(w, 4) ? 8192 : CONTENT_MAX - CONTENT_MIN),
	};
	size_t at = 0;

	content_seal(&c);
	content_fill(&c, w->buffer);
	while (at < c.size) {
		size_t some = 1 + draw(w, 65536);
		ssize_t n = write(fd, w->buffer + at, some < c.size - at ? some : c.size - at);

		expect(w, n, "write");
		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static inline void work_renamed(Worker *w)
{
	uint32_t name = draw(w, N_RENAMED);
	char path[64], temporary[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "whole/r%u", name);
	snprintf(temporary, sizeof(temporary), "whole/t%d", w->index);
	fd = open(temporary, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	expect(w, fd, "open");
	if (fd < 0)
		return;
	done = whole_write(w, fd, name);
	if (draw(w, 8) == 0)
		expect_synced(w, fsync(fd), "fsync");
	expect_synced(w, close(fd), "close");
	if (done)
		expect(w, rename(temporary, path), "rename");
}

/* By a steady worker alone. */
static inline void work_in_place(Worker *w)
{
	char path[64];
	int fd;

	if (w->index >= N_STEADY)
		return;
	snprintf(path, sizeof(path), "whole/s%d", w->index);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	expect(w, fd, "open");
	if (fd < 0)
		return;
	(void)whole_write(w, fd, (uint32_t)(N_RENAMED + w->index));
	expect_synced(w, close(fd), "close");
}

static inline void whole_check(Worker *w, const char *path, uint32_t name)
{
	char why[256] = "only a part is there";
	Content c;
	size_t n = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	expect(w, fd, "open");
	if (fd < 0)
		return;
	while (n < BUFFER && (got = read(fd, w->buffer + n, BUFFER - n)) > 0)
		n += (size_t)got;
	expect(w, got, "read");
	close(fd);
	if (got < 0)
		return;
	if (content_judge(w->buffer, n, w->scratch, &c, why, sizeof(why)) != CONTENT_WHOLE ||
		c.name != name)
		crowd_fail(w->crowd, "%s, %zu bytes: %s", path, n, why);
	atomic_fetch_add(&w->crowd->n_whole, 1);
}

static inline void work_check(Worker *w)
{
	unsigned name = draw(w, N_RENAMED + N_STEADY);
	char path[64];

	snprintf(path, sizeof(path), "whole/%c%u", name < N_RENAMED ? 'r' : 's', name % N_RENAMED);
	whole_check(w, path, name);
}

/* All of them, in the working directory. */
static inline void whole_check_all(Worker *w)
{
	char path[64];

	_Static_assert((int)N_RENAMED == (int)N_STEADY, "their names are counted alike");
	for (unsigned name = 0; name < N_RENAMED + N_STEADY; name++) {
		snprintf(path, sizeof(path), "whole/%c%u", name < N_RENAMED ? 'r' : 's',
			name % N_RENAMED);
		if (access(path, F_OK) < 0)
			crowd_fail(w->crowd, "%s is missing", path);
		else
			whole_check(w, path, name);
	}
}

/* So that all are there, and nobody sees one that is new (P6). */
static inline void whole_make_all(Worker *w)
{
	char path[64];

	mkdir("whole", 0755);
	mkdir("mess", 0755);
	for (unsigned name = 0; name < N_RENAMED + N_STEADY; name++) {
		int fd;

		snprintf(path, sizeof(path), "whole/%c%u", name < N_RENAMED ? 'r' : 's',
			name % N_RENAMED);
		fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
		expect(w, fd, "open");
		if (fd >= 0)
			(void)whole_write(w, fd, name);
		close(fd);
	}
}
