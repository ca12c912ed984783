/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An item stays in the queue until it has been handed on, so that its end is the end of all. */

#include "outbox.h"

#include "util.h"

struct Outbox {
	/* constant: */
	OutboxHand hand;
	OutboxMissed missed;
	GDestroyNotify free_item;
	void *data; /* not owned */
	unsigned max;
	int64_t linger; /* us */
	unsigned batch;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* all of these: lock */
	GQueue items;      /* those that have not been handed on, with the one that is being */
	unsigned n_missed; /* those for which there was no room since the last one there was for */
	unsigned wake_at;  /* the thread waits until there are so many; 0: it does not wait */
	uint64_t n_put, n_handed;
	unsigned n_drains; /* so many wait until all has been handed on */
	bool ends;         /* nobody puts in more */
};

static struct timespec time_after(int64_t us)
{
	const int64_t end = g_get_monotonic_time() + us;

	return (struct timespec){end / G_USEC_PER_SEC, end % G_USEC_PER_SEC * 1000};
}

/* Waits for an item, and then for more of them, but not if somebody waits for this one. */
static void outbox_await(Outbox *outbox)
{
	struct timespec limit;
	int r = 0;

	outbox->wake_at = 1;
	while (outbox->items.length == 0 && !outbox->ends)
		pthread_cond_wait(&outbox->changed, &outbox->lock);
	outbox->wake_at = outbox->batch;
	limit = time_after(outbox->linger);
	while (outbox->items.length < outbox->batch && !outbox->ends && outbox->n_drains == 0 &&
		r == 0)
		r = pthread_cond_clockwait(
			&outbox->changed, &outbox->lock, CLOCK_MONOTONIC, &limit);
	outbox->wake_at = 0;
}

/* The next one; NULL when there is none, and will not be. done: the one before has been handed on.
 */
static void *outbox_next(Outbox *outbox, bool done)
{
	HOLD(&outbox->lock);

	if (done) {
		outbox->free_item(g_queue_pop_head(&outbox->items));
		outbox->n_handed++;
		pthread_cond_broadcast(&outbox->changed);
	}
	if (outbox->items.length == 0 && outbox->n_missed > 0) {
		if (outbox->missed) {
			g_queue_push_tail(
				&outbox->items, outbox->missed(outbox->n_missed, outbox->data));
			outbox->n_put++;
		}
		outbox->n_missed = 0;
	}
	if (outbox->items.length == 0)
		outbox_await(outbox);
	return g_queue_peek_head(&outbox->items);
}

static void *outbox_run(void *data)
{
	Outbox *outbox = data;
	void *item = NULL;

	while ((item = outbox_next(outbox, item != NULL)))
		outbox->hand(item, outbox->data);
	return NULL;
}

static void outbox_drop(Outbox *outbox)
{
	pthread_cond_destroy(&outbox->changed);
	pthread_mutex_destroy(&outbox->lock);
	g_free(outbox);
}

int outbox_new(const char *name, OutboxHand hand, OutboxMissed missed, GDestroyNotify free_item,
	void *data, unsigned max, Outbox **ret_outbox)
{
	Outbox *outbox = g_new0(Outbox, 1);
	int r;

	*outbox = (Outbox){.hand = hand,
		.missed = missed,
		.free_item = free_item,
		.data = data,
		.max = max,
		.batch = 1};
	pthread_mutex_init(&outbox->lock, NULL);
	pthread_cond_init(&outbox->changed, NULL);
	g_queue_init(&outbox->items);
	r = pthread_create(&outbox->thread, NULL, outbox_run, outbox);
	if (r != 0) {
		outbox_drop(outbox);
		return -r;
	}
	pthread_setname_np(outbox->thread, name);
	*ret_outbox = outbox;
	return 0;
}

void outbox_linger(Outbox *outbox, int64_t linger, unsigned batch)
{
	HOLD(&outbox->lock);

	outbox->linger = linger;
	outbox->batch = batch;
}

/* outbox->lock held. */
static void outbox_add(Outbox *outbox, void *item)
{
	g_queue_push_tail(&outbox->items, item);
	outbox->n_put++;
	if (outbox->wake_at > 0 && outbox->items.length >= outbox->wake_at)
		pthread_cond_broadcast(&outbox->changed);
}

void outbox_put_waiting(Outbox *outbox, void *item)
{
	HOLD(&outbox->lock);

	while (outbox->items.length >= outbox->max)
		pthread_cond_wait(&outbox->changed, &outbox->lock);
	outbox_add(outbox, item);
}

bool outbox_put(Outbox *outbox, void *item)
{
	{
		HOLD(&outbox->lock);
		if (outbox->items.length < outbox->max) {
			outbox_add(outbox, item);
			return true;
		}
		outbox->n_missed++;
	}
	outbox->free_item(item);
	return false;
}

bool outbox_drain(Outbox *outbox)
{
	uint64_t n_put;
	HOLD(&outbox->lock);

	if (outbox->items.length == 0)
		return false;
	n_put = outbox->n_put;
	outbox->n_drains++;
	pthread_cond_broadcast(&outbox->changed);
	while (outbox->n_handed < n_put)
		pthread_cond_wait(&outbox->changed, &outbox->lock);
	outbox->n_drains--;
	return true;
}

bool outbox_free(Outbox *outbox, int64_t patience)
{
	const struct timespec limit = time_after(patience);
	int r = 0;

	{
		HOLD(&outbox->lock);
		outbox->ends = true;
		pthread_cond_broadcast(&outbox->changed);
		while (patience >= 0 && (outbox->items.length > 0 || outbox->n_missed > 0) &&
			r == 0)
			r = pthread_cond_clockwait(
				&outbox->changed, &outbox->lock, CLOCK_MONOTONIC, &limit);
	}
	if (r != 0) {
		pthread_detach(outbox->thread);
		return false;
	}
	pthread_join(outbox->thread, NULL);
	outbox_drop(outbox);
	return true;
}
