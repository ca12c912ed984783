/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The terminal is COMMAND's, which writes to it whenever it likes, also lines in pieces. So the
 * line has the last row for itself: what scrolls is confined to the rows above, and the cursor is
 * put back to where COMMAND has left it. All of that is sent anew each time, in one write, for
 * COMMAND may have changed it meanwhile. What COMMAND prints is so neither overwritten nor mixed
 * with the line, and stays when that has gone.
 *
 * Nothing may come from a name to the terminal that is more than letters: what cannot be printed,
 * or moves nothing but the reader (directions, joiners), is written as in C. */

#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "util.h"

#define ROWS_MIN 3
#define PUT_MS 1000 /* so long the terminal may take to take more */
#define COLUMNS_MIN 20
#define NAME_MIN 8 /* columns: less of a name is of no use */

/* Cursor and what belongs to it, saved and back; what the rest of the row has goes. */
#define SAVE "\0337"
#define RESTORE "\0338"
#define ERASE "\033[K"

struct Progress {
	int fd;        /* constant; not owned */
	char *base;    /* owned; constant */
	bool audit;    /* constant */
	bool utf8;     /* constant */
	int64_t began; /* constant; monotonic us */
	Totals totals; /* what is shown */
	int64_t second;
	unsigned rows; /* of the terminal, the last of which is ours; 0: nothing is shown */
};

static bool is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (!locale)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}

Progress *progress_new(int fd, const char *base, bool audit)
{
	const char *term = getenv("TERM");
	Progress *progress;

	if (!isatty(fd) || !term || !*term || strcmp(term, "dumb") == 0)
		return NULL;
	progress = g_new0(Progress, 1);
	progress->fd = fd;
	progress->base = g_strdup(base);
	progress->audit = audit;
	progress->utf8 = is_utf8();
	progress->began = g_get_monotonic_time();
	return progress;
}

Progress *progress_free(Progress *progress)
{
	if (!progress)
		return NULL;
	progress_hide(progress);
	g_free(progress->base);
	g_free(progress);
	return NULL;
}

static int64_t second_of(const Progress *progress, int64_t now)
{
	return (now - progress->began) / G_USEC_PER_SEC;
}

bool progress_is_due(const Progress *progress, const Totals *totals, int64_t now)
{
	return memcmp(totals, &progress->totals, sizeof(*totals)) != 0 ||
	       second_of(progress, now) != progress->second;
}

/* Appends what stands for the character at *text, and returns how many columns that takes; *text is
 * behind it then. */
static unsigned add_character(GString *out, const char **text, bool utf8)
{
	const gunichar c = g_utf8_get_char_validated(*text, -1);
	const bool whole = c != (gunichar)-1 && c != (gunichar)-2;
	const char *next = whole ? g_utf8_next_char(*text) : *text + 1;
	unsigned columns = 0;

	if (whole && g_unichar_isprint(c) && (utf8 || c < 0x80)) {
		g_string_append_len(out, *text, next - *text);
		columns = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
		*text = next;
		return columns;
	}
	for (; *text < next; (*text)++, columns += 4)
		g_string_append_printf(out, "\\%03o", (unsigned char)**text);
	return columns;
}

static unsigned count_columns(const char *text, bool utf8)
{
	g_autoptr(GString) out = g_string_new(NULL);
	unsigned columns = 0;

	while (*text)
		columns += add_character(out, &text, utf8);
	return columns;
}

/* As much of the end of a path as there is room for: NAME_MIN or more. */
static void add_end(GString *out, const char *path, unsigned columns, bool utf8)
{
	static const char dots[] = "...";
	unsigned left = count_columns(path, utf8);

	if (left > columns) {
		g_string_append(out, dots);
		columns -= strlen(dots);
	}
	while (*path && left > columns) {
		g_autoptr(GString) skipped = g_string_new(NULL);

		left -= add_character(skipped, &path, utf8);
	}
	while (*path)
		add_character(out, &path, utf8);
}

