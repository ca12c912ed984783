/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A thread that serves nothing and tells the kernel what it must not remember. Expiring a name
 * waits for the lock of its directory, which whoever has it may hold until we answer him: so no
 * thread that answers may do it, nor one that an answer waits for, as those that flush are. */

#include <glib.h>
#include <stdint.h>

typedef struct Notify Notify;
struct fuse_session;

int notify_new(struct fuse_session *se, Notify **ret_notify);
/* Does what is left to do, if the connection lives, and ends the thread. */
Notify *notify_free(Notify *notify);

/* The kernel is to look the name up anew. */
void notify_entry(Notify *notify, uint64_t parent, const char *name);

/* The kernel is to hand over the dirty pages of the inodes; they come as WRITEs. Then done(data) is
 * called, unless done is NULL. Takes the array of ids. */
void notify_flush(Notify *notify, GArray *ids, void (*done)(void *data), void *data);

/* The kernel is to ask for the attributes of an inode anew; it keeps size and times of its own. */
void notify_attributes(Notify *notify, uint64_t id);
