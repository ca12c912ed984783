/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loan.h"

#include "former.h"
#include "scratch-fs.h"
#include "scratch-who.h"
#include "stage-content.h"

#define SIZE 300000

typedef struct Place Place;

/* "f" had these bytes, and has been removed. */
struct Place {
	ScratchFs scratch;
	Fs *fs; /* its */
	Who who;
	unsigned char *bytes;
	Former *former; /* owned */
};

static void set_up_size(Place *place, size_t size)
{
	autofd fd = -1;

	scratch_fs_begin(&place->scratch);
	place->fs = place->scratch.fs;
	who_begin(&place->who);
	place->bytes = scratch_bytes(SIZE, 1);
	fd = openat(place->scratch.fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	g_assert_cmpint(fd, >=, 0);
	scratch_write(fd, place->bytes, size, 0);
	HOLD(&place->fs->lock);
	ASSERT_OK(former_remove(place->fs, place->fs->root, place->scratch.fd, "f"));
	place->former = former_last(place->fs, place->fs->root, "f", place->who.who[ONE]);
	g_assert_nonnull(place->former);
	former_ref(place->former);
}

static void set_up(Place *place, const void *data G_GNUC_UNUSED)
{
	set_up_size(place, SIZE);
}

static void set_up_small(Place *place, const void *data G_GNUC_UNUSED)
{
	set_up_size(place, 1000);
}

static void tear_down(Place *place, const void *data G_GNUC_UNUSED)
{
	{
		HOLD(&place->fs->lock);
		place->former = former_unref(place->former);
	}
	g_free(place->bytes);
	who_end(&place->who);
	scratch_fs_end(&place->scratch);
}

static Stage *create(Place *place, const char *name, Process *opener)
{
	Stage *stage = NULL;
	Node *node;
	HOLD(&place->fs->lock);

	node = node_get(place->fs, place->fs->root, name);
	ASSERT_OK(stage_create(place->fs, node, 0644, 022, geteuid(), getegid(), opener, &stage));
	stage_ref(stage);
	node_unref(place->fs, node);
	return stage;
}

static void end(Place *place, Stage *stage)
{
	HOLD(&place->fs->lock);

	stage_end(place->fs, stage, NULL);
	stage_unref(place->fs, stage);
}

static bool is_whole(Place *place)
{
	HOLD(&place->fs->lock);

	return former_is_whole(place->fs, place->former);
}

static off_t told_size(Place *place, const Stage *stage)
{
	struct stat st;
	HOLD(&place->fs->lock);

	ASSERT_OK(stage_stat(stage, &st));
	return st.st_size;
}

static bool is_back(Stage *stage)
{
	bool same = true;
	HOLD(&stage->lock);

	ASSERT_OK(stage_compare_loan(stage, &same));
	return same;
}

static off_t stored_size(const Stage *stage)
{
	struct stat st;

	g_assert_cmpint(fstat(stage->fd, &st), ==, 0);
	return st.st_size;
}

static void write_at(Place *place, Stage *stage, size_t begin, size_t end_at)
{
	ASSERT_OK(
		stage_write(place->fs, stage, place->bytes + begin, end_at - begin, (off_t)begin));
}

/* What is read is the first length bytes. */
static void check_bytes(Place *place, Stage *stage, size_t length)
{
	g_autofree unsigned char *bytes = g_malloc(SIZE + 1);
	size_t n = 0;

	ASSERT_OK(stage_read(place->fs, stage, bytes, SIZE + 1, 0, &n));
	g_assert_cmpuint(n, ==, length);
	g_assert_cmpint(memcmp(bytes, place->bytes, length), ==, 0);
}

/* All of it comes again: nothing is stored, and it comes back when it is not lent any more. */
static void test_same(Place *place, const void *data G_GNUC_UNUSED)
{
	Stage *stage = create(place, "f", place->who.who[ONE]);

	g_assert_true(loan_is_open(stage));
	g_assert_false(is_whole(place));
	write_at(place, stage, 200000, SIZE);
	g_assert_cmpint(told_size(place, stage), ==, SIZE);
	g_assert_false(is_back(stage));
	write_at(place, stage, 0, 200000);
	g_assert_true(is_back(stage));
	check_bytes(place, stage, SIZE);
	g_assert_cmpint(stored_size(stage), ==, 0);
	{
		HOLD(&place->fs->lock);
		g_assert_true(loan_is_next(place->fs, stage, place->who.who[ONE]));
		g_assert_false(loan_is_next(place->fs, stage, NULL));
	}
	end(place, stage);
	g_assert_true(is_whole(place));
}

/* What was equal is stored at the first difference, with what differs. */
static void test_difference(Place *place, const void *data G_GNUC_UNUSED)
{
	Stage *stage = create(place, "f", place->who.who[ONE]);

	write_at(place, stage, 0, 200000);
	place->bytes[250000]++;
	write_at(place, stage, 200000, SIZE);
	g_assert_false(loan_is_open(stage));
	g_assert_cmpint(stored_size(stage), ==, SIZE);
	check_bytes(place, stage, SIZE);
	g_assert_true(is_whole(place));
	end(place, stage);
}

/* Less than all of it: that is what is stored in the end, and takes no more room. */
static void test_shorter(Place *place, const void *data G_GNUC_UNUSED)
{
	Stage *stage = create(place, "f", place->who.who[ONE]);
	struct stat st;

	write_at(place, stage, 0, 50000);
	g_assert_false(is_back(stage));
	{
		HOLD(&stage->lock);
		ASSERT_OK(stage_materialise(place->fs, stage));
	}
	check_bytes(place, stage, 50000);
	g_assert_cmpint(fstat(stage->fd, &st), ==, 0);
	g_assert_cmpint(st.st_size, ==, 50000);
	g_assert_cmpint(st.st_blocks * 512, <, 100000);
	end(place, stage);
}

/* It is forgotten meanwhile: the bytes are there, but do not come back. */
static void test_forgotten(Place *place, const void *data G_GNUC_UNUSED)
{
	Stage *stage = create(place, "f", place->who.who[ONE]);

	write_at(place, stage, 0, SIZE);
	{
		HOLD(&place->fs->lock);
		g_assert_true(former_give_up(place->fs));
		g_assert_false(loan_is_next(place->fs, stage, place->who.who[ONE]));
	}
	check_bytes(place, stage, SIZE);
	{
		HOLD(&stage->lock);
		ASSERT_OK(stage_materialise(place->fs, stage));
	}
	check_bytes(place, stage, SIZE);
	g_assert_cmpint(stored_size(stage), ==, SIZE);
	end(place, stage);
}

/* It is lent once, to whom it may come back, under its own name. */
static void test_to_whom(Place *place, const void *data G_GNUC_UNUSED)
{
	Stage *other = create(place, "g", place->who.who[ONE]), *stage, *second;

	g_assert_false(loan_is_open(other));
	stage = create(place, "f", NULL);
	g_assert_false(loan_is_open(stage));
	end(place, stage);
	stage = create(place, "f", place->who.who[ONE]);
	g_assert_true(loan_is_open(stage));
	{
		HOLD(&place->fs->lock);
		node_unlink(place->fs, stage->node);
	}
	second = create(place, "f", place->who.who[ONE]);
	g_assert_false(loan_is_open(second));
	end(place, second);
	end(place, stage);
	end(place, other);
	{
		HOLD(&place->fs->lock);
		former_look(place->fs, place->fs->root, "f", place->who.who[TWO], LOOK_BYTES, true);
	}
	stage = create(place, "f", place->who.who[ONE]);
	g_assert_false(loan_is_open(stage));
	end(place, stage);
}

/* A small one is not worth it. */
static void test_small(Place *place, const void *data G_GNUC_UNUSED)
{
	Stage *stage = create(place, "f", place->who.who[ONE]);

	g_assert_false(loan_is_open(stage));
	g_assert_true(is_whole(place));
	end(place, stage);
}

#define ADD(name, begin, function)                                                                 \
	g_test_add("/loan/" name, Place, NULL, begin, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("same", set_up, test_same);
	ADD("difference", set_up, test_difference);
	ADD("shorter", set_up, test_shorter);
	ADD("forgotten", set_up, test_forgotten);
	ADD("to-whom", set_up, test_to_whom);
	ADD("small", set_up_small, test_small);
	return g_test_run();
}
