/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cases in which names come, go and change hands. */

#include <sched.h>

#include "look.h"

/* ---- replace: a new file renamed over the old one ---- */

/* A new file with this content, to be renamed over name n. */
static bool new_file(Proc *p, int n, const char *tmp, const Content *c)
{
	int r, fd;

	content_fill(c, p->out);
	doing(p, "writing a new file", n);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(p, "n%d: making a new file: %s", n, strerror(errno));
	r = write_pieces(p, fd, p->out, c->size);
	if (close(fd) < 0 || r < 0)
		return fail(p, "n%d: writing a new file: %s", n, strerror(r < 0 ? -r : errno));
	return true;
}

/* The first half of the names are replaced under the lock, so that the verdict can be checked; for
 * the others any number of writers replace the same name at once. */
static bool replace_round(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names);
	LOCKED_NAME name = n < p->crew->n_names / 2 ? name_lock(p, n) : NULL;
	Name *shared = &p->crew->names[n];
	char path[PATH_SIZE], tmp[PATH_SIZE];
	Content c = content_new(p, n, ++p->gen), read;
	bool same = name && pick(p, 4) == 0;
	Seen of_tmp, before, after;

	if (same)
		c = name->content;
	path_of(p, n, path);
	own_path_of(p, "tmp", tmp);
	if (!new_file(p, n, tmp, &c))
		return false;
	if (name && (!stat_path(p, n, path, &before) || !stat_path(p, n, tmp, &of_tmp)))
		return false;
	doing(p, "renaming over", n);
	if (!same)
		atomic_store(&shared->begun_by[p->index], c.gen);
	if (rename(tmp, path) < 0)
		return fail(p, "n%d: rename over: %s", n, strerror(errno));
	if (!same)
		atomic_store(&shared->done_by[p->index], c.gen);
	if (!name)
		return true;
	name->content = c;
	if (!look(p, n, path, &after, &read, NULL) ||
		!expect_content(p, n, "after a rename", &c, &read))
		return false;
	/* With equal bytes either file may be the one that stays (P8). */
	before.ctime = of_tmp.ctime = after.ctime;
	if (seen_equal(&of_tmp, &after) || (same && seen_equal(&before, &after)))
		return true;
	return fail(p, "n%d after a rename over it: %s", n, seen_diff(&of_tmp, &after));
}

/* Of no writer that counts its own generations. */
static void setup_replace(Proc *p)
{
	p->index = MAX_PROCS - 1;
	setup_files(p);
}

static bool replace_read(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names);
	Name *name = &p->crew->names[n];
	uint64_t done_by[MAX_PROCS];
	char path[PATH_SIZE];
	Content c;

	for (int i = 0; i < p->crew->n_procs; i++)
		done_by[i] = atomic_load(&name->done_by[i]);
	path_of(p, n, path);
	if (!read_whole(p, n, path, "a reader", &c))
		return false;
	if (c.writer >= (uint32_t)p->crew->n_procs) /* of the setup */
		return true;
	if (c.gen < done_by[c.writer])
		return fail(p, "n%d: generation %llu of %u was found after its rename of %llu", n,
			(unsigned long long)c.gen, c.writer, (unsigned long long)done_by[c.writer]);
	if (c.gen > atomic_load(&name->begun_by[c.writer]))
		return fail(p, "n%d: generation %llu of %u was found before its rename", n,
			(unsigned long long)c.gen, c.writer);
	return true;
}

static void run_replace(Proc *p)
{
	if (p->index % 2 == 0)
		while (next_round(p))
			replace_round(p);
	else
		while (going_on(p))
			replace_read(p);
}

/* ---- create: made anew, written in pieces, removed at any moment ---- */

/* Then readers that do not lock find anything. */
static bool in_place_without_lklfs(const Proc *p)
{
	return p->crew->plain && strcmp(p->crew->mode->name, "mixed") == 0;
}

/* Judges what is in p->in where a version may be seen in part while its writer is at it: closed_by
 * is what the writers had closed before the open. */
