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
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* all of these: lock */
	GQueue items;      /* those that have not been handed on, with the one that is being */
	unsigned n_missed; /* those for which there was no room since the last one there was for */
	bool ends;         /* nobody puts in more */
};

/* The next one; NULL when there is none, and will not be. done: the one before has been handed on.
 */
static void *outbox_next(Outbox *outbox, bool done)
{
	HOLD(&outbox->lock);

	if (done) {
		outbox->free_item(g_queue_pop_head(&outbox->items));
		pthread_cond_broadcast(&outbox->changed);
	}
	if (outbox->items.length == 0 && outbox->n_missed > 0) {
		if (outbox->missed)
			g_queue_push_tail(
				&outbox->items, outbox->missed(outbox->n_missed, outbox->data));
		outbox->n_missed = 0;
	}
	while (outbox->items.length == 0 && !outbox->ends)
		pthread_cond_wait(&outbox->changed, &outbox->lock);
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

int outbox_new(OutboxHand hand, OutboxMissed missed, GDestroyNotify free_item, void *data,
	unsigned max, Outbox **ret_outbox)
{
	Outbox *outbox = g_new0(Outbox, 1);
	int r;

	*outbox = (Outbox){
		.hand = hand, .missed = missed, .free_item = free_item, .data = data, .max = max};
	pthread_mutex_init(&outbox->lock, NULL);
	pthread_cond_init(&outbox->changed, NULL);
	g_queue_init(&outbox->items);
	r = pthread_create(&outbox->thread, NULL, outbox_run, outbox);
	if (r != 0) {
		outbox_drop(outbox);
		return -r;
	}
	*ret_outbox = outbox;
	return 0;
}

bool outbox_put(Outbox *outbox, void *item)
{
	{
		HOLD(&outbox->lock);
		if (outbox->items.length < outbox->max) {
			g_queue_push_tail(&outbox->items, item);
			pthread_cond_broadcast(&outbox->changed);
			return true;
		}
		outbox->n_missed++;
	}
	outbox->free_item(item);
	return false;
}

bool outbox_free(Outbox *outbox, int64_t patience)
{
	gint64 end = g_get_monotonic_time() + patience;
	const struct timespec limit = {end / G_USEC_PER_SEC, end % G_USEC_PER_SEC * 1000};
	int r = 0;

	{
		HOLD(&outbox->lock);
		outbox->ends = true;
		pthread_cond_broadcast(&outbox->changed);
		while ((outbox->items.length > 0 || outbox->n_missed > 0) && r == 0)
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
