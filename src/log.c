/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One line per message. A daemon that has lost its terminal goes on in syslog; everybody else, the
 * parent that waits for the daemon included, writes to standard error. Where messages go is the one
 * thing here that is process-wide: it changes once, and every module has something to say. */

#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

static atomic_bool to_syslog;

/* What follows from the next error, if that is no more than a warning. */
static _Atomic(const char *) excuse;

/* The whole line in one write, so that lines of several processes do not mix. */
static void say(int priority, const char *text)
{
	if (atomic_load(&to_syslog))
		syslog(priority, "%s", text);
	else
		fprintf(stderr, "lklfs: %s\n", text);
}

static void say_error(const char *text)
{
	const char *consequence = atomic_exchange(&excuse, NULL);

	if (consequence)
		log_warning("%s; %s", text, consequence);
	else
		say(LOG_ERR, text);
}

int log_errno(int error, const char *format, ...)
{
	g_autofree char *what = NULL, *text = NULL;
	const char *why = strerrordesc_np(-error);
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	text = g_strdup_printf("%s: %s", what, why ? why : "unknown error");
	say_error(text);
	return error;
}

int log_error(const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	say_error(text);
	return -EINVAL;
}

void log_warning(const char *format, ...)
{
	g_autofree char *what = NULL, *text = NULL;
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	text = g_strconcat("warning: ", what, NULL);
	say(LOG_WARNING, text);
}

void log_excuse(const char *consequence)
{
	atomic_store(&excuse, consequence);
}

void log_to_syslog(void)
{
	openlog("lklfs", LOG_PID, LOG_DAEMON);
	atomic_store(&to_syslog, true);
}
