/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "notify.h"

#include <pthread.h>
#include <string.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "util.h"

typedef struct Notice Notice;

struct Notice {
	uint64_t id; /* of the directory, or of the inode if name is NULL */
	char *name;
	GArray *ids; /* of inodes to flush; then done is called with data */
	void (*done)(void *data);
	void *data;
};

struct Notify {
	struct fuse_session *se; /* constant */
	pthread_t thread;        /* constant */
	pthread_mutex_t lock;    /* a leaf */
	pthread_cond_t more;
	GQueue notices; /* lock */
	bool ended;     /* lock */
};

/* Takes the next notice; NULL when the thread is to end. */
static Notice *notice_next(Notify *notify)
{
	HOLD(&notify->lock);

	while (notify->notices.length == 0 && !notify->ended)
		pthread_cond_wait(&notify->more, &notify->lock);
	return g_queue_pop_head(&notify->notices);
}

/* What is spoken of may have been forgotten, or removed, meanwhile: then there is nothing to tell.
 */
static void notice_serve(Notify *notify, Notice *notice)
{
	if (notice->ids) {
		for (unsigned i = 0; i < notice->ids->len; i++)
			(void)!fuse_lowlevel_notify_inval_inode(
				notify->se, g_array_index(notice->ids, uint64_t, i), 0, 0);
		g_array_unref(notice->ids);
		if (notice->done)
			notice->done(notice->data);
	} else if (notice->name) {
		(void)!fuse_lowlevel_notify_inval_entry(
			notify->se, notice->id, notice->name, strlen(notice->name));
	} else {
		(void)!fuse_lowlevel_notify_inval_inode(notify->se, notice->id, -1, 0);
	}
}

static void *notify_run(void *data)
{
	Notify *notify = data;
	Notice *notice;

	while ((notice = notice_next(notify))) {
		notice_serve(notify, notice);
		g_free(notice->name);
		g_free(notice);
	}
	return NULL;
}

int notify_new(struct fuse_session *se, Notify **ret_notify)
{
	Notify *notify = g_new0(Notify, 1);
	int r;

	notify->se = se;
	pthread_mutex_init(&notify->lock, NULL);
	pthread_cond_init(&notify->more, NULL);
	g_queue_init(&notify->notices);
	r = pthread_create(&notify->thread, NULL, notify_run, notify);
	if (r > 0) {
		g_free(notify);
		return -r;
	}
	*ret_notify = notify;
	return 0;
}

Notify *notify_free(Notify *notify)
{
	if (!notify)
		return NULL;
	pthread_mutex_lock(&notify->lock);
	notify->ended = true;
	pthread_cond_signal(&notify->more);
	pthread_mutex_unlock(&notify->lock);
	pthread_join(notify->thread, NULL);
	pthread_mutex_destroy(&notify->lock);
	pthread_cond_destroy(&notify->more);
	g_free(notify);
	return NULL;
}

static void notify_push(Notify *notify, const Notice *notice)
{
	HOLD(&notify->lock);

	g_queue_push_tail(&notify->notices, g_memdup2(notice, sizeof(*notice)));
	pthread_cond_signal(&notify->more);
}

void notify_entry(Notify *notify, uint64_t parent, const char *name)
{
	notify_push(notify, &(Notice){.id = parent, .name = g_strdup(name)});
}

void notify_attributes(Notify *notify, uint64_t id)
{
	notify_push(notify, &(Notice){.id = id});
}

void notify_flush(Notify *notify, GArray *ids, void (*done)(void *data), void *data)
{
	notify_push(notify, &(Notice){.ids = ids, .done = done, .data = data});
}
