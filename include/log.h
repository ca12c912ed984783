/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One line per message, with control characters as \n or \033, to standard error, or to where
 * log_to_file() or log_to_syslog() (a daemon without a terminal) turned it. Thread safe. */

#include <glib.h>
#include <sys/types.h>

/* What an error (-errno) is called; never NULL. A constant string. */
const char *log_error_name(int error);

/* Says "lklfs: MESSAGE: STRERROR" (error is -errno) and returns error, so that a caller can write
 * return log_errno(r, "cannot expose %s", name). */
int log_errno(int error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Says "lklfs: MESSAGE" and returns -EINVAL. */
int log_error(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Says "lklfs: warning: MESSAGE". */
void log_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* A copy of text to show to people: what could move a terminal's cursor, or worse, is written as in
 * C, and so is what is no UTF-8. To free. */
char *log_printable(const char *text);

/* Says "lklfs: MESSAGE". */
void log_notice(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Opens a file for log_to_file(), or for another log, at its end; created with this mode and the
 * umask. -errno is said; what: what it is called then. */
int log_open(const char *what, const char *path, mode_t mode, int *ret_fd);

/* From now on messages go there, each with a time stamp. Takes the descriptor over for good. */
void log_to_file(int fd);

/* From now on messages go to syslog(3), facility daemon. */
void log_to_syslog(void);

/* From now on nobody who says something waits until it is written: a thread does that. What more
 * than 200 messages have to wait for is missed, and how much was is said as soon as there is room.
 * Returns 0 or -errno, which is not said; once, and without other threads. */
int log_begin_thread(void);

/* The thread ends. What has not been written yet is, unless nobody takes it for a second. No other
 * thread says anything any more. Nothing to do if there is none. */
void log_end_thread(void);
