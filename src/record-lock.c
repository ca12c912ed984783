/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An owner's locks never overlap, and neighbours of one kind are one lock: so a range is held by
 * one lock of each owner at most, and what is set or cleared cuts what was there. There are few of
 * them, in no order. */

#include "record-lock.h"

#include <glib.h>

struct RecordLocks {
	GArray *items; /* RecordLock */
};

RecordLocks *record_locks_new(void)
{
	RecordLocks *locks = g_new0(RecordLocks, 1);

	locks->items = g_array_new(FALSE, FALSE, sizeof(RecordLock));
	return locks;
}

RecordLocks *record_locks_free(RecordLocks *locks)
{
	if (!locks)
		return NULL;
	g_array_unref(locks->items);
	g_free(locks);
	return NULL;
}

bool record_locks_is_empty(const RecordLocks *locks)
{
	return locks->items->len == 0;
}

static RecordLock *item(const RecordLocks *locks, unsigned i)
{
	return &g_array_index(locks->items, RecordLock, i);
}

static bool overlaps(const RecordLock *lock, int64_t start, int64_t end)
{
	return lock->start <= end && start <= lock->end;
}

const RecordLock *record_locks_next(
	const RecordLocks *locks, const RecordLock *wanted, unsigned *position)
{
	while (*position < locks->items->len) {
		const RecordLock *lock = item(locks, (*position)++);

		if (lock->owner != wanted->owner && (lock->exclusive || wanted->exclusive) &&
			overlaps(lock, wanted->start, wanted->end))
			return lock;
	}
	return NULL;
}

const RecordLock *record_locks_find(const RecordLocks *locks, const RecordLock *wanted)
{
	const RecordLock *first = NULL, *lock;
	unsigned position = 0;

	while ((lock = record_locks_next(locks, wanted, &position)))
		if (!first || lock->start < first->start)
			first = lock;
	return first;
}

/* Takes a range out of a lock: what is left of it after the range is added. Returns whether nothing
 * is left before. */
static bool cut(RecordLocks *locks, unsigned i, int64_t start, int64_t end)
{
	RecordLock after = *item(locks, i);
	RecordLock *lock = item(locks, i);
	bool gone = lock->start >= start;

	lock->end = gone ? lock->end : start - 1;
	if (after.end <= end)
		return gone;
	after.start = end + 1;
	g_array_append_val(locks->items, after);
	return gone;
}

void record_locks_clear(RecordLocks *locks, uint64_t owner, int64_t start, int64_t end)
{
	/* From behind: what is added and what takes the place of another needs no second look. */
	for (unsigned i = locks->items->len; i > 0; i--) {
		const RecordLock *lock = item(locks, i - 1);

		if (lock->owner == owner && overlaps(lock, start, end) &&
			cut(locks, i - 1, start, end))
			g_array_remove_index_fast(locks->items, i - 1);
	}
}

void record_locks_set(RecordLocks *locks, const RecordLock *wanted)
{
	RecordLock lock = *wanted;

	record_locks_clear(locks, lock.owner, lock.start, lock.end);
	for (unsigned i = locks->items->len; i > 0; i--) {
		const RecordLock *other = item(locks, i - 1);

		if (other->owner != lock.owner || other->exclusive != lock.exclusive)
			continue;
		if (lock.start > 0 && other->end == lock.start - 1)
			lock.start = other->start;
		else if (lock.end < RECORD_LOCK_END && other->start == lock.end + 1)
			lock.end = other->end;
		else
			continue;
		g_array_remove_index_fast(locks->items, i - 1);
	}
	g_array_append_val(locks->items, lock);
}

void record_locks_clear_handle(RecordLocks *locks, uint64_t handle)
{
	for (unsigned i = locks->items->len; i > 0; i--)
		if (item(locks, i - 1)->handle == handle)
			g_array_remove_index_fast(locks->items, i - 1);
}
