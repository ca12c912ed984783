/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A process of its own that lets go whoever waits for mounts whose daemon has been killed. */

#include <sys/types.h>

typedef struct Watch Watch;

/* Starts it, as a child of the calling thread, which has to be the process's first one and lives as
 * long as its daemon. NULL: there can be none; then whoever waits is let go by lklfs umount or the
 * next mount. */
Watch *watch_new(void);

/* Watches over a mount as well; minor: of its file system. watch may be NULL. */
void watch_add(Watch *watch, unsigned minor);

/* Ends it, and waits for that. NULL: nothing to do. Returns NULL. */
Watch *watch_free(Watch *watch);