static bool judge_growing(Proc *p, int n, size_t size, const uint64_t *closed_by)
{
	Content c;
	char why[256];

	switch (content_judge(p->in, size, p->scratch, &c, why, sizeof(why))) {
	case CONTENT_WHOLE:
		return true;
	case CONTENT_TORN:
		return in_place_without_lklfs(p) ||
		       fail(p, "n%d: a reader found a torn file: %s", n, why);
	case CONTENT_PART:
		break;
	}
	if (in_place_without_lklfs(p))
		return true;
	if (size < sizeof(c)) /* nobody can say whose that is */
		return true;
	if (!c.growing)
		return fail(p, "n%d: %zu of %llu bytes of a version that replaces another", n, size,
			(unsigned long long)c.size);
	if (c.gen <= closed_by[c.writer])
		return fail(p, "n%d: %zu of %llu bytes of a version that had been closed", n, size,
			(unsigned long long)c.size);
	return true;
}

static bool growing_read(Proc *p, int n, const char *path)
{
	uint64_t closed_by[MAX_PROCS];
	ssize_t size;
	int fd;

	for (int i = 0; i < p->crew->n_procs; i++)
		closed_by[i] = atomic_load(&p->crew->closed_by[i]);
	doing(p, "opening for reading", n);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || fail(p, "n%d: open for reading: %s", n, strerror(errno));
	doing(p, "reading", n);
	size = read_all(p, fd);
	close(fd);
	if (size < 0)
		return fail(p, "n%d: read: %s", n, strerror((int)-size));
	return judge_growing(p, n, (size_t)size, closed_by);
}

/* The number of attempts to remove the name so far, or, if one is under way, a number that never
 * comes up. */
static uint64_t removals_begin(Name *name)
{
	uint64_t n_removed = atomic_load(&name->n_removed),
		 n_begun = atomic_load(&name->n_removals);

	return n_begun == n_removed ? n_begun : UINT64_MAX;
}

static bool removals_none(Name *name, uint64_t since)
{
	return atomic_load(&name->n_removals) == since;
}

/* What a new name has become in the backing, unless somebody removes it. */
static bool create_look_below(
	Proc *p, int n, const char *path, uint64_t n_removals, const Seen *seen, size_t size)
{
	Name *name = &p->crew->names[n];
	char below[PATH_SIZE];
	Seen is, want = *seen;
	struct stat st;
	int r;

	if (!p->crew->below)
		return true;
	below_path_of(p, path, below);
	r = stat(below, &st) < 0 ? -errno : 0;
	if (!removals_none(name, n_removals))
		return true;
	if (r < 0)
		return fail(p, "n%d is not in the backing after the close: %s", n, strerror(-r));
	is = seen_from(&st);
	want.ctime = is.ctime;
	return (seen_equal(&want, &is) && seen->size == size) ||
	       fail(p, "n%d: the backing has something else than the mount shows: %s", n,
		       seen_diff(&want, &is));
}

static bool create_round(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names), r, fd;
	LOCKED_NAME name = name_lock(p, n);
	char path[PATH_SIZE], below[PATH_SIZE];
	uint64_t n_removals;
	Seen of_fd, after;
	struct stat st;
	ssize_t size;
	Content c = content_new(p, n, ++p->gen), read;

	c.growing = 1;
	content_seal(&c);
	content_fill(&c, p->out);
	path_of(p, n, path);
	doing(p, "removing", n);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(p, "n%d: unlink: %s", n, strerror(errno));
	n_removals = removals_begin(name);
	doing(p, "making it", n);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(p, "n%d: making it: %s", n, strerror(errno));
	if (stat(path, &st) < 0 && removals_none(name, n_removals))
		fail(p, "n%d was made but is not there: %s", n, strerror(errno));
	doing(p, "writing", n);
	r = write_pieces(p, fd, p->out, c.size);
	if (p->crew->below) {
		below_path_of(p, path, below);
		if (access(below, F_OK) == 0)
			fail(p, "n%d is new and in the backing before it is closed", n);
	}
	if (r < 0 || fstat(fd, &st) < 0) {
		close(fd);
		return fail(p, "n%d: write or fstat: %s", n, strerror(r < 0 ? -r : errno));
	}
	of_fd = seen_from(&st);
	if (close(fd) < 0)
		return fail(p, "n%d: close: %s", n, strerror(errno));
	atomic_store(&p->crew->closed_by[p->index], c.gen);

	/* P6: what fstat said stays true, unless somebody has removed it. */
	doing(p, "looking at what it has made", n);
	r = stat(path, &st) < 0 ? -errno : 0;
	if (!removals_none(name, n_removals))
		return true;
	if (r < 0)
		return fail(p, "n%d is not there after the close: %s", n, strerror(-r));
	after = seen_from(&st);
	if (!p->crew->plain && !seen_equal(&of_fd, &after))
		return fail(p, "n%d is new and differs from what fstat said before the close: %s",
			n, seen_diff(&of_fd, &after));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	r = errno;
	size = fd < 0 ? 0 : read_all(p, fd);
	if (fd >= 0)
		close(fd);
	if (!removals_none(name, n_removals))
		return true;
	if (fd < 0 || size < 0)
		return fail(p, "n%d after the close: %s", n, strerror(fd < 0 ? r : (int)-size));
	if (!judge_whole(p, n, "its writer", (size_t)size, &read) ||
		!expect_content(p, n, "after the close", &c, &read))
		return false;
	return create_look_below(p, n, path, n_removals, &after, (size_t)size);
}

