/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One line per message. A daemon that has lost its terminal goes on in syslog, one that was given a
 * log goes on there; everybody else, the parent that waits for the daemon included, writes to
 * standard error. Where messages go is process-wide: it changes once, and every module has
 * something to say. */

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static atomic_bool to_syslog;

/* The log, or -1. */
static atomic_int file_fd = -1;

char *log_printable(const char *text)
{
	GString *out = g_string_new(NULL);

	while (*text) {
		gunichar c = g_utf8_get_char_validated(text, -1);
		bool whole = c != (gunichar)-1 && c != (gunichar)-2;
		const char *next = whole ? g_utf8_next_char(text) : text + 1;

		if (whole && !g_unichar_iscntrl(c)) {
			g_string_append_len(out, text, next - text);
			text = next;
			continue;
		}
		for (; text < next; text++) {
			if (*text == '\n')
				g_string_append(out, "\\n");
			else if (*text == '\t')
				g_string_append(out, "\\t");
			else
				g_string_append_printf(out, "\\%03o", (unsigned char)*text);
		}
	}
	return g_string_free(out, FALSE);
}

/* Several processes may have the same log. */
static void say_to_file(int fd, const char *text)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *stamp = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S%z");
	g_autofree char *line = g_strdup_printf("%s lklfs[%d]: %s\n", stamp, getpid(), text);

	/* A log that cannot be written to has nobody to be told of it. */
	if (write(fd, line, strlen(line)) < 0)
		return;
}

/* The whole line in one write, so that lines of several processes do not mix. */
static void say(int priority, const char *text)
{
	g_autofree char *plain = log_printable(text);
	int fd = atomic_load(&file_fd);

	if (fd >= 0)
		say_to_file(fd, plain);
	else if (atomic_load(&to_syslog))
		syslog(priority, "%s", plain);
	else
		fprintf(stderr, "lklfs: %s\n", plain);
}

G_GNUC_PRINTF(4, 0)
static void say_formatted(
	int priority, const char *before, const char *after, const char *format, va_list ap)
{
	g_autofree char *what = g_strdup_vprintf(format, ap);
	g_autofree char *text = g_strconcat(before, what, after, NULL);

	say(priority, text);
}

int log_errno(int error, const char *format, ...)
{
	const char *why = strerrordesc_np(-error);
	g_autofree char *after = g_strconcat(": ", why ? why : "unknown error", NULL);
	va_list ap;

	va_start(ap, format);
	say_formatted(LOG_ERR, "", after, format, ap);
	va_end(ap);
	return error;
}

int log_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_formatted(LOG_ERR, "", "", format, ap);
	va_end(ap);
	return -EINVAL;
}

void log_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_formatted(LOG_WARNING, "warning: ", "", format, ap);
	va_end(ap);
}

void log_notice(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_formatted(LOG_NOTICE, "", "", format, ap);
	va_end(ap);
}

int log_open(const char *path, int *ret_fd)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);

	if (fd < 0)
		return log_errno(-errno, "cannot open the log %s", path);
	*ret_fd = fd;
	return 0;
}

void log_to_file(int fd)
{
	atomic_store(&file_fd, fd);
}

void log_to_syslog(void)
{
	openlog("lklfs", LOG_PID, LOG_DAEMON);
	atomic_store(&to_syslog, true);
}
