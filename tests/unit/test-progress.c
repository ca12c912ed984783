/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "progress.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

typedef struct Place Place;

struct Place {
	int terminal, line; /* the two ends; line is what is written to */
	Totals totals;
	int64_t now; /* a moment later */
};

static void set_size(Place *place, unsigned short rows, unsigned short columns)
{
	const struct winsize size = {.ws_row = rows, .ws_col = columns};

	g_assert_cmpint(ioctl(place->terminal, TIOCSWINSZ, &size), ==, 0);
}

static void set_up(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	struct termios mode;

	g_assert_cmpint(openpty(&place->terminal, &place->line, NULL, NULL, NULL), ==, 0);
	g_assert_cmpint(fcntl(place->terminal, F_SETFL, O_NONBLOCK), ==, 0);
	g_assert_cmpint(tcgetattr(place->line, &mode), ==, 0);
	cfmakeraw(&mode);
	g_assert_cmpint(tcsetattr(place->line, TCSANOW, &mode), ==, 0);
	set_size(place, 10, 60);
	g_assert_true(g_setenv("TERM", "xterm", TRUE));
	g_assert_true(g_setenv("LC_ALL", "C", TRUE));
	place->totals = (Totals){.n_verdicts = {[VERDICT_NEW] = 1}};
	place->now = g_get_monotonic_time();
}

static void tear_down(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	fd_clear(&place->terminal);
	fd_clear(&place->line);
}

/* What has been written to the terminal since; to free. What is written there can be read some time
 * later: hence a mark after it. */
static char *got(Place *place)
{
	struct pollfd terminal = {.fd = place->terminal, .events = POLLIN};
	char text[4096];
	size_t n = 0;

	g_assert_cmpint(write(place->line, "\006", 1), ==, 1);
	do {
		ssize_t r;

		g_assert_cmpint(poll(&terminal, 1, 10000), ==, 1);
		r = read(place->terminal, text + n, sizeof(text) - n);
		g_assert_cmpint(r, >, 0);
		n += (size_t)r;
	} while (text[n - 1] != '\006');
	return g_strndup(text, n - 1);
}

static void check_got(Place *place, const char *want)
{
	g_autofree char *text = got(place);

	g_assert_cmpstr(text, ==, want);
}

static void check_line(const Totals *totals, bool audit, const char *newest, uint64_t seconds,
	unsigned columns, bool utf8, const char *want)
{
	g_autofree char *line = progress_line(totals, audit, newest, seconds, columns, utf8);

	g_assert_cmpstr(line, ==, want);
}

static void test_line(void)
{
	Totals t = {.n_verdicts = {1, 2, 3, 4, 5, 6, 0}};

	check_line(&t, false, NULL, 5, 99, true, "lklfs: 3 kept, 8 changed, 4 new in 0:05");
	check_line(&t, false, "a/b", 71, 99, true, "lklfs: 3 kept, 8 changed, 4 new in 1:11; a/b");
	check_line(&t, true, "a", 3600 + 60 + 1, 99, true,
		"lklfs: 3 kept, 8 changed, 4 new but for the audit in 1:01:01; a");
	t.n_verdicts[VERDICT_FAILED] = 2;
	check_line(
		&t, false, NULL, 0, 99, true, "lklfs: 3 kept, 8 changed, 4 new, 2 failed in 0:00");
}