static bool create_remove(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names), r;
	Name *name = &p->crew->names[n];
	char path[PATH_SIZE], away[PATH_SIZE];

	path_of(p, n, path);
	doing(p, "removing", n);
	atomic_fetch_add(&name->n_removals, 1);
	if (pick(p, 2)) {
		r = unlink(path);
	} else {
		/* A session that is open goes along, so this may be seen growing. */
		own_path_of(p, "away", away);
		r = rename(path, away);
		if (r == 0 && growing_read(p, n, away))
			r = unlink(away);
	}
	atomic_fetch_add(&name->n_removed, 1);
	return r == 0 || errno == ENOENT || fail(p, "n%d: removing: %s", n, strerror(errno));
}

static void run_create(Proc *p)
{
	char path[PATH_SIZE];
	int n;

	if (p->index % 2 == 0) {
		while (next_round(p))
			create_round(p);
		return;
	}
	while (going_on(p)) {
		if (p->index % 4 == 1 && pick(p, 16) == 0)
			create_remove(p);
		n = (int)pick(p, (unsigned)p->crew->n_names);
		path_of(p, n, path);
		growing_read(p, n, path);
	}
}

/* ---- excl: O_EXCL makes a lock file ---- */

static bool excl_round(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names), fd;
	Name *name = &p->crew->names[n];
	bool late = pick(p, 2), ok = true;
	char path[PATH_SIZE];

	path_of(p, n, path);
	doing(p, "making a lock file", n);
	while ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0) {
		if (errno != EEXIST)
			return fail(p, "n%d: O_EXCL: %s", n, strerror(errno));
		sched_yield();
	}
	if (atomic_fetch_add(&name->n_exclusive, 1) > 0)
		ok = fail(p, "n%d: two processes have made the same lock file", n);
	if (pick(p, 2) && write(fd, &p->index, sizeof(p->index)) < 0)
		ok = fail(p, "n%d: write: %s", n, strerror(errno));
	if (!late && close(fd) < 0)
		ok = fail(p, "n%d: close: %s", n, strerror(errno));
	atomic_fetch_sub(&name->n_exclusive, 1);
	doing(p, "removing its lock file", n);
	if (unlink(path) < 0)
		ok = fail(p, "n%d: unlink: %s", n, strerror(errno));
	if (late)
		close(fd);
	return ok;
}

static void run_excl(Proc *p)
{
	while (next_round(p))
		excl_round(p);
}

/* ---- ways: a directory on the way is gone for a moment ---- */

static void setup_ways(Proc *p)
{
	char path[PATH_SIZE];
	int fd;

	own_path_of(p, "way", path);
	if (mkdir(path, 0755) < 0)
		fail(p, "mkdir: %s", strerror(errno));
	strcat(path, "/file");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || close(fd) < 0)
		fail(p, "the file: %s", strerror(errno));
}

