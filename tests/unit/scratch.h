/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files to try things on: in the working directory, which is meson's build directory, so that they
 * lie on a disk and not on whatever /tmp is. Plus what else several unit tests need. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* Asserts that a call which returns 0 or -errno succeeded, and says which error it had. */
#define ASSERT_OK(call) g_assert_cmpstr(scratch_error(call), ==, "0")
/* Asserts that it failed so. */
#define ASSERT_ERROR(call, error) g_assert_cmpstr(scratch_error(call), ==, scratch_error(-(error)))

static inline const char *scratch_error(int r)
{
	return r == 0 ? "0" : r > 0 ? "positive" : strerrorname_np(-r);
}

/* A new file without a name; it goes with the descriptor. */
static inline int scratch_file(void)
{
	char name[] = "unit-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(unlink(name), ==, 0);
	return fd;
}

static inline void scratch_write(int fd, const void *bytes, size_t length, off_t offset)
{
	g_assert_cmpint(pwrite(fd, bytes, length, offset), ==, (ssize_t)length);
}

static inline void scratch_size(int fd, off_t size)
{
	g_assert_cmpint(ftruncate(fd, size), ==, 0);
}

/* length bytes that repeat nowhere nearby and are never 0; to free. */
static inline unsigned char *scratch_bytes(size_t length, guint32 seed)
{
	unsigned char *bytes = g_malloc(length + 1);
	guint32 x = seed * 2654435761U + 1;

	for (size_t i = 0; i < length; i++) {
		x = x * 1664525U + 1013904223U;
		bytes[i] = (unsigned char)(1 + (x >> 16) % 255);
	}
	return bytes;
}

/* How many bytes this process has asked the kernel to read so far, or -1 if it does not say. */
static inline int64_t scratch_n_read(void)
{
	FILE *io = fopen("/proc/self/io", "re");
	long long n = -1;

	if (!io)
		return -1;
	if (fscanf(io, "rchar: %lld", &n) != 1)
		n = -1;
	fclose(io);
	return n;
}

/* What a child does that only has to be there: until the test kills it, or has ended itself. */
static inline void scratch_wait_for_death(pid_t parent) G_GNUC_NORETURN;
static inline void scratch_wait_for_death(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}
