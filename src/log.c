/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One line per message. A daemon that has lost its terminal goes on in syslog, one that was given a
 * log goes on there; everybody else, the parent that waits for the daemon included, writes to
 * standard error. Where messages go is process-wide: it changes once, and every module has
 * something to say.
 *
 * Whoever serves a mount must not wait for those who read: standard error may be a pipe that nobody
 * empties, syslog may hang, the log may even be on a mount. So while mounts are served a thread of
 * its own does the writing, and all others put what they have to say into its queue. */

#include "log.h"

#include "outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LOG_QUEUE_MAX 200        /* messages that wait to be written */
#define LOG_END_US (1000 * 1000) /* so long is waited for them at the end */

static atomic_bool to_syslog;

/* The log, or -1. */
static atomic_int file_fd = -1;

typedef struct Message Message;

struct Message {
	int priority;
	char *text;
};

/* NULL: whoever says something writes it. Changed while there is one thread only. */
static Outbox *outbox;

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

/* In one write, so that lines of several processes do not mix. What cannot be written has nobody to
 * be told of it. */
static void write_line(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0)
		return;
}

static void say_to_file(int fd, const char *text)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *stamp = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S%z");
	g_autofree char *line = g_strdup_printf("%s lklfs[%d]: %s\n", stamp, getpid(), text);

	write_line(fd, line);
}

/* Not by stdio: who waits in there holds what exit(3) wants. */
static void say_to_stderr(const char *text)
{
	g_autofree char *line = g_strdup_printf("lklfs: %s\n", text);

	write_line(STDERR_FILENO, line);
}

static void say_now(int priority, const char *text)
{
	int fd = atomic_load(&file_fd);

	if (fd >= 0)
		say_to_file(fd, text);
	else if (atomic_load(&to_syslog))
		syslog(priority, "%s", text);
	else
		say_to_stderr(text);
}

/* text is taken. */
static Message *message_new(int priority, char *text)
{
	const Message message = {priority, text};

	return g_memdup2(&message, sizeof(message));
}

static void message_free(gpointer data)
{
	Message *message = data;

	g_free(message->text);
	g_free(message);
}

static void message_say(void *data, void *nothing G_GNUC_UNUSED)
{
	const Message *message = data;

	say_now(message->priority, message->text);
}

static void *message_of_missed(unsigned n, void *nothing G_GNUC_UNUSED)
{
	return message_new(LOG_WARNING,
		g_strdup_printf("warning: %u more messages were not written, for what was to be "
				"written before them had to wait",
			n));
}

static void say(int priority, const char *text)
{
	g_autofree char *plain = log_printable(text);

	if (outbox)
		(void)!outbox_put(outbox, message_new(priority, g_steal_pointer(&plain)));
	else
		say_now(priority, plain);
}

int log_begin_thread(void)
{
	return outbox_new("lklfs-log", message_say, message_of_missed, message_free, NULL,
		LOG_QUEUE_MAX, &outbox);
}

void log_end_thread(void)
{
	Outbox *ends = g_steal_pointer(&outbox);

	if (ends)
		(void)!outbox_free(ends, LOG_END_US);
}

G_GNUC_PRINTF(4, 0)
static void say_formatted(
	int priority, const char *before, const char *after, const char *format, va_list ap)
{
	g_autofree char *what = g_strdup_vprintf(format, ap);
	g_autofree char *text = g_strconcat(before, what, after, NULL);

	say(priority, text);
}

const char *log_error_name(int error)
{
	/* Some file systems have errors that the C library does not know. */
	const char *name = strerrordesc_np(-error);

	return name ? name : "unknown error";
}

int log_errno(int error, const char *format, ...)
{
	va_list ap;
	g_autofree char *after = g_strconcat(": ", log_error_name(error), NULL);

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

int log_open(const char *what, const char *path, mode_t mode, int *ret_fd)
{
	/* A pipe that nobody reads is refused, and not waited for. */
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);

	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0)
		return log_errno(-errno, "cannot open the %s %s", what, path);
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
