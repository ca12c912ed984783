/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life of one process's mounts: opened, mounted, served, ended. Used by `mount` and `run`. */

#include "journal.h"
#include "mount-options.h"

typedef struct Session Session;

/* Asks libfuse whether it understands options->fuse_options. -EINVAL: said. Starts nothing. */
int session_check(const Options *options);

/* Finds, opens and mounts every directory of options->dirs and starts serving; when it returns 0
 * all of them are live, and messages go to options->log. On failure that has been said, and nothing
 * is left mounted. -EINVAL: the command line makes no sense (a directory is missing, given twice,
 * ..., or the log cannot be opened); another -errno: this machine does not let us. Starts threads:
 * fork before, and block before what signals they are not to take. The process gets / as its
 * working directory, no umask, no SIGPIPE, and as many descriptors as it may have. options must
 * outlive the session. */
int session_start(const Options *options, Session **ret_session);

/* Unmounts what is still mounted; a busy mount is detached lazily. Waits for a round trip through
 * each mount first, so that what was closed before has been received, but not for the end. May be
 * called from any thread that serves no request, and more than once. */
void session_unmount(Session *session);

/* Cuts the connections of mounts that are still served: for a second SIGTERM. What is still staged
 * then is saved, not exposed. */
void session_abort(Session *session);

/* A descriptor that becomes readable when every mount has ended, for poll(2). Owned by the session.
 */
int session_end_fd(Session *session);

/* The verdicts of all mounts so far, added to *totals (but for what stays outdated), and, unless
 * ret_newest is NULL, the absolute path of the file that the newest one is on, to free; NULL: there
 * is none. Waits for nobody. */
void session_look(Session *session, Totals *totals, char **ret_newest);

/* With options->report: a descriptor, the caller's, of what the journals of all mounts tell. It is
 * complete when the session has been finished. -1: there is none. */
int session_lines(Session *session);

/* Waits until every mount has ended, exposes what is left, and frees the session. Adds the verdicts
 * of all mounts to *totals. Returns 0, or -EIO if something could not be exposed. */
int session_finish(Session *session, Totals *totals);

/* Absolute paths of the mount points, NULL-terminated, owned by the session. */
const char *const *session_mountpoints(Session *session);

/* The device number (minor; the major is 0) of each of them, in the same order. */
const unsigned *session_minors(Session *session);
