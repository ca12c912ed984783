/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "record-lock.h"

#include <glib.h>
#include <string.h>

static RecordLock lock_of(uint64_t owner, bool exclusive, int64_t start, int64_t end)
{
	return (RecordLock){.owner = owner, .exclusive = exclusive, .start = start, .end = end};
}

static void set(RecordLocks *locks, uint64_t owner, bool exclusive, int64_t start, int64_t end)
{
	RecordLock lock = lock_of(owner, exclusive, start, end);

	record_locks_set(locks, &lock);
}

/* Where the first lock is that keeps somebody else from the range; -1: nowhere. */
static int64_t in_the_way(RecordLocks *locks, bool exclusive, int64_t start, int64_t end)
{
	RecordLock lock = lock_of(99, exclusive, start, end);
	const RecordLock *found = record_locks_find(locks, &lock);

	return found ? found->start : -1;
}

static void test_conflicts(void)
{
	RecordLocks *locks = record_locks_new();

	g_assert_true(record_locks_is_empty(locks));
	set(locks, 1, false, 10, 19);
	set(locks, 2, false, 15, RECORD_LOCK_END);
	g_assert_cmpint(in_the_way(locks, false, 0, RECORD_LOCK_END), ==, -1);
	g_assert_cmpint(in_the_way(locks, true, 0, RECORD_LOCK_END), ==, 10);
	g_assert_cmpint(in_the_way(locks, true, 0, 9), ==, -1);
	g_assert_cmpint(in_the_way(locks, true, 19, 19), ==, 10);
	g_assert_cmpint(in_the_way(locks, true, 20, 20), ==, 15);
	g_assert_cmpint(in_the_way(locks, true, RECORD_LOCK_END, RECORD_LOCK_END), ==, 15);
	/* nobody is in his own way */
	RecordLock own = lock_of(1, true, 10, 14);
	g_assert_null(record_locks_find(locks, &own));
	own.end = 15;
	g_assert_nonnull(record_locks_find(locks, &own));
	record_locks_clear(locks, 2, 0, RECORD_LOCK_END);
	g_assert_null(record_locks_find(locks, &own));
	set(locks, 1, true, 10, 15);
	g_assert_cmpint(in_the_way(locks, false, 0, 15), ==, 10);
	g_assert_cmpint(in_the_way(locks, false, 16, 19), ==, -1);
	g_assert_cmpint(in_the_way(locks, true, 16, 19), ==, 16);
	record_locks_free(locks);
}

/* How many locks there are, seen by somebody whom each would keep out. */
static unsigned count(RecordLocks *locks)
{
	RecordLock all = lock_of(99, true, 0, RECORD_LOCK_END);
	unsigned n = 0, position = 0;

	while (record_locks_next(locks, &all, &position))
		n++;
	return n;
}

static void test_split_and_merge(void)
{
	RecordLocks *locks = record_locks_new();

	set(locks, 1, true, 0, RECORD_LOCK_END);
	record_locks_clear(locks, 1, 10, 19);
	g_assert_cmpuint(count(locks), ==, 2);
	set(locks, 1, true, 10, 19);
	g_assert_cmpuint(count(locks), ==, 1);
	set(locks, 1, false, 10, 19);
	g_assert_cmpuint(count(locks), ==, 3);
	set(locks, 1, false, 0, 9);
	g_assert_cmpuint(count(locks), ==, 2);
	set(locks, 1, false, 0, RECORD_LOCK_END);
	g_assert_cmpuint(count(locks), ==, 1);
	record_locks_clear(locks, 2, 0, RECORD_LOCK_END);
	g_assert_cmpuint(count(locks), ==, 1);
	record_locks_clear(locks, 1, 0, 0);
	g_assert_cmpint(in_the_way(locks, true, 0, 5), ==, 1);
	record_locks_clear(locks, 1, RECORD_LOCK_END, RECORD_LOCK_END);
	g_assert_cmpint(in_the_way(locks, true, RECORD_LOCK_END, RECORD_LOCK_END), ==, -1);
	g_assert_cmpuint(count(locks), ==, 1);
	record_locks_clear(locks, 1, 0, RECORD_LOCK_END);
	g_assert_true(record_locks_is_empty(locks));
	record_locks_free(locks);
}

static void test_handles(void)
{
	RecordLocks *locks = record_locks_new();
	RecordLock lock = lock_of(1, true, 0, 9);

	lock.handle = 7;
	record_locks_set(locks, &lock);
	lock.owner = 2;
	lock.handle = 8;
	lock.start = 10;
	lock.end = 19;
	record_locks_set(locks, &lock);
	record_locks_clear_handle(locks, 7);
	g_assert_cmpint(in_the_way(locks, true, 0, 19), ==, 10);
	record_locks_clear_handle(locks, 8);
	g_assert_true(record_locks_is_empty(locks));
	record_locks_free(locks);
}

enum { N_OWNERS = 4, N_BYTES = 24 };

/* The same by lot, against a table that says for each byte what each owner has there. */
static void test_random(void)
{
	RecordLocks *locks = record_locks_new();
	char table[N_OWNERS][N_BYTES] = {}; /* 0: nothing, else s or x */

	for (unsigned round = 0; round < 200000; round++) {
		uint64_t owner = (uint64_t)g_test_rand_int_range(0, N_OWNERS);
		int64_t start = g_test_rand_int_range(0, N_BYTES);
		int64_t end = g_test_rand_int_range((int)start, N_BYTES);
		bool exclusive = g_test_rand_int_range(0, 3) == 0;
		RecordLock wanted = lock_of(
			owner, exclusive, start, end == N_BYTES - 1 ? RECORD_LOCK_END : end);
		size_t length = (size_t)(end - start + 1);
		const RecordLock *found;
		int64_t first = -1;

		if (g_test_rand_int_range(0, 3) == 0) {
			record_locks_clear(locks, owner, wanted.start, wanted.end);
			memset(table[owner] + start, 0, length);
			continue;
		}
		for (int64_t i = start; i <= end && first < 0; i++)
			for (uint64_t other = 0; other < N_OWNERS; other++)
				if (other != owner && table[other][i] &&
					(exclusive || table[other][i] == 'x'))
					first = i;
		found = record_locks_find(locks, &wanted);
		g_assert_cmpint(first >= 0, ==, found != NULL);
		if (found) {
			/* it may have begun before the range */
			g_assert_cmpint(MAX(found->start, start), ==, first);
			continue;
		}
		record_locks_set(locks, &wanted);
		memset(table[owner] + start, exclusive ? 'x' : 's', length);
	}
	record_locks_free(locks);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record-lock/conflicts", test_conflicts);
	g_test_add_func("/record-lock/split-and-merge", test_split_and_merge);
	g_test_add_func("/record-lock/handles", test_handles);
	g_test_add_func("/record-lock/random", test_random);
	return g_test_run();
}
