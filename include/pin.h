/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Promises to threads that were answered ESTALE and will come again: the kernel looks the name up
 * once more and repeats the call, once. A pin remembers what that thread is to find then. A thread
 * has one pin at most; whichever file its next lookup finds is meant, for another may have got the
 * name meanwhile, and the first one another name. Everything here is under fs->lock.
 *
 * A writer's pin is for one name: the first that its lookups come to and that can be the file's,
 * that is, no directory and no link on the way to it. A lookup of another one means that the thread
 * does something else by now. It joins the writers with its open, not with the promise.
 *
 * A writer's pin holds the session open until the thread comes, dies, or 200 ms have passed, so
 * that the stage it has been promised is still there when its open comes. The memory of the promise
 * lasts longer: it ends with the thread's next request that is not part of repeating the call. */

#include "fs.h"
#include "stage.h"

typedef struct Pin Pin;

typedef enum {
	PIN_WRITE,  /* open for writing, truncate: will be served on the stage */
	PIN_READ,   /* open for reading: will be served on what the next lookup finds */
	PIN_TIMES,  /* utimens by path: will be served on a name that is not cached */
	PIN_RENAME, /* rename: the same */
} PinKind;

struct Pin {
	/* fs->lock */
	pid_t tid;
	PinKind kind;
	Node *origin;       /* owned: whose version the first attempt named */
	Node *dir;          /* owned; PIN_WRITE: where the name is; NULL: not known yet */
	char *name;         /* PIN_WRITE: the name that the second attempt is for */
	Node *found;        /* owned: what the last lookup found; NULL: no lookup yet */
	Stage *stage;       /* owned; PIN_WRITE: held open until hold_until */
	int64_t hold_until; /* monotonic microseconds; 0: the hold has ended */
	int64_t held;       /* monotonic microseconds: when it was last asked for */
	int64_t made;       /* monotonic microseconds */
	bool absent; /* a lookup found nothing; the one that follows it in the same attempt may */
	Process *caller;     /* owned; NULL: unknown */
	uint64_t version_id; /* PIN_READ: what the lookup found */
	int fd;              /* PIN_READ: that version, open for reading; or -1 */
	Stage *reads;        /* PIN_READ: owned; if the lookup found a stage, that one */
};

/* NULL if the thread has none. */
Pin *pin_find(Fs *fs, pid_t tid);

/* Makes the thread's pin, in place of another. due: see pin_drop(). */
Pin *pin_set(Fs *fs, pid_t tid, PinKind kind, Node *origin, Process *caller, GPtrArray *due);

/* The thread's lookup has found this. */
void pin_found(Fs *fs, Pin *pin, Node *node);

/* Whether a writer's promise may be for this name. NULL and other pins are for none. */
bool pin_may_be(const Pin *pin, const Node *dir, const char *name);

/* It is for this name, which it may be for. */
void pin_name(Pin *pin, Node *dir, const char *name);

/* Whether an attempt upon this node is the second one. */
bool pin_is_for(const Pin *pin, PinKind kind, const Node *node);

/* Holds a session open for the pin from now on. */
void pin_hold(Fs *fs, Pin *pin, Stage *stage, GPtrArray *due);

/* Ends a pin. Sessions that nobody writes any more and that have to be decided now are added to
 * due, with a reference. */
void pin_drop(Fs *fs, Pin *pin, GPtrArray *due);

/* Ends the holds that are over and forgets old pins. Returns the monotonic time in microseconds
 * when there is something to do again, or -1. */
int64_t pin_expire(Fs *fs, int64_t now, GPtrArray *due);

/* Ends all, at the end of the mount. */
void pin_drop_all(Fs *fs, GPtrArray *due);
