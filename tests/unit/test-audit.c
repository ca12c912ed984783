/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which mtimes files would have, in a directory without a mount. */

#include "audit.h"

#include "held.h"
#include "scratch-fs.h"
#include "util.h"

static const struct timespec would = {.tv_sec = 77, .tv_nsec = 7};

static void set_up(ScratchFs *place, gconstpointer data)
{
	scratch_fs_begin(place);
	if (data)
		place->fs->audit = audit_new();
}

static void tear_down(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_end(place);
}

/* A file, with the mtime that it would have noted if that is wanted. */
static struct stat make(ScratchFs *place, const char *name, bool note)
{
	autofd fd = openat(place->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	struct stat st;

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	if (note)
		audit_note(place->fs, &st, &would);
	return st;
}

static bool has(const ScratchFs *place, const struct stat *st, const struct timespec *wanted)
{
	const struct timespec mtime = audit_mtime(place->fs, st);

	return time_equal(&mtime, wanted);
}

static void test_mtime(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat f = make(place, "f", true), g = make(place, "g", false);
	const struct timespec later = {.tv_sec = 78};

	g_assert_true(has(place, &f, &would));
	g_assert_true(has(place, &g, &g.st_mtim));
	audit_note(place->fs, &f, &later);
	g_assert_true(has(place, &f, &later));
	/* written since */
	f.st_mtim.tv_nsec ^= 1;
	g_assert_true(has(place, &f, &f.st_mtim));
	g_assert_false(audit_forget(place->fs, &f));
	f.st_mtim.tv_nsec ^= 1;
	g_assert_true(audit_forget(place->fs, &f));
	g_assert_true(has(place, &f, &f.st_mtim));
	g_assert_false(audit_forget(place->fs, &f));
}

/* What would be stamped under another name is not, and counts with the mtime that it has. */
static void test_renamed(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat f = make(place, "f", true), now;

	g_assert_true(held_stamp(place->fs, place->fd, "f", NULL));
	g_assert_cmpint(fstatat(place->fd, "f", &now, 0), ==, 0);
	g_assert_true(time_equal(&now.st_mtim, &f.st_mtim));
	g_assert_true(has(place, &f, &f.st_mtim));
	g_assert_false(held_stamp(place->fs, place->fd, "f", NULL));
}

/* What replaces a file is older than that is, and newer than it would be: it has not arrived. */
static void test_arrival(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat new = make(place, "new", false), replaced = make(place, "f", false);

	replaced.st_mtim.tv_sec = new.st_mtim.tv_sec + 5;
	audit_note(place->fs, &replaced, &would);
	held_note_arrival(place->fs, &new, &replaced);
	g_assert_false(held_has_arrived(place->fs, &new));
	g_assert_true(audit_forget(place->fs, &replaced));
	held_note_arrival(place->fs, &new, &replaced);
	g_assert_true(held_has_arrived(place->fs, &new));
}

static void test_none(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	struct stat f = make(place, "f", false);

	g_assert_true(has(place, &f, &f.st_mtim));
	g_assert_false(audit_forget(place->fs, &f));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/audit/mtime", ScratchFs, "audit", set_up, test_mtime, tear_down);
	g_test_add("/audit/renamed", ScratchFs, "audit", set_up, test_renamed, tear_down);
	g_test_add("/audit/arrival", ScratchFs, "audit", set_up, test_arrival, tear_down);
	g_test_add("/audit/none", ScratchFs, NULL, set_up, test_none, tear_down);
	return g_test_run();
}
