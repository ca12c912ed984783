/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who waits stands in one queue of the file, the oldest first, and is answered by whoever frees the
 * lock. An interrupt finds its waiter by the request, under fs->lock, so that it is answered once:
 * whoever takes it from the queue answers. */

#include "flock.h"

#include <errno.h>
#include <sys/file.h>

#include "util.h"

typedef struct Lock Lock;

struct Lock {
	uint64_t owner;
	bool exclusive;
	fuse_req_t req; /* of a waiter */
};

struct Flock {
	/* fs->lock */
	GQueue holders; /* Lock, owned */
	GQueue waiters; /* Lock, owned */
};

static Flock *flock_get(Node *node)
{
	if (!node->flock) {
		node->flock = g_new0(Flock, 1);
		g_queue_init(&node->flock->holders);
		g_queue_init(&node->flock->waiters);
		node_ref(node);
	}
	return node->flock;
}

static void flock_drop_unused(Fs *fs, Node *node)
{
	Flock *flock = node->flock;

	if (!flock || flock->holders.length > 0 || flock->waiters.length > 0)
		return;
	g_free(flock);
	node->flock = NULL;
	node_unref(fs, node);
}

static bool flock_take(Flock *flock, uint64_t owner, bool exclusive)
{
	Lock *lock;

	for (GList *l = flock->holders.head; l; l = l->next) {
		lock = l->data;
		if (exclusive || lock->exclusive)
			return false;
	}
	lock = g_new0(Lock, 1);
	lock->owner = owner;
	lock->exclusive = exclusive;
	g_queue_push_tail(&flock->holders, lock);
	return true;
}

static void flock_free_owner(Flock *flock, uint64_t owner)
{
	for (GList *l = flock->holders.head, *next; l; l = next) {
		Lock *lock = l->data;

		next = l->next;
		if (lock->owner == owner) {
			g_free(lock);
			g_queue_delete_link(&flock->holders, l);
		}
	}
}

/* Gives the lock to those who can have it now; they are added to granted, to be answered without
 * the lock. */
static void flock_grant(Flock *flock, GPtrArray *granted)
{
	for (GList *l = flock->waiters.head, *next; l; l = next) {
		Lock *lock = l->data;

		next = l->next;
		if (!flock_take(flock, lock->owner, lock->exclusive))
			continue;
		g_ptr_array_add(granted, lock->req);
		g_free(lock);
		g_queue_delete_link(&flock->waiters, l);
	}
}

static void flock_answer(GPtrArray *granted)
{
	for (unsigned i = 0; i < granted->len; i++)
		fuse_reply_err(granted->pdata[i], 0);
}

/* Takes the waiter of a request out of its queue; fs->lock held. */
static bool flock_cancel(Fs *fs, fuse_req_t req)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, fs->flocks);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		Node *node = key;

		for (GList *l = node->flock->waiters.head; l; l = l->next) {
			Lock *lock = l->data;

			if (lock->req != req)
				continue;
			g_free(lock);
			g_queue_delete_link(&node->flock->waiters, l);
			g_hash_table_iter_remove(&iter);
			if (node->flock->waiters.length > 0)
				g_hash_table_add(fs->flocks, node);
			flock_drop_unused(fs, node);
			return true;
		}
	}
	return false;
}

static void flock_interrupted(fuse_req_t req, void *data)
{
	Fs *fs = data;
	bool cancelled;

	{
		HOLD(&fs->lock);
		cancelled = flock_cancel(fs, req);
	}
	if (cancelled)
		fuse_reply_err(req, EINTR);
}

static void flock_wait(Fs *fs, Node *node, uint64_t owner, bool exclusive, fuse_req_t req)
{
	Lock *lock = g_new0(Lock, 1);

	lock->owner = owner;
	lock->exclusive = exclusive;
	lock->req = req;
	g_queue_push_tail(&node->flock->waiters, lock);
	g_hash_table_add(fs->flocks, node);
}

/* Returns what to answer, or -EINPROGRESS if the request waits. */
static int flock_apply(
	Fs *fs, Node *node, uint64_t owner, int operation, fuse_req_t req, GPtrArray *granted)
{
	bool exclusive = (operation & LOCK_EX) != 0;
	Flock *flock = flock_get(node);
	int r = 0;

	/* A conversion frees the old lock first, as flock(2) says. */
	flock_free_owner(flock, owner);
	if (!(operation & LOCK_UN) && !flock_take(flock, owner, exclusive)) {
		if (operation & LOCK_NB)
			r = -EWOULDBLOCK;
		else if (fuse_req_interrupted(req))
			r = -EINTR;
		else
			r = -EINPROGRESS;
	}
	if (r == -EINPROGRESS)
		flock_wait(fs, node, owner, exclusive, req);
	flock_grant(flock, granted);
	if (flock->waiters.length == 0)
		g_hash_table_remove(fs->flocks, node);
	flock_drop_unused(fs, node);
	return r;
}

void flock_request(Fs *fs, Node *node, uint64_t owner, int operation, fuse_req_t req)
{
	g_autoptr(GPtrArray) granted = g_ptr_array_new();
	int r;

	fuse_req_interrupt_func(req, flock_interrupted, fs);
	{
		HOLD(&fs->lock);
		r = flock_apply(fs, node, owner, operation, req, granted);
	}
	flock_answer(granted);
	if (r != -EINPROGRESS)
		fuse_reply_err(req, -r);
}

void flock_drop_owner(Fs *fs, Node *node, uint64_t owner)
{
	if (!node->flock)
		return;
	flock_free_owner(node->flock, owner);
	flock_drop_unused(fs, node);
}

void flock_grant_waiting(Fs *fs, Node *node)
{
	g_autoptr(GPtrArray) granted = g_ptr_array_new();

	{
		HOLD(&fs->lock);
		if (!node->flock)
			return;
		flock_grant(node->flock, granted);
		if (node->flock->waiters.length == 0)
			g_hash_table_remove(fs->flocks, node);
		flock_drop_unused(fs, node);
	}
	flock_answer(granted);
}
