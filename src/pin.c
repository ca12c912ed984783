/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hold is looked at every 10 ms, and goes on while its thread lives, for 200 ms at most: on a
 * busy machine a thread waits longer than 10 ms for a processor. Longer yet may be one that has
 * handed its call to another (io_uring), and will not come.
 *
 * Pins are few: a thread is between two attempts for some tens of microseconds, unless the backing
 * is slow. Old ones, of threads that died in between or whose program did something else, are
 * looked for when a hold ends. */

#include "pin.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "util.h"

#define PIN_HOLD_US (10 * 1000)
#define PIN_HOLD_MAX_US (200 * 1000)
#define PIN_FORGET_US (2 * 1000 * 1000)
#define PIN_FORGET_MAX_US (60 * 1000 * 1000)

Pin *pin_find(Fs *fs, pid_t tid)
{
	return tid > 0 ? g_hash_table_lookup(fs->pins, GINT_TO_POINTER(tid)) : NULL;
}

bool pin_is_for(const Pin *pin, PinKind kind, const Node *node)
{
	return pin && pin->kind == kind && (pin->origin == node || pin->found == node);
}

bool pin_may_be(const Pin *pin, const Node *dir, const char *name)
{
	if (!pin || pin->kind != PIN_WRITE)
		return false;
	return !pin->dir || (pin->dir == dir && strcmp(pin->name, name) == 0);
}

void pin_name(Pin *pin, Node *dir, const char *name)
{
	if (pin->dir)
		return;
	pin->dir = node_ref(dir);
	pin->name = g_strdup(name);
}

void pin_found(Fs *fs, Pin *pin, Node *node)
{
	Node *old = pin->found;

	pin->found = node_ref(node);
	node_unref(fs, old);
}

/* The session is not held any more; if that was all that held it, it is due. */
static void pin_release(Fs *fs, Pin *pin, GPtrArray *due)
{
	Stage *stage = pin->stage;

	if (!stage || !pin->hold_until)
		return;
	pin->hold_until = 0;
	stage->n_pins--;
	if (stage_close(fs, stage))
		g_ptr_array_add(due, stage_ref(stage));
}

static void pin_free(Fs *fs, Pin *pin, GPtrArray *due)
{
	pin_release(fs, pin, due);
	fd_clear(&pin->fd);
	stage_unref(fs, pin->stage);
	stage_unref(fs, pin->reads);
	step_process_unref(pin->caller);
	node_unref(fs, pin->found);
	node_unref(fs, pin->dir);
	node_unref(fs, pin->origin);
	g_free(pin->name);
	g_free(pin);
}

Pin *pin_set(Fs *fs, pid_t tid, PinKind kind, Node *origin, Process *caller, GPtrArray *due)
{
	Pin *old = pin_find(fs, tid);
	Pin *pin = g_new0(Pin, 1);

	pin->tid = tid;
	pin->kind = kind;
	pin->origin = node_ref(origin);
	pin->caller = caller ? step_process_ref(caller) : NULL;
	pin->fd = -1;
	pin->made = g_get_monotonic_time();
	if (old)
		pin_drop(fs, old, due);
	g_hash_table_insert(fs->pins, GINT_TO_POINTER(tid), pin);
	return pin;
}

void pin_hold(Fs *fs, Pin *pin, Stage *stage, GPtrArray *due)
{
	if (pin->stage != stage) {
		pin_release(fs, pin, due);
		stage_unref(fs, pin->stage);
		pin->stage = stage_ref(stage);
	}
	if (!pin->hold_until)
		stage->n_pins++;
	pin->held = g_get_monotonic_time();
	pin->hold_until = pin->held + PIN_HOLD_US;
}

void pin_drop(Fs *fs, Pin *pin, GPtrArray *due)
{
	g_hash_table_remove(fs->pins, GINT_TO_POINTER(pin->tid));
	pin_free(fs, pin, due);
}

static bool pin_lives(const Pin *pin)
{
	return kill(pin->tid, 0) == 0 || errno == EPERM;
}

/* Whether the thread can be expected to come again: it lives, and waits for a processor at worst.
 */
static bool pin_is_coming(const Pin *pin, int64_t now)
{
	return pin->held + PIN_HOLD_MAX_US > now && pin_lives(pin);
}

/* Whether nobody will come for it. The lookups of one that lives may take seconds, if the backing
 * does. */
static bool pin_is_over(const Pin *pin, int64_t now)
{
	return pin->made + PIN_FORGET_US <= now &&
	       (pin->made + PIN_FORGET_MAX_US <= now || !pin_lives(pin));
}

int64_t pin_expire(Fs *fs, int64_t now, GPtrArray *due)
{
	GHashTableIter iter;
	gpointer value;
	int64_t next = -1;

	g_hash_table_iter_init(&iter, fs->pins);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Pin *pin = value;

		if (pin_is_over(pin, now)) {
			g_hash_table_iter_remove(&iter);
			pin_free(fs, pin, due);
			continue;
		}
		if (!pin->hold_until)
			continue;
		if (pin->hold_until <= now && pin_is_coming(pin, now))
			pin->hold_until = now + PIN_HOLD_US;
		if (pin->hold_until <= now)
			pin_release(fs, pin, due);
		else if (next < 0 || pin->hold_until < next)
			next = pin->hold_until;
	}
	return next;
}

void pin_drop_all(Fs *fs, GPtrArray *due)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fs->pins);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_hash_table_iter_remove(&iter);
		pin_free(fs, value, due);
	}
}
