/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "looks.h"

#include "scratch-who.h"

static void set_up(Who *who, const void *data)
{
	(void)data;
	who_begin(who);
}

static void tear_down(Who *who, const void *data)
{
	(void)data;
	who_end(who);
}

/* One step may look as it likes, and bring the version back; nobody else may then. */
static void test_one_step(Who *who, const void *data)
{
	Looks looks = {};

	(void)data;
	g_assert_true(looks_are_excused(&looks, who->who[ONE]));
	g_assert_true(looks_are_excused(&looks, who->who[DRIVER]));
	g_assert_true(looks_note(&looks, who->who[ONE], LOOK_TIMES));
	g_assert_true(looks_note(&looks, who->who[ONE], LOOK_BYTES));
	g_assert_cmpuint(looks.n_items, ==, 1);
	g_assert_true(looks_are_excused(&looks, who->who[ONE]));
	g_assert_false(looks_are_excused(&looks, who->who[TWO]));
	g_assert_false(looks_are_excused(&looks, who->who[DRIVER]));
	g_assert_false(looks_note(&looks, who->who[TWO], LOOK_TIMES));
	looks_clear(&looks);
	g_assert_cmpuint(looks.n_items, ==, 0);
}

/* A driver's look at times is excused by the steps below it, one at the bytes by none. */
static void test_driver(Who *who, const void *data)
{
	Looks looks = {};

	(void)data;
	g_assert_true(looks_note(&looks, who->who[DRIVER], LOOK_TIMES));
	g_assert_true(looks_are_excused(&looks, who->who[ONE]));
	g_assert_true(looks_are_excused(&looks, who->who[TWO]));
	g_assert_true(looks_note(&looks, who->who[ONE], LOOK_BYTES));
	g_assert_true(looks_are_excused(&looks, who->who[ONE]));
	g_assert_false(looks_are_excused(&looks, who->who[TWO]));
	g_assert_false(looks_note(&looks, who->who[DRIVER], LOOK_BYTES));
	looks_clear(&looks);
	g_assert_true(looks_note(&looks, who->who[DRIVER], LOOK_BYTES));
	g_assert_false(looks_are_excused(&looks, who->who[ONE]));
	g_assert_true(looks_are_excused(&looks, who->who[DRIVER]));
	looks_clear(&looks);
}

static void test_unknown(Who *who, const void *data)
{
	Looks looks = {};

	(void)data;
	g_assert_false(looks_note(&looks, NULL, LOOK_TIMES));
	g_assert_true(looks_note(&looks, who->who[ONE], LOOK_TIMES));
	g_assert_false(looks_note(&looks, NULL, LOOK_BYTES));
	g_assert_false(looks_are_excused(&looks, NULL));
	looks_clear(&looks);
}

static void test_have(Who *who, const void *data)
{
	Looks looks = {};

	(void)data;
	g_assert_false(looks_have(&looks, who->who[ONE]));
	g_assert_true(looks_note(&looks, who->who[ONE], LOOK_TIMES));
	g_assert_false(looks_have(&looks, who->who[ONE]));
	g_assert_true(looks_note(&looks, who->who[ONE], LOOK_BYTES));
	g_assert_true(looks_have(&looks, who->who[ONE]));
	g_assert_false(looks_have(&looks, who->who[TWO]));
	g_assert_false(looks_have(&looks, who->who[DRIVER]));
	looks_clear(&looks);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/looks/one-step", Who, NULL, set_up, test_one_step, tear_down);
	g_test_add("/looks/driver", Who, NULL, set_up, test_driver, tear_down);
	g_test_add("/looks/unknown", Who, NULL, set_up, test_unknown, tear_down);
	g_test_add("/looks/have", Who, NULL, set_up, test_have, tear_down);
	return g_test_run();
}
