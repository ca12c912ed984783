/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What this process takes, before and after it takes more. */

#include "usage.h"

#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define N_PIECES 100000
#define PIECE 200 /* bytes */

static void test_descriptors(void)
{
	Usage before, open_two, after;
	int fds[2];

	usage_read(&before);
	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	usage_read(&open_two);
	close(fds[0]);
	close(fds[1]);
	usage_read(&after);
	g_assert_cmpuint(before.n_descriptors, >=, 3);
	g_assert_cmpuint(open_two.n_descriptors, ==, before.n_descriptors + 2);
	g_assert_cmpuint(after.n_descriptors, ==, before.n_descriptors);
}

/* Of many pieces one in a thousand lives on: the heap cannot shrink by itself. */
static void test_memory(void)
{
	g_autofree char **pieces = g_new0(char *, N_PIECES);
	const uint64_t size = (uint64_t)N_PIECES * PIECE;
	Usage before, full, freed, trimmed;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	g_test_skip("the heap is a sanitizer's");
	return;
#endif
	usage_read(&before);
	for (int i = 0; i < N_PIECES; i++) {
		pieces[i] = g_malloc(PIECE);
		memset(pieces[i], 1, PIECE);
	}
	usage_read(&full);
	for (int i = 0; i < N_PIECES; i++)
		if (i % 1000 != 999)
			g_clear_pointer(&pieces[i], g_free);
	usage_read(&freed);
	usage_trim();
	usage_read(&trimmed);
	for (int i = 0; i < N_PIECES; i++)
		g_free(pieces[i]);
	g_assert_cmpuint(full.heap, >=, before.heap + size);
	g_assert_cmpuint(full.memory, >=, before.memory + size / 2);
	g_assert_cmpuint(freed.heap, <, before.heap + size / 10);
	g_assert_cmpuint(trimmed.memory, <, freed.memory - size / 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/usage/descriptors", test_descriptors);
	g_test_add_func("/usage/memory", test_memory);
	return g_test_run();
}
