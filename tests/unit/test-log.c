/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define N_WAIT 200 /* so many messages wait to be written (see log.h) */

/* Gives back all that can be read from fd now. */
static char *drain(int fd)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		g_string_append_len(text, piece, n);
	return g_strdup(text->str);
}

/* A pipe that nothing more goes into. */
static void fill(int fd)
{
	char piece[4096];
	int flags = fcntl(fd, F_GETFL);

	memset(piece, '.', sizeof(piece));
	g_assert_cmpint(fcntl(fd, F_SETFL, flags | O_NONBLOCK), ==, 0);
	for (size_t size = sizeof(piece); size > 0; size /= 2)
		while (write(fd, piece, size) > 0)
			;
	g_assert_cmpint(fcntl(fd, F_SETFL, flags), ==, 0);
}

static void test_printable(void)
{
	g_autofree char *text = log_printable("a\tb\nc\x1b[2J\xff\xc3\xa4");

	g_assert_cmpstr(text, ==, "a\\tb\\nc\\033[2J\\377\xc3\xa4");
}

/* What is said is written, in order, by the end of the thread, and afterwards at once. */
static void test_thread(int read_fd)
{
	g_autofree char *text = NULL;
	char **lines;

	g_assert_cmpint(log_begin_thread(), ==, 0);
	g_assert_cmpint(log_errno(-EIO, "first %d", 1), ==, -EIO);
	log_warning("second");
	log_notice("third");
	log_end_thread();
	log_error("fourth");
	log_end_thread();
	text = drain(read_fd);
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 5);
	g_assert_true(g_str_has_suffix(lines[0], "]: first 1: Input/output error"));
	g_assert_true(g_str_has_suffix(lines[1], "]: warning: second"));
	g_assert_true(g_str_has_suffix(lines[2], "]: third"));
	g_assert_true(g_str_has_suffix(lines[3], "]: fourth"));
	g_strfreev(lines);
}

/* Nobody waits for a full pipe; what there was no room for is counted. */
static void test_full(int read_fd, int write_fd)
{
	g_autofree char *first = NULL, *rest = NULL, *text = NULL, *last = NULL;

	g_assert_cmpint(log_begin_thread(), ==, 0);
	fill(write_fd);
	for (int i = 0; i < N_WAIT + 7; i++)
		log_notice("message %d.", i);
	first = drain(read_fd);
	log_end_thread();
	rest = drain(read_fd);
	text = g_strconcat(first, rest, NULL);
	last = g_strdup_printf("message %d.", N_WAIT - 1);
	g_assert_nonnull(strstr(text, last));
	g_assert_nonnull(strstr(text, "warning: 7 more messages were not written"));
	g_assert_null(strstr(text, "message 200."));
}

/* The end waits for nobody who never reads. */
static void test_stuck(int write_fd)
{
	g_assert_cmpint(log_begin_thread(), ==, 0);
	fill(write_fd);
	log_notice("for nobody");
	log_end_thread();
}

/* Both ends stay open: the last thread is writing still. */
static void test_to_pipe(void)
{
	int fds[2];

	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	g_assert_cmpint(fcntl(fds[0], F_SETFL, O_NONBLOCK), ==, 0);
	log_to_file(fds[1]);
	test_thread(fds[0]);
	test_full(fds[0], fds[1]);
	test_stuck(fds[1]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/printable", test_printable);
	g_test_add_func("/log/to-pipe", test_to_pipe);
	return g_test_run();
}