/* Whoever opens a file in it finds it or does not. */
static bool ways_round(Proc *p)
{
	char path[PATH_SIZE], away[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/way.0", p->crew->dir);
	snprintf(away, sizeof(away), "%s/away.0", p->crew->dir);
	if (p->index == 0) {
		doing(p, "renaming a directory", -1);
		return (rename(path, away) == 0 && rename(away, path) == 0) ||
		       fail(p, "rename: %s", strerror(errno));
	}
	strcat(path, "/file");
	doing(p, "opening for writing", -1);
	fd = open(path, (pick(p, 2) ? O_WRONLY | O_TRUNC : O_RDWR) | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || fail(p, "open for writing: %s", strerror(errno));
	if (pick(p, 2) && write(fd, path, 1 + pick(p, 30)) < 0)
		fail(p, "write: %s", strerror(errno));
	return close(fd) == 0 || fail(p, "close: %s", strerror(errno));
}

static void run_ways(Proc *p)
{
	while (p->index == 0 ? going_on(p) : next_round(p))
		for (int i = 0; i < 16 && !lost(p); i++)
			ways_round(p);
}

static void conclude_ways(Proc *p)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/way.0/file", p->crew->dir);
	if (unlink(path) < 0)
		fail(p, "unlink: %s", strerror(errno));
	*strrchr(path, '/') = 0;
	if (rmdir(path) < 0)
		fail(p, "rmdir: %s", strerror(errno));
}

/* ---- mixed: everyone does everything ---- */

/* Renames carry files from name to name while they are written, so all that write in place exclude
 * each other, whatever the name. */
static bool mixed_write(Proc *p, int n, const char *path)
{
	LOCKED_NAME all = name_lock(p, 0);
	bool create = pick(p, 2);
	ssize_t size;
	Content c = content_new(p, n, ++p->gen), was;
	int r, fd;

	(void)all;
	c.growing = create;
	content_seal(&c);
	doing(p, "opening for writing", n);
	fd = open(path, (create ? O_WRONLY | O_CREAT | O_TRUNC : O_RDWR) | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == ENOENT || fail(p, "n%d: open for writing: %s", n, strerror(errno));
	doing(p, "writing", n);
	if (!create) {
		size = read_all(p, fd);
		if (size < 0 ||
			!judge_whole(p, -1, "a writer, before it wrote,", (size_t)size, &was)) {
			close(fd);
			return fail(p, "n%d: reading before writing", n);
		}
		if (pick(p, 2))
			c = was;
	}
	content_fill(&c, p->out);
	r = write_at(fd, p->out, c.size, 0);
	if (r == 0 && ftruncate(fd, (off_t)c.size) < 0)
		r = -errno;
	if (close(fd) < 0 || r < 0)
		return fail(p, "n%d: write or close: %s", n, strerror(r < 0 ? -r : errno));
	atomic_store(&p->crew->closed_by[p->index], p->gen);
	return true;
}

static bool mixed_replace(Proc *p, int n, const char *path)
{
	Content c = content_new(p, n, ++p->gen);
	char tmp[PATH_SIZE];

	own_path_of(p, "tmp", tmp);
	if (!new_file(p, n, tmp, &c))
		return false;
	atomic_store(&p->crew->closed_by[p->index], p->gen);
	doing(p, "renaming over", n);
	return rename(tmp, path) == 0 || fail(p, "n%d: rename over: %s", n, strerror(errno));
}

static bool mixed_rename(Proc *p, int n, const char *path, unsigned flags)
{
	int to = (int)pick(p, (unsigned)p->crew->n_names);
	char to_path[PATH_SIZE];

	path_of(p, to, to_path);
	doing(p, "renaming", n);
	if (renameat2(AT_FDCWD, path, AT_FDCWD, to_path, flags) == 0 || errno == ENOENT ||
		(flags == RENAME_NOREPLACE && errno == EEXIST))
		return true;
	return fail(p, "n%d: renameat2 to n%d, flags %u: %s", n, to, flags, strerror(errno));
}

static void mixed_round(Proc *p)
{
	int n = (int)pick(p, (unsigned)p->crew->n_names);
	char path[PATH_SIZE];
	unsigned flags;

	path_of(p, n, path);
	switch (pick(p, 16)) {
	case 0:
	case 1:
	case 2:
		mixed_write(p, n, path);
		return;
	case 3:
	case 4:
		mixed_replace(p, n, path);
		return;
	case 5:
		mixed_rename(p, n, path, 0);
		return;
	case 6:
		flags = pick(p, 2) ? RENAME_NOREPLACE : RENAME_EXCHANGE;
		mixed_rename(p, n, path, p->crew->no_flags ? 0 : flags);
		return;
	case 7:
		doing(p, "removing", n);
		if (unlink(path) < 0 && errno != ENOENT)
			fail(p, "n%d: unlink: %s", n, strerror(errno));
		return;
	default:
		growing_read(p, n, path);
	}
}

static void run_mixed(Proc *p)
{
	while (next_round(p))
		mixed_round(p);
}
