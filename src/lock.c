/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who waits stands in one queue of the file, the oldest first, and is answered by whoever frees the
 * lock. An interrupt finds its waiter by the request, under fs->lock, so that it is answered once:
 * whoever takes it from the queue answers. */

#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "util.h"

typedef struct Waiter Waiter;

struct Waiter {
	LockKind kind;
	RecordLock wanted;
	fuse_req_t req;
};

struct Locks {
	/* fs->lock */
	RecordLocks *held[N_LOCK_KINDS];
	GQueue waiters; /* Waiter, owned */
};

static Locks *locks_get(Fs *fs, Node *node)
{
	Locks *locks = node_more(node)->locks;

	if (locks)
		return locks;
	locks = node_set_more(node)->locks = g_new0(Locks, 1);
	for (unsigned kind = 0; kind < N_LOCK_KINDS; kind++)
		locks->held[kind] = record_locks_new();
	g_queue_init(&locks->waiters);
	g_hash_table_add(fs->locked, node_ref(node));
	return locks;
}

static void locks_free(Fs *fs, Node *node)
{
	for (unsigned kind = 0; kind < N_LOCK_KINDS; kind++)
		record_locks_free(node_more(node)->locks->held[kind]);
	g_clear_pointer(&node->more->locks, g_free);
	g_hash_table_remove(fs->locked, node);
	node_unref(fs, node);
}

static void locks_drop_unused(Fs *fs, Node *node)
{
	const Locks *locks = node_more(node)->locks;

	if (locks && locks->waiters.length == 0 && record_locks_is_empty(locks->held[LOCK_WHOLE]) &&
		record_locks_is_empty(locks->held[LOCK_RECORD]))
		locks_free(fs, node);
}

static bool locks_take(Locks *locks, LockKind kind, const RecordLock *wanted)
{
	if (record_locks_find(locks->held[kind], wanted))
		return false;
	record_locks_set(locks->held[kind], wanted);
	return true;
}

/* Gives the lock to those who can have it now; they are added to granted, to be answered without
 * the lock. */
static void locks_grant(Locks *locks, GPtrArray *granted)
{
	for (GList *l = locks->waiters.head, *next; l; l = next) {
		Waiter *waiter = l->data;

		next = l->next;
		if (!locks_take(locks, waiter->kind, &waiter->wanted))
			continue;
		g_ptr_array_add(granted, waiter->req);
		g_free(waiter);
		g_queue_delete_link(&locks->waiters, l);
	}
}

static void lock_answer(GPtrArray *waiters, int error)
{
	for (unsigned i = 0; i < waiters->len; i++)
		fuse_reply_err(waiters->pdata[i], error);
}

/* Takes the waiter of a request out of its queue; fs->lock held. */
static bool lock_cancel(Fs *fs, fuse_req_t req)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, fs->locked);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		Node *node = key;

		for (GList *l = node_more(node)->locks->waiters.head; l; l = l->next) {
			Waiter *waiter = l->data;

			if (waiter->req != req)
				continue;
			g_free(waiter);
			g_queue_delete_link(&node_more(node)->locks->waiters, l);
			locks_drop_unused(fs, node);
			return true;
		}
	}
	return false;
}

static void lock_interrupted(fuse_req_t req, void *data)
{
	Fs *fs = data;
	bool cancelled;

	{
		HOLD(&fs->lock);
		cancelled = lock_cancel(fs, req);
	}
	if (cancelled)
		fuse_reply_err(req, EINTR);
}

static void lock_wait(Locks *locks, LockKind kind, const RecordLock *wanted, fuse_req_t req)
{
	Waiter *waiter = g_new0(Waiter, 1);

	waiter->kind = kind;
	waiter->wanted = *wanted;
	waiter->req = req;
	g_queue_push_tail(&locks->waiters, waiter);
}

/* Adds the owners who are in the way of this one, once each. */
static void blockers_add(const Locks *locks, const RecordLock *wanted, GArray *owners)
{
	const RecordLock *lock;
	unsigned position = 0;

	while ((lock = record_locks_next(locks->held[LOCK_RECORD], wanted, &position))) {
		bool known = false;

		for (unsigned i = 0; i < owners->len && !known; i++)
			known = g_array_index(owners, uint64_t, i) == lock->owner;
		if (!known)
			g_array_append_val(owners, lock->owner);
	}
}

/* The same for what the owner waits for, in any file. */
static void blockers_add_of_owner(Fs *fs, uint64_t owner, GArray *owners)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, fs->locked);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const Locks *locks = node_more(key)->locks;

		for (GList *l = locks->waiters.head; l; l = l->next) {
			const Waiter *waiter = l->data;

			if (waiter->kind == LOCK_RECORD && waiter->wanted.owner == owner)
				blockers_add(locks, &waiter->wanted, owners);
		}
	}
}

