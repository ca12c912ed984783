/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stage-content.h"

#include "fileio.h"
#include "scratch-fs.h"

#define SIZE 100000

typedef struct Place Place;

/* A session on the file "f" of SIZE bytes. */
struct Place {
	ScratchFs scratch;
	Fs *fs; /* its */
	unsigned char *bytes;
	Stage *stage;
};

static void set_up(Place *place, const void *data)
{
	autofd fd = -1;
	Node *node;

	(void)data;
	scratch_fs_begin(&place->scratch);
	place->fs = place->scratch.fs;
	place->bytes = scratch_bytes(SIZE, 1);
	fd = openat(place->scratch.fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	g_assert_cmpint(fd, >=, 0);
	scratch_write(fd, place->bytes, SIZE, 0);
	HOLD(&place->fs->lock);
	node = node_get(place->fs, place->fs->root, "f");
	ASSERT_OK(stage_begin(place->fs, node, &place->stage));
	stage_ref(place->stage);
	node_unref(place->fs, node);
}

static void tear_down(Place *place, const void *data)
{
	(void)data;
	{
		HOLD(&place->fs->lock);
		stage_end(place->fs, place->stage, NULL);
		stage_unref(place->fs, place->stage);
	}
	g_free(place->bytes);
	scratch_fs_end(&place->scratch);
}

static void check_same(Place *place, bool wanted)
{
	HOLD(&place->stage->lock);
	bool same = !wanted;

	ASSERT_OK(stage_compare(place->stage, &same));
	g_assert_cmpint(same, ==, wanted);
}

static void write_at(Place *place, const void *bytes, size_t length, off_t offset)
{
	ASSERT_OK(stage_write(place->fs, place->stage, bytes, length, offset));
}

/* What is read is wanted, length bytes. */
static void check_bytes(Place *place, const void *wanted, size_t length)
{
	g_autofree unsigned char *bytes = g_malloc(SIZE + 1);
	size_t n = 0;

	ASSERT_OK(stage_read(place->fs, place->stage, bytes, SIZE + 1, 0, &n));
	g_assert_cmpuint(n, ==, length);
	g_assert_cmpint(memcmp(bytes, wanted, length), ==, 0);
}

/* In whatever order and pieces the same comes, nothing is stored. */
static void test_same(Place *place, const void *data)
{
	(void)data;
	check_bytes(place, place->bytes, SIZE);
	ASSERT_OK(stage_truncate(place->fs, place->stage, 0));
	check_same(place, false);
	write_at(place, place->bytes + 50000, 50000, 50000);
	check_same(place, false);
	write_at(place, place->bytes + 20000, 40000, 20000);
	write_at(place, place->bytes, 20000, 0);
	check_same(place, true);
	check_bytes(place, place->bytes, SIZE);
	g_assert_cmpint(place->stage->fd, <, 0);
}

/* What was never written reads as zeros, and is no equal. */
static void test_gap(Place *place, const void *data)
{
	g_autofree unsigned char *wanted = g_memdup2(place->bytes, SIZE);

	(void)data;
	memset(wanted + 10000, 0, 30000);
	ASSERT_OK(stage_truncate(place->fs, place->stage, 0));
	write_at(place, place->bytes, 10000, 0);
	write_at(place, place->bytes + 40000, 60000, 40000);
	check_bytes(place, wanted, SIZE);
	check_same(place, false);
	g_assert_cmpint(place->stage->fd, <, 0);
}

/* From the first difference on there is a file, with all that was equal before. */
static void test_difference(Place *place, const void *data)
{
	g_autofree unsigned char *wanted = g_memdup2(place->bytes, SIZE), *stored = NULL;
	size_t n = 0;

	(void)data;
	wanted[70000]++;
	write_at(place, wanted + 60000, 20000, 60000);
	g_assert_cmpint(place->stage->fd, >=, 0);
	check_bytes(place, wanted, SIZE);
	check_same(place, false);
	stored = g_malloc(SIZE);
	ASSERT_OK(fileio_pread(place->stage->fd, stored, SIZE, 0, &n));
	g_assert_cmpuint(n, ==, SIZE);
	g_assert_cmpint(memcmp(stored, wanted, SIZE), ==, 0);
	/* and back */
	write_at(place, place->bytes + 70000, 1, 70000);
	check_same(place, true);
	write_at(place, "more", 4, SIZE);
	check_same(place, false);
}

/* A file with other names can change meanwhile: nothing counts as equal before the end. */
static void test_shared(Place *place, const void *data)
{
	(void)data;
	{
		HOLD(&place->fs->lock);
		stage_share(place->fs, place->stage);
	}
	write_at(place, place->bytes, SIZE, 0);
	g_assert_cmpint(place->stage->fd, >=, 0);
	check_same(place, true);
}

static void test_whole(Place *place, const void *data)
{
	(void)data;
	ASSERT_OK(stage_truncate(place->fs, place->stage, SIZE / 2));
	{
		HOLD(&place->stage->lock);
		ASSERT_OK(stage_materialise(place->fs, place->stage));
	}
	g_assert_cmpint(place->stage->fd, >=, 0);
	check_bytes(place, place->bytes, SIZE / 2);
	/* The session goes on: that is what it compares with. */
	{
		HOLD(&place->stage->lock);
		HOLD(&place->fs->lock);
		stage_rebase(place->fs, place->stage, true);
	}
	g_assert_cmpint(place->stage->fd, <, 0);
	g_assert_false(place->stage->dirty);
	write_at(place, place->bytes, SIZE / 2, 0);
	check_same(place, true);
	g_assert_cmpint(place->stage->fd, <, 0);
}

static void add(const char *name, void (*test)(Place *, const void *))
{
	g_test_add(name, Place, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/stage-content/same", test_same);
	add("/stage-content/gap", test_gap);
	add("/stage-content/difference", test_difference);
	add("/stage-content/shared", test_shared);
	add("/stage-content/whole", test_whole);
	return g_test_run();
}