static void test_columns(void)
{
	const Totals t = {};

	/* 39 columns without a name */
	check_line(&t, false, "abcdefghijkl", 0, 53, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; abcdefghijkl");
	check_line(&t, false, "abcdefghijkl", 0, 52, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; ...efghijkl");
	check_line(&t, false, "abcdefghijkl", 0, 49, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; ...hijkl");
	check_line(&t, false, "abc", 0, 48, true, "lklfs: 0 kept, 0 changed, 0 new in 0:00");
	check_line(&t, false, "abc", 0, 20, true, "lklfs: 0 kept, 0 cha");
	/* two columns each, a mark that takes none */
	check_line(&t, false, "\u754c\u754c\u754c\u754c\u754c", 0, 51, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; \u754c\u754c\u754c\u754c\u754c");
	check_line(&t, false, "\u754c\u754c\u754c\u754c\u754c", 0, 50, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; ...\u754c\u754c\u754c");
	check_line(&t, false, "abcdefge\u0301", 0, 49, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; abcdefge\u0301");
	/* not in the middle of an escape */
	check_line(&t, false, "abcdef\ngh", 0, 50, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; ...\\012gh");
	check_line(&t, false, "abcdef\ngh", 0, 49, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; ...gh");
}

static void test_odd_names(void)
{
	const Totals t = {};

	check_line(&t, false, "\033[2J\r\n\007\177\xc2\x9b", 0, 99, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; "
		"\\033[2J\\015\\012\\007\\177\\302\\233");
	check_line(&t, false, "\xff\xc3(", 0, 99, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; \\377\\303(");
	/* from right to left; no width */
	check_line(&t, false, "\u202ex\u200b", 0, 99, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; \\342\\200\\256x\\342\\200\\213");
	check_line(&t, false, "\u00e9", 0, 99, true,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; \u00e9");
	check_line(&t, false, "\u00e9", 0, 99, false,
		"lklfs: 0 kept, 0 changed, 0 new in 0:00; \\303\\251");
}

static void test_terminal(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Progress *progress = progress_new(place->line, "/w", false);

	place->now = g_get_monotonic_time();
	g_assert_nonnull(progress);
	check_got(place, "");
	progress_show(progress, &place->totals, "/w/a", place->now);
	check_got(place, "\0337\033[r\0338\033D\033M"
			 "\0337\033[1;9r\033[10;1H\033[m"
			 "lklfs: 0 kept, 0 changed, 1 new in 0:00; a\033[K\0338");
	g_assert_false(progress_is_due(progress, &place->totals, place->now));
	g_assert_true(progress_is_due(progress, &place->totals, place->now + 1000000));
	place->totals.n_verdicts[VERDICT_KEPT]++;
	g_assert_true(progress_is_due(progress, &place->totals, place->now));
	set_size(place, 5, 40);
	progress_show(progress, &place->totals, "/ww/a", place->now);
	check_got(place, "\0337\033[r\0338\033D\033M"
			 "\0337\033[1;4r\033[5;1H\033[m"
			 "lklfs: 1 kept, 0 changed, 1 new in 0:00\033[K\0338");
	progress_hide(progress);
	check_got(place, "\0337\033[r\033[5;1H\033[m\033[K\0338");
	progress_hide(progress);
	progress = progress_free(progress);
	check_got(place, "");
}

static void test_small(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Progress *progress = progress_new(place->line, "/", false);

	set_size(place, 2, 60);
	progress_show(progress, &place->totals, NULL, place->now);
	set_size(place, 0, 0);
	progress_show(progress, &place->totals, NULL, place->now);
	set_size(place, 10, 19);
	progress_show(progress, &place->totals, NULL, place->now);
	check_got(place, "");
	set_size(place, 3, 20);
	progress_show(progress, &place->totals, NULL, place->now);
	{
		g_autofree char *text = got(place);

		g_assert_nonnull(strstr(text, "\033[mlklfs: 0 kept, 0 ch\033[K"));
	}
	progress_free(progress);
}

/* Stopped by ^S. */
static void test_stopped(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Progress *progress = progress_new(place->line, "/", false);

	g_assert_cmpint(tcflow(place->line, TCOOFF), ==, 0);
	progress_show(progress, &place->totals, NULL, place->now);
	g_assert_cmpint(tcflow(place->line, TCOON), ==, 0);
	check_got(place, "");
	progress_free(progress);
}

static void test_none(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	int ends[2];

	g_assert_cmpint(pipe(ends), ==, 0);
	g_assert_null(progress_new(ends[1], "/", false));
	close(ends[0]);
	close(ends[1]);
	g_assert_true(g_setenv("TERM", "dumb", TRUE));
	g_assert_null(progress_new(place->line, "/", false));
	g_unsetenv("TERM");
	g_assert_null(progress_new(place->line, "/", false));
	g_assert_null(progress_free(NULL));
}

/* The terminal is this session's, and another job has it. */
static int show_in_background(Place *place)
{
	pid_t other;
	Progress *progress;

	if (setsid() < 0 || ioctl(place->line, TIOCSCTTY, 0) < 0)
		return 2;
	signal(SIGTTOU, SIG_IGN);
	other = fork();
	if (other == 0) {
		pause();
		_exit(0);
	}
	if (setpgid(other, other) < 0 || tcsetpgrp(place->line, other) < 0)
		return 3;
	progress = progress_new(place->line, "/", false);
	progress_show(progress, &place->totals, NULL, place->now);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	if (tcsetpgrp(place->line, getpgrp()) < 0)
		return 4;
	if (write(place->line, "|", 1) != 1)
		return 5;
	progress_show(progress, &place->totals, NULL, place->now);
	return 0;
}

static void test_background(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = NULL;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(show_in_background(place));
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	text = got(place);
	g_assert_true(g_str_has_prefix(text, "|\0337"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/progress/line", test_line);
	g_test_add_func("/progress/columns", test_columns);
	g_test_add_func("/progress/odd-names", test_odd_names);
	g_test_add("/progress/terminal", Place, NULL, set_up, test_terminal, tear_down);
	g_test_add("/progress/small", Place, NULL, set_up, test_small, tear_down);
	g_test_add("/progress/stopped", Place, NULL, set_up, test_stopped, tear_down);
	g_test_add("/progress/none", Place, NULL, set_up, test_none, tear_down);
	g_test_add("/progress/background", Place, NULL, set_up, test_background, tear_down);
	return g_test_run();
}
