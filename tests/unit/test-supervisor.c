/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "supervisor.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A listener. The name of an abstract one is drawn by the kernel. */
static int listen_at(const char *path, char **ret_address)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = offsetof(struct sockaddr_un, sun_path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	g_assert_cmpint(fd, >=, 0);
	if (path) {
		g_assert_cmpuint(g_strlcpy(name.sun_path, path, sizeof name.sun_path), <,
			sizeof name.sun_path);
		size = sizeof name;
	} else {
		size = sizeof(sa_family_t);
	}
	g_assert_cmpint(bind(fd, (struct sockaddr *)&name, size), ==, 0);
	size = sizeof name;
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&name, &size), ==, 0);
	*ret_address = path ? g_strdup(path)
			    : g_strdup_printf("@%.*s",
				      (int)(size - offsetof(struct sockaddr_un, sun_path) - 1),
				      name.sun_path + 1);
	return fd;
}

/* The next datagram, or NULL. */
static char *take(int fd)
{
	char text[100];
	ssize_t n = recv(fd, text, sizeof text, 0);

	return n < 0 ? NULL : g_strndup(text, n);
}

static void assert_tells(const char *path)
{
	g_autofree char *address = NULL, *first = NULL, *second = NULL, *third = NULL;
	autofd listener = listen_at(path, &address);
	autofd fd = supervisor_connect(address);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
	g_assert_null(take(listener));
	supervisor_tell(fd, "READY=1");
	supervisor_tell(fd, "STOPPING=1");
	first = take(listener);
	second = take(listener);
	third = take(listener);
	g_assert_cmpstr(first, ==, "READY=1");
	g_assert_cmpstr(second, ==, "STOPPING=1");
	g_assert_null(third);
}

static void test_tells(void)
{
	g_autofree char *dir = g_dir_make_tmp("lklfs-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "socket", NULL);

	assert_tells(path);
	assert_tells(NULL);
	g_assert_cmpint(unlink(path), ==, 0);
	g_assert_cmpint(rmdir(dir), ==, 0);
}

/* What a subprocess says on standard error. */
static void assert_says(const char *address, const char *pattern)
{
	if (g_test_subprocess()) {
		g_assert_cmpint(supervisor_connect(address), ==, -1);
		exit(0);
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr(pattern);
}

static void test_nobody(void)
{
	g_assert_cmpint(supervisor_connect(NULL), ==, -1);
	assert_says("", "");
	supervisor_tell(-1, "READY=1");
}

static void test_relative(void)
{
	assert_says("run/socket", "lklfs: warning: NOTIFY_SOCKET=run/socket: * is wanted, *\n");
}

static void test_short(void)
{
	assert_says("@", "lklfs: warning: NOTIFY_SOCKET=@: * is wanted, *\n");
}

/* The longest that fits does, so it is only not there. */
static void test_longest(void)
{
	g_autofree char *zeros = g_strnfill(sizeof((struct sockaddr_un){}).sun_path - 2, '0');
	g_autofree char *address = g_strconcat("/", zeros, NULL);

	assert_says(
		address, "lklfs: warning: * cannot be connected to: No such file or directory\n");
}

static void test_long(void)
{
	g_autofree char *zeros = g_strnfill(sizeof((struct sockaddr_un){}).sun_path - 1, '0');
	g_autofree char *address = g_strconcat("/", zeros, NULL);

	assert_says(address, "lklfs: warning: * is wanted, 107 bytes at most\n");
}

/* Who has gone, and who does not read: both are said, and neither is waited for without end. */
static void test_silent(void)
{
	g_autofree char *address = NULL;
	autofd listener = listen_at(NULL, &address);
	autofd fd = supervisor_connect(address);
	int flags;

	g_assert_cmpint(fd, >=, 0);
	if (g_test_subprocess()) {
		flags = fcntl(fd, F_GETFL);
		g_assert_cmpint(fcntl(fd, F_SETFL, flags | O_NONBLOCK), ==, 0);
		while (send(fd, "", 1, 0) >= 0)
			;
		g_assert_cmpint(errno, ==, EAGAIN);
		g_assert_cmpint(fcntl(fd, F_SETFL, flags), ==, 0);
		supervisor_tell(fd, "READY=1");
		fd_clear(&listener);
		supervisor_tell(fd, "STOPPING=1");
		exit(0);
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr(
		"lklfs: warning: * told READY=1, *: Resource temporarily unavailable\n"
		"lklfs: warning: * told STOPPING=1, *: Connection refused\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/supervisor/tells", test_tells);
	g_test_add_func("/supervisor/nobody", test_nobody);
	g_test_add_func("/supervisor/relative", test_relative);
	g_test_add_func("/supervisor/short", test_short);
	g_test_add_func("/supervisor/longest", test_longest);
	g_test_add_func("/supervisor/long", test_long);
	g_test_add_func("/supervisor/silent", test_silent);
	return g_test_run();
}
