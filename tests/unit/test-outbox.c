/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "outbox.h"

#include <unistd.h>

#include "util.h"

#define N_MAX 10

typedef struct Place Place;

/* The thread hands on when it may read a byte from a pipe, which is closed to let it go. */
struct Place {
	int gate[2];
	GString *got;     /* the thread's until it has ended */
	unsigned n_freed; /* atomic */
};

static Place *current;

static void set_up(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	g_assert_cmpint(pipe(place->gate), ==, 0);
	place->got = g_string_new(NULL);
	current = place;
}

static void open_gate(Place *place)
{
	fd_clear(&place->gate[1]);
}

static void tear_down(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	fd_clear(&place->gate[0]);
	fd_clear(&place->gate[1]);
	g_string_free(place->got, TRUE);
}

static void hand(void *item, void *data)
{
	Place *place = data;
	char byte;

	g_assert_cmpint(read(place->gate[0], &byte, 1), ==, 0);
	g_string_append_printf(place->got, "%s ", (const char *)item);
}

static void *missed(unsigned n, void *data)
{
	g_assert_true(data == current);
	return g_strdup_printf("missed=%u", n);
}

static void free_item(gpointer item)
{
	__atomic_add_fetch(&current->n_freed, 1, __ATOMIC_RELEASE);
	g_free(item);
}

static bool put(Outbox *outbox, int n)
{
	return outbox_put(outbox, g_strdup_printf("%d", n));
}

/* In order, all of it, and each item is freed once. */
static void test_order(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Outbox *outbox = NULL;

	open_gate(place);
	g_assert_cmpint(outbox_new("test", hand, missed, free_item, place, N_MAX, &outbox), ==, 0);
	for (int i = 0; i < 5; i++)
		g_assert_true(put(outbox, i));
	g_assert_true(outbox_free(outbox, G_USEC_PER_SEC * 60));
	g_assert_cmpstr(place->got->str, ==, "0 1 2 3 4 ");
	g_assert_cmpuint(place->n_freed, ==, 5);
}

static void test_full(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Outbox *outbox = NULL;

	g_assert_cmpint(outbox_new("test", hand, missed, free_item, place, N_MAX, &outbox), ==, 0);
	for (int i = 0; i < N_MAX; i++)
		g_assert_true(put(outbox, i));
	for (int i = 0; i < 3; i++)
		g_assert_false(put(outbox, i));
	open_gate(place);
	g_assert_true(outbox_free(outbox, G_USEC_PER_SEC * 60));
	g_assert_cmpstr(place->got->str, ==, "0 1 2 3 4 5 6 7 8 9 missed=3 ");
	g_assert_cmpuint(place->n_freed, ==, N_MAX + 4);
}

/* What lingers does not hold back those who cannot wait, nor those who are enough. */
static void test_linger(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Outbox *outbox = NULL;

	open_gate(place);
	g_assert_cmpint(outbox_new("test", hand, missed, free_item, place, N_MAX, &outbox), ==, 0);
	outbox_linger(outbox, G_USEC_PER_SEC * 600, 3);
	g_assert_false(outbox_drain(outbox));
	g_assert_true(put(outbox, 0));
	g_assert_true(put(outbox, 1));
	g_assert_cmpuint(__atomic_load_n(&place->n_freed, __ATOMIC_ACQUIRE), ==, 0);
	g_assert_true(outbox_drain(outbox));
	g_assert_cmpuint(__atomic_load_n(&place->n_freed, __ATOMIC_ACQUIRE), ==, 2);
	for (int i = 2; i < 5; i++)
		g_assert_true(put(outbox, i));
	while (__atomic_load_n(&place->n_freed, __ATOMIC_ACQUIRE) < 5)
		g_usleep(1000);
	g_assert_true(put(outbox, 5));
	g_assert_true(outbox_free(outbox, -1));
	g_assert_cmpstr(place->got->str, ==, "0 1 2 3 4 5 ");
}

static void *put_waiting(void *data)
{
	outbox_put_waiting(data, g_strdup("last"));
	return NULL;
}

/* Nothing is missed of those who wait for room. */
static void test_waiting(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	Outbox *outbox = NULL;
	pthread_t thread;

	g_assert_cmpint(outbox_new("test", hand, missed, free_item, place, N_MAX, &outbox), ==, 0);
	for (int i = 0; i < N_MAX; i++)
		g_assert_true(put(outbox, i));
	g_assert_cmpint(pthread_create(&thread, NULL, put_waiting, outbox), ==, 0);
	open_gate(place);
	pthread_join(thread, NULL);
	g_assert_true(outbox_free(outbox, -1));
	g_assert_cmpstr(place->got->str, ==, "0 1 2 3 4 5 6 7 8 9 last ");
}

/* Whoever frees it does not wait for ever; the thread goes on with it when it can. */
static void test_patience(Place *place, gconstpointer data G_GNUC_UNUSED)
{
	static Outbox *outbox; /* the thread's for good */

	g_assert_cmpint(outbox_new("test", hand, NULL, free_item, place, N_MAX, &outbox), ==, 0);
	g_assert_true(put(outbox, 7));
	g_assert_false(outbox_free(outbox, 1000));
	g_assert_cmpuint(__atomic_load_n(&place->n_freed, __ATOMIC_RELAXED), ==, 0);
	open_gate(place);
	while (__atomic_load_n(&place->n_freed, __ATOMIC_ACQUIRE) == 0)
		g_usleep(1000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/outbox/order", Place, NULL, set_up, test_order, tear_down);
	g_test_add("/outbox/full", Place, NULL, set_up, test_full, tear_down);
	g_test_add("/outbox/linger", Place, NULL, set_up, test_linger, tear_down);
	g_test_add("/outbox/waiting", Place, NULL, set_up, test_waiting, tear_down);
	g_test_add("/outbox/patience", Place, NULL, set_up, test_patience, tear_down);
	return g_test_run();
}
