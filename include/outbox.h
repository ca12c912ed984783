/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A queue that a thread of its own empties, so that whoever puts something in does not wait for
 * those who take it. Thread safe: a lock of its own, which is a leaf. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Outbox Outbox;

/* Hands an item on. Called by the thread alone, without a lock; may wait. */
typedef void (*OutboxHand)(void *item, void *data);

/* An item that says how many there was no room for; it is put in as soon as there is. */
typedef void *(*OutboxMissed)(unsigned n, void *data);

/* The thread begins, under this name (up to 15 bytes), by which ps -T and top -H show it. max: so
 * many items wait at most. missed may be NULL; data goes to both. Returns 0, or -errno if there can
 * be no thread. */
int outbox_new(const char *name, OutboxHand hand, OutboxMissed missed, GDestroyNotify free_item,
	void *data, unsigned max, Outbox **ret_outbox);

/* Before anything is put in: the thread, once woken, waits for more for linger microseconds, unless
 * there are batch items before that, so that it is seldom woken. */
void outbox_linger(Outbox *outbox, int64_t linger, unsigned batch);

/* Takes the item. False: there was no room for it. */
bool outbox_put(Outbox *outbox, void *item);

/* The same, but waits until there is room. */
void outbox_put_waiting(Outbox *outbox, void *item);

/* Waits until all that has been put in before is handed on. False: there was nothing. */
bool outbox_drain(Outbox *outbox);

/* Waits until all that has been put in is handed on, but no longer than patience microseconds
 * (negative: however long it takes), and frees the outbox. False: something is left, and the thread
 * may still be handing it on: neither data nor the outbox is freed then. Nobody puts anything in
 * any more. */
bool outbox_free(Outbox *outbox, int64_t patience);