char *progress_line(const Totals *totals, bool audit, const char *newest, uint64_t seconds,
	unsigned columns, bool utf8)
{
	const uint64_t *n = totals->n_verdicts;
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "lklfs: %" PRIu64 " kept, %" PRIu64 " changed, %" PRIu64 " new",
		n[VERDICT_KEPT] + n[VERDICT_RESTORED], n[VERDICT_CHANGED] + n[VERDICT_TOUCHED],
		n[VERDICT_NEW]);
	if (n[VERDICT_FAILED] > 0)
		g_string_append_printf(out, ", %" PRIu64 " failed", n[VERDICT_FAILED]);
	if (audit)
		g_string_append(out, " but for the audit");
	g_string_append(out, " in ");
	if (seconds >= 3600)
		g_string_append_printf(
			out, "%" PRIu64 ":%02d", seconds / 3600, (int)(seconds / 60 % 60));
	else
		g_string_append_printf(out, "%d", (int)(seconds / 60));
	g_string_append_printf(out, ":%02d", (int)(seconds % 60));
	if (newest && out->len + 2 + NAME_MIN <= columns) {
		g_string_append(out, "; ");
		add_end(out, newest, columns - (unsigned)out->len, utf8);
	} else if (out->len > columns) {
		g_string_truncate(out, columns);
	}
	return g_string_free(out, FALSE);
}

/* The terminal that cannot be written to has nobody to be told of it. */
static void put(const Progress *progress, const GString *text)
{
	size_t done = 0;

	while (done < text->len) {
		struct pollfd p = {.fd = progress->fd, .events = POLLOUT};
		ssize_t n = write(progress->fd, text->str + done, text->len - done);

		/* COMMAND may have told the terminal not to wait. */
		if (n < 0 && errno == EAGAIN && poll(&p, 1, PUT_MS) == 1)
			continue;
		if (n < 0 && errno != EINTR)
			return;
		done += n > 0 ? (size_t)n : 0;
	}
}

/* Another job may have it (an interactive shell that COMMAND is), or it may be stopped. */
static bool is_ours(const Progress *progress)
{
	const pid_t group = tcgetpgrp(progress->fd);
	struct pollfd p = {.fd = progress->fd, .events = POLLOUT};

	return (group <= 0 || group == getpgrp()) && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static const char *path_shown(const Progress *progress, const char *path)
{
	const size_t n = strlen(progress->base);

	return strncmp(path, progress->base, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

void progress_show(Progress *progress, const Totals *totals, const char *newest, int64_t now)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *line = NULL;
	struct winsize size;

	progress->totals = *totals;
	progress->second = second_of(progress, now);
	if (!is_ours(progress) || ioctl(progress->fd, TIOCGWINSZ, &size) < 0 ||
		size.ws_row < ROWS_MIN || size.ws_col < COLUMNS_MIN)
		return;
	/* The last column stays free: some terminals begin another row behind it. */
	line = progress_line(totals, progress->audit, newest ? path_shown(progress, newest) : NULL,
		(uint64_t)progress->second, size.ws_col - 1U, progress->utf8);
	/* The cursor must not be in the row that becomes ours: down, which scrolls there, and up
	 * again. */
	if (progress->rows != size.ws_row)
		g_string_append(out, SAVE "\033[r" RESTORE "\033D\033M");
	progress->rows = size.ws_row;
	g_string_append_printf(out, SAVE "\033[1;%ur\033[%u;1H\033[m%s" ERASE RESTORE,
		progress->rows - 1, progress->rows, line);
	put(progress, out);
}

void progress_hide(Progress *progress)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (progress->rows == 0)
		return;
	g_string_append_printf(out, SAVE "\033[r\033[%u;1H\033[m" ERASE RESTORE, progress->rows);
	progress->rows = 0;
	put(progress, out);
}
