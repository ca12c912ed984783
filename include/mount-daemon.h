/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process that serves a mount, as others see it: from /proc alone, for it may not answer. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "mount-helper.h"

typedef enum {
	DAEMON_STOPPED, /* by a signal */
	DAEMON_KILLED, /* but a thread of it waits in the kernel, perhaps for itself and for ever */
} DaemonState;

/* Whether the process's number means the same to us as to itself. */
bool daemon_is_near(pid_t pid);

/* Whether the process, which has not been killed, has dir, or a device of that name, open. */
bool daemon_has_open(pid_t pid, const char *dir);

/* What may be the daemon of a mount, and is in this state: it has the kernel's device open, and the
 * directory under the mount. Anybody can have these, so it is one of whoever has mounted it, or
 * root's. Array of Daemon. */
GArray *daemon_find(const Mount *mount, DaemonState state);

typedef struct Daemon Daemon;

struct Daemon {
	pid_t pid;
	int fd; /* owned by the array: can be read when it has ended */
};

/* Lets them go on that are stopped. */
void daemon_wake(const GArray *found);

/* Whether one of them is done with the directory: another may be the daemon of what is mounted
 * below. True if there is none. */
bool daemon_is_done(const GArray *found, const char *dir);

/* Cuts the connection of a mount whose daemon has been killed, and has not ended. -ESRCH: there is
 * no such daemon. -errno is not said. */
int daemon_bury(const Mount *mount);
