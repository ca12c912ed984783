/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long promises are remembered, without a mount. */

#include "pin.h"

#include <sys/wait.h>

#include "node.h"
#include "scratch-fs.h"

#define SECOND G_GINT64_CONSTANT(1000000) /* us */

static void set_up(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_begin(place);
}

static void tear_down(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_end(place);
}

static void test_living(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	Fs *fs = place->fs;
	Pin *pin = pin_set(fs, getpid(), PIN_WRITE, fs->root, NULL, due);

	/* whose lookup takes its time */
	pin_expire(fs, pin->made + 3 * SECOND, due);
	pin_expire(fs, pin->made + 59 * SECOND, due);
	g_assert_true(pin_find(fs, getpid()) == pin);
	/* who has handed its call to another, perhaps */
	pin_expire(fs, pin->made + 60 * SECOND, due);
	g_assert_null(pin_find(fs, getpid()));
	g_assert_cmpint(due->len, ==, 0);
}

static void test_dead(ScratchFs *place, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	Fs *fs = place->fs;
	pid_t pid = fork();
	Pin *pin;

	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	pin = pin_set(fs, pid, PIN_WRITE, fs->root, NULL, due);
	pin_expire(fs, pin->made + SECOND, due);
	g_assert_true(pin_find(fs, pid) == pin);
	pin_expire(fs, pin->made + 2 * SECOND, due);
	g_assert_null(pin_find(fs, pid));
}

static void add(const char *name, void (*test)(ScratchFs *, gconstpointer))
{
	g_test_add(name, ScratchFs, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/pin/living", test_living);
	add("/pin/dead", test_dead);
	return g_test_run();
}
