/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who waits for whom. A close is final for everybody who asks after it;
 * docs/ARCHITECTURE.md has the argument. */

#include "request.h"

typedef enum {
	ADMIT_QUICK,  /* is run at once, before the next one is received: it waits for nobody */
	ADMIT_RUN,    /* may be run at once, by the thread that received it */
	ADMIT_GLANCE, /* is quick, too, once it is known who asks */
	ADMIT_LOOK,   /* has to know who asks: for the threads that may read /proc */
	ADMIT_PARKED, /* waits for a verdict, and comes again */
} Admission;

/* Admits a request. Called in the order of receipt, or for the second time after it has waited.
 * Verdicts that are due because its thread has given up a promise are added to due, to be seen to
 * before anything else: others, this request too, may wait for them. Takes fs->lock. */
Admission order_admit(Request *r, GPtrArray *due);

/* Whether these verdicts take no longer than a moment, as far as can be told. No lock held. */
bool order_is_brief(Fs *fs, GPtrArray *due);

/* Verdicts are reached in the order of the closes. Sees to those that are due, as far as it is
 * their turn; afterwards the array has what has been waiting for them, to be seen to as well. No
 * lock held.
 */
void order_decide_due(Fs *fs, GPtrArray *due);

/* Somebody has been taken out of the line: adds to due whose turn it is now, if he is ready.
 * fs->lock held. */
void order_next(Fs *fs, GPtrArray *due);

/* Tries to expose at once what could not be, and waits for every verdict that is on its way, unless
 * another thread does already. No lock held; in a thread that serves no READ or WRITE. */
void order_settle_all(Fs *fs);

/* The kernel is to forget what it holds of a file that has been written through. No lock held. */
void order_tell(Fs *fs, Stage *stage);

/* For ADMIT_GLANCE: finds out who asks, if that is somebody remembered. Waits for nobody. Returns
 * false if the request is ADMIT_LOOK after all. */
bool order_glance(Request *r);

/* Finds out who asks, and makes sure that a look at a name with an open session comes after every
 * close before it. Returns false if the request has been put somewhere to wait; it is not the
 * caller's any more then. In a thread that may read /proc. */
bool order_prepare(Request *r);

/* For a request that is going to write the node: afterwards its session, if it has one, is not
 * undecided. If the last writer's close has been received after this request, the session goes on
 * with this writer; if its verdict is being reached just now, waits for that. fs->lock held, and
 * dropped while it waits: the caller holds the node, and looks up again whatever else it needs. */
void order_settle(Fs *fs, Node *node);

/* The request has been answered: lets go who waited; verdicts that are due now are added to r->due.
 * Frees nothing of the request but what it holds of the file system. */
void order_done(Request *r);

/* From request.c: puts a request where order_prepare() is called for it. */
void request_requeue(Request *r);

/* From request.c: requeues it when everything that the kernel has queued by now has been received.
 */
void request_wait_received(Request *r);

/* From request.c: asks the kernel for the dirty pages of an inode; they come as WRITEs before this
 * returns. */
void request_flush(Fs *fs, uint64_t id);