/* Whether who is in the way of this one waits for its owner, by way of others perhaps. */
static bool wait_would_not_end(Fs *fs, const Locks *locks, const RecordLock *wanted)
{
	g_autoptr(GArray) owners = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	blockers_add(locks, wanted, owners);
	for (unsigned i = 0; i < owners->len; i++) {
		uint64_t owner = g_array_index(owners, uint64_t, i);

		if (owner == wanted->owner)
			return true;
		blockers_add_of_owner(fs, owner, owners);
	}
	return false;
}

/* Returns what to answer, or -EINPROGRESS if the request waits. */
static int lock_take(
	Fs *fs, Locks *locks, LockKind kind, const RecordLock *wanted, bool waits, fuse_req_t req)
{
	if (locks_take(locks, kind, wanted))
		return 0;
	if (!waits)
		return -EWOULDBLOCK;
	if (kind == LOCK_RECORD && wait_would_not_end(fs, locks, wanted))
		return -EDEADLK;
	if (fuse_req_interrupted(req))
		return -EINTR;
	lock_wait(locks, kind, wanted, req);
	return -EINPROGRESS;
}

/* Locks or unlocks, gives what has become free by that to others, and answers. */
static void lock_apply(Fs *fs, Node *node, LockKind kind, const RecordLock *wanted, int type,
	bool waits, fuse_req_t req)
{
	g_autoptr(GPtrArray) granted = g_ptr_array_new();
	int r = 0;

	fuse_req_interrupt_func(req, lock_interrupted, fs);
	{
		Locks *locks;
		HOLD(&fs->lock);

		locks = locks_get(fs, node);
		/* A conversion frees the old lock first, as flock(2) says. */
		if (type == F_UNLCK || kind == LOCK_WHOLE)
			record_locks_clear(
				locks->held[kind], wanted->owner, wanted->start, wanted->end);
		if (type != F_UNLCK)
			r = lock_take(fs, locks, kind, wanted, waits, req);
		locks_grant(locks, granted);
		locks_drop_unused(fs, node);
	}
	lock_answer(granted, 0);
	if (r != -EINPROGRESS)
		fuse_reply_err(req, -r);
}

void lock_whole(Fs *fs, Node *node, uint64_t owner, int operation, fuse_req_t req)
{
	const RecordLock wanted = {
		.owner = owner, .exclusive = operation & LOCK_EX, .end = RECORD_LOCK_END};

	lock_apply(fs, node, LOCK_WHOLE, &wanted, operation & LOCK_UN ? F_UNLCK : F_WRLCK,
		!(operation & LOCK_NB), req);
}

void lock_record(Fs *fs, Node *node, const RecordLock *wanted, int type, bool waits, fuse_req_t req)
{
	lock_apply(fs, node, LOCK_RECORD, wanted, type, waits, req);
}

void lock_test(Fs *fs, Node *node, const RecordLock *wanted, fuse_req_t req)
{
	struct flock answer = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	{
		const RecordLock *found = NULL;
		HOLD(&fs->lock);

		if (node_more(node)->locks)
			found = record_locks_find(
				node_more(node)->locks->held[LOCK_RECORD], wanted);
		if (found) {
			answer.l_type = found->exclusive ? F_WRLCK : F_RDLCK;
			answer.l_start = found->start;
			if (found->end != RECORD_LOCK_END)
				answer.l_len = found->end - found->start + 1;
			answer.l_pid = found->pid;
		}
	}
	fuse_reply_lock(req, &answer);
}

void lock_drop_owner(Fs *fs, Node *node, LockKind kind, uint64_t owner)
{
	if (!node_more(node)->locks)
		return;
	record_locks_clear(node_more(node)->locks->held[kind], owner, 0, RECORD_LOCK_END);
	locks_drop_unused(fs, node);
}

void lock_drop_handle(Fs *fs, Node *node, uint64_t handle)
{
	if (!node_more(node)->locks)
		return;
	record_locks_clear_handle(node_more(node)->locks->held[LOCK_RECORD], handle);
	locks_drop_unused(fs, node);
}

void lock_grant_waiting(Fs *fs, Node *node)
{
	g_autoptr(GPtrArray) granted = g_ptr_array_new();

	{
		HOLD(&fs->lock);
		if (!node_more(node)->locks)
			return;
		locks_grant(node_more(node)->locks, granted);
		locks_drop_unused(fs, node);
	}
	lock_answer(granted, 0);
}

void lock_end(Fs *fs)
{
	g_autoptr(GPtrArray) waiting = g_ptr_array_new();

	{
		g_autoptr(GList) nodes = NULL;
		HOLD(&fs->lock);

		nodes = g_hash_table_get_keys(fs->locked);
		for (GList *l = nodes; l; l = l->next) {
			Node *node = l->data;
			Waiter *waiter;

			while ((waiter = g_queue_pop_head(&node_more(node)->locks->waiters))) {
				g_ptr_array_add(waiting, waiter->req);
				g_free(waiter);
			}
			locks_free(fs, node);
		}
	}
	lock_answer(waiting, EINTR);
}
