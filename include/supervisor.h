/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells whoever supervises this process as a service how it is, as sd_notify(3) does. Errors are
 * said and are nobody's end: the mounts work without. */

/* Connects to the socket of this address, the value of NOTIFY_SOCKET; NULL or empty: there is
 * nobody. Call it before anything is mounted, for the address may be a path. Returns a descriptor,
 * or -1; to be closed. */
int supervisor_connect(const char *address);

/* Sends "READY=1" and the like; waits a second at most. fd -1: does nothing. */
void supervisor_tell(int fd, const char *state);
