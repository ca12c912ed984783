/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which operation comes next, drawn by lot. Mostly actors have plans, short sequences as build
 * tools do them, which others' operations come between; the rest is anything. Every name has a text
 * that it is mostly written with, for what matters is bytes that were there before. */

#include "allow.h"

enum { MAX_PLAN = 24 };

typedef struct Draw Draw;

struct Draw {
	uint64_t random;
	int favourites[N_PATHS];
	int focus[3]; /* names that most operations are on */
	const int *weights;
	struct {
		Op ops[MAX_PLAN];
		int n, at;
	} plans[N_ACTORS];
};

/* How often each acts: everybody, mostly one step, one step that a driver runs, one alone. */
static const int actor_weights[5][N_ACTORS] = {
	{10, 30, 12, 20, 14, 8},
	{6, 50, 10, 6, 4, 2},
	{10, 60, 20, 0, 0, 0},
	{0, 0, 0, 0, 60, 3},
	{20, 40, 0, 40, 0, 0},
};

static uint64_t draw_next(Draw *d)
{
	uint64_t x = d->random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static int draw_below(Draw *d, int n)
{
	return (int)(draw_next(d) % (unsigned)n);
}

static bool draw_chance(Draw *d, int percent)
{
	return draw_below(d, 100) < percent;
}

static int draw_weighted(Draw *d, const int *weights, int n)
{
	int sum = 0, i, lot;

	for (i = 0; i < n; i++)
		sum += weights[i];
	lot = draw_below(d, sum);
	for (i = 0; lot >= weights[i]; i++)
		lot -= weights[i];
	return i;
}

static void draw_init(Draw *d, uint64_t seed)
{
	*d = (Draw){.random = seed};
	d->weights = actor_weights[draw_below(d, 5)];
	for (int i = 0; i < N_PATHS; i++)
		d->favourites[i] = draw_below(d, N_TEXTS);
	for (int i = 0; i < 3; i++)
		do
			d->focus[i] = draw_below(d, draw_chance(d, 90) ? PATH_X : N_PATHS);
		while (paths[d->focus[i]].holds);
	d->plans[OUTSIDER].ops[0] = (Op){.actor = OUTSIDER, .kind = OP_MKDIR, .path = PATH_D};
	d->plans[OUTSIDER].ops[1] = (Op){.actor = OUTSIDER, .kind = OP_MKDIR, .path = PATH_D + 3};
	d->plans[OUTSIDER].n = 2;
}

static int draw_path(Draw *d)
{
	return draw_chance(d, 75) ? d->focus[draw_below(d, 3)] : draw_below(d, N_PATHS);
}

static int draw_leaf(Draw *d)
{
	int path;

	do
		path = draw_path(d);
	while (paths[path].holds);
	return path;
}

static int draw_text(Draw *d, int path)
{
	if (path != ROOT && draw_chance(d, 70))
		return d->favourites[path];
	return draw_chance(d, 80) ? d->favourites[draw_below(d, 3)] : draw_below(d, N_TEXTS);
}

static Op *plan_add(Draw *d, int actor, OpKind kind)
{
	Op *op = &d->plans[actor].ops[d->plans[actor].n++];

	assert(d->plans[actor].n <= MAX_PLAN);
	*op = (Op){.actor = actor, .kind = (int)kind, .path = ROOT, .other = ROOT};
	return op;
}

static void plan_name(Draw *d, int actor, OpKind kind, int path)
{
	plan_add(d, actor, kind)->path = path;
}

static void plan_open(Draw *d, int actor, int slot, int path, int flags)
{
	Op *op = plan_add(d, actor, OP_OPEN);

	op->slot = slot;
	op->path = path;
	op->flags = flags;
}

static void plan_part(Draw *d, int actor, OpKind kind, int slot, int text, int from, int to)
{
	Op *op = plan_add(d, actor, kind);

	op->slot = slot;
	op->text = text;
	op->from = op->at = from;
	op->length = to - from;
}

static void plan_close(Draw *d, int actor, int slot)
{
	plan_add(d, actor, OP_CLOSE)->slot = slot;
}

static void plan_size(Draw *d, int actor, int slot, int size)
{
	Op *op = plan_add(d, actor, OP_FTRUNCATE);

	op->slot = slot;
	op->at = size;
}

/* A whole text, in one piece or two, in either order. */
static void plan_text(Draw *d, int actor, OpKind kind, int slot, int text)
{
	int size = texts[text].size, half = size / 2;

	if (size < 2 || draw_chance(d, 60)) {
		plan_part(d, actor, kind, slot, text, 0, size);
	} else if (draw_chance(d, 50)) {
		plan_part(d, actor, kind, slot, text, half, size);
		plan_part(d, actor, kind, slot, text, 0, half);
	} else {
		plan_part(d, actor, kind, slot, text, 0, half);
		plan_part(d, actor, kind, slot, text, half, size);
	}
}

/* Shell, cc: truncate and write. */
static void plan_rewrite(Draw *d, int actor, int path, int text)
{
	plan_open(d, actor, 0, path, O_WRONLY | O_CREAT | O_TRUNC);
	plan_text(d, actor, OP_WRITE, 0, text);
	plan_close(d, actor, 0);
}

/* In place, then the size. */
static void plan_edit(Draw *d, int actor, int path, int text)
{
	plan_open(d, actor, 0, path, O_RDWR | (draw_chance(d, 50) ? O_CREAT : 0));
	plan_text(d, actor, OP_WRITE, 0, text);
	plan_size(d, actor, 0, texts[text].size);
	if (draw_chance(d, 20))
		plan_add(d, actor, OP_FSYNC)->slot = 0;
	plan_close(d, actor, 0);
}

/* ld, or whoever maps what it writes; the mapping may outlive the descriptor. */
static void plan_map(Draw *d, int actor, int path, int text)
{
	bool outlives = draw_chance(d, 40);

	plan_open(d, actor, 0, path, O_RDWR | O_CREAT);
	plan_size(d, actor, 0, texts[text].size);
	plan_add(d, actor, OP_MAP)->slot = 0;
	plan_text(d, actor, OP_STORE, 0, text);
	if (outlives)
		plan_close(d, actor, 0);
	plan_add(d, actor, OP_UNMAP)->slot = 0;
	if (!outlives)
		plan_close(d, actor, 0);
}

static void plan_append(Draw *d, int actor, int path, int text)
{
	int half = texts[text].size / 2;

	plan_open(d, actor, 0, path, O_WRONLY | O_CREAT | O_TRUNC);
	plan_part(d, actor, OP_WRITE, 0, text, 0, half);
	plan_close(d, actor, 0);
	plan_open(d, actor, 0, path, O_WRONLY | O_APPEND);
	plan_part(d, actor, OP_WRITE, 0, text, half, texts[text].size);
	plan_close(d, actor, 0);
}

/* gcc, as, install: the name goes first. */
static void plan_anew(Draw *d, int actor, int path, int text)
{
	if (draw_chance(d, 50))
		plan_name(d, actor, OP_STAT, path);
	plan_name(d, actor, OP_UNLINK, path);
	plan_open(d, actor, 0, path, O_WRONLY | O_CREAT | (draw_chance(d, 50) ? O_EXCL : O_TRUNC));
	plan_text(d, actor, OP_WRITE, 0, text);
	plan_close(d, actor, 0);
}

/* git, objcopy, move-if-change: beside it, and over. */
static void plan_over(Draw *d, int actor, int path, int text)
{
	int temporary;
	Op *op;

	do
		temporary = draw_below(d, N_PATHS);
	while (paths[temporary].holds || temporary == path);
	plan_rewrite(d, actor, temporary, text);
	if (draw_chance(d, 15)) /* renamed while it is being written */
		d->plans[actor].n--;
	op = plan_add(d, actor, OP_RENAME);
	op->path = temporary;
	op->other = path;
	plan_close(d, actor, 0);
}

/* LKL's headers: raw, then worked on. */
static void plan_twice(Draw *d, int actor, int path, int text)
{
	plan_rewrite(d, actor, path, draw_below(d, N_TEXTS));
	if (draw_chance(d, 50))
		plan_over(d, actor, path, text);
	else
		plan_edit(d, actor, path, text);
}

static void plan_link(Draw *d, int actor, int path)
{
	if (draw_chance(d, 70))
		plan_name(d, actor, OP_UNLINK, path);
	plan_name(d, actor, OP_SYMLINK, path);
	d->plans[actor].ops[d->plans[actor].n - 1].text = draw_chance(d, 70) ? 0 : 1;
}

/* rm -rf, and most of it made again. */
static void plan_remove_tree(Draw *d, int actor)
{
	int dir = draw_chance(d, 60) ? PATH_D : PATH_X;

	for (int pass = 0; pass < 2; pass++) {
		int top = pass == 0 ? dir + 3 : dir;

		plan_name(d, actor, OP_LIST, top);
		for (int i = top + 1; i < dir + N_BELOW; i++)
			if (paths[i].parent == top && !paths[i].holds)
				plan_name(d, actor, OP_UNLINK, i);
		plan_name(d, actor, OP_RMDIR, top);
	}
	if (draw_chance(d, 90))
		plan_name(d, actor, OP_MKDIR, dir);
	if (draw_chance(d, 90))
		plan_name(d, actor, OP_MKDIR, dir + 3);
}

/* cp -p, or touch after an unchanged session. */
static void plan_copy(Draw *d, int actor, int path, int text)
{
	plan_rewrite(d, actor, path, text);
	plan_name(d, actor, OP_UTIMENS, path);
	d->plans[actor].ops[d->plans[actor].n - 1].flags = draw_below(d, N_WHENS);
	if (draw_chance(d, 30)) {
		Op *plan = d->plans[actor].ops;
		int last = d->plans[actor].n - 1, flags = plan[last].flags;

		plan[last] = plan[last - 1];
		plan[last - 1] = (Op){.actor = actor, .kind = OP_FUTIMENS, .flags = flags};
	}
}

/* A second name for another file where a file was, and will be again. */
static void plan_link_between(Draw *d, int actor, int path, int text)
{
	Op *op;

	plan_rewrite(d, actor, path, text);
	plan_name(d, actor, OP_UNLINK, path);
	op = plan_add(d, actor, OP_LINK);
	op->path = draw_leaf(d);
	op->other = path;
	plan_name(d, actor, OP_UNLINK, path);
	plan_rewrite(d, actor, path, text);
}

static void draw_plan(Draw *d, int actor)
{
	static const int weights[] = {20, 10, 8, 4, 14, 14, 10, 6, 2, 5, 4};
	int path = draw_leaf(d), text = draw_text(d, path);

	d->plans[actor].n = d->plans[actor].at = 0;
	switch (draw_weighted(d, weights, sizeof(weights) / sizeof(weights[0]))) {
	case 0:
		plan_rewrite(d, actor, path, text);
		break;
	case 1:
		plan_edit(d, actor, path, text);
		break;
	case 2:
		plan_map(d, actor, path, text);
		break;
	case 3:
		plan_append(d, actor, path, text);
		break;
	case 4:
		plan_anew(d, actor, path, text);
		break;
	case 5:
		plan_over(d, actor, path, text);
		break;
	case 6:
		plan_twice(d, actor, path, text);
		break;
	case 7:
		plan_link(d, actor, path);
		break;
	case 8:
		plan_remove_tree(d, actor);
		break;
	case 9:
		plan_link_between(d, actor, path, text);
		break;
	default:
		plan_copy(d, actor, path, text);
	}
}

/* One of the actor's slots that is in use, if there is any. */
static int draw_slot(Draw *d, const World *w, int actor)
{
	int slot = draw_below(d, N_SLOTS);

	for (int i = 0; i < N_SLOTS; i++, slot = (slot + 1) % N_SLOTS)
		if (w->held[actor][slot].open || w->held[actor][slot].mapped)
			return slot;
	return slot;
}

static int draw_size(Draw *d)
{
	static const int sizes[] = {0, 0, 1, 20, 4095, 4096, 4097, 70000};

	return sizes[draw_below(d, 8)];
}

static int draw_open_flags(Draw *d)
{
	static const int extra[] = {O_CREAT, O_TRUNC, O_APPEND};
	int flags = draw_below(d, 3);

	for (int i = 0; i < 3; i++)
		if (draw_chance(d, 35))
			flags |= extra[i];
	if ((flags & O_CREAT) && draw_chance(d, 25))
		flags |= O_EXCL;
	return flags;
}

/* Some piece of a text, anywhere. */
static void draw_piece(Draw *d, Op *op)
{
	op->text = draw_text(d, op->path);
	op->from = draw_chance(d, 50) ? 0 : draw_below(d, texts[op->text].size);
	op->length = texts[op->text].size - op->from;
	op->at = draw_chance(d, 50) ? op->from : draw_size(d);
}

static const int op_weights[N_OPS] = {
	[OP_OPEN] = 10,
	[OP_CLOSE] = 10,
	[OP_READ] = 4,
	[OP_WRITE] = 6,
	[OP_FTRUNCATE] = 3,
	[OP_MAP] = 2,
	[OP_STORE] = 4,
	[OP_UNMAP] = 3,
	[OP_FSTAT] = 3,
	[OP_FUTIMENS] = 2,
	[OP_FSYNC] = 2,
	[OP_STAT] = 14,
	[OP_CAT] = 12,
	[OP_LIST] = 9,
	[OP_READLINK] = 3,
	[OP_TRUNCATE] = 2,
	[OP_UTIMENS] = 3,
	[OP_CHMOD] = 2,
	[OP_UNLINK] = 4,
	[OP_MKDIR] = 4,
	[OP_RMDIR] = 3,
	[OP_RENAME] = 6,
	[OP_LINK] = 2,
	[OP_SYMLINK] = 3,
	[OP_RESTART] = 1,
};

static Op draw_anything(Draw *d, const World *w, int actor)
{
	static const int modes[] = {0644, 0600, 0755};
	Op op = {.actor = actor, .kind = draw_weighted(d, op_weights, N_OPS)};

	op.path = draw_path(d);
	/* Mostly one that is there. */
	for (int i = 0; i < 4 && !name_exists(&w->names[op.path]) && draw_chance(d, 80); i++)
		op.path = draw_path(d);
	op.other = draw_path(d);
	op.slot = draw_slot(d, w, actor);
	op.at = draw_size(d);
	switch (op.kind) {
	case OP_OPEN:
		op.slot = 2 + draw_below(d, 2);
		op.flags = draw_open_flags(d);
		break;
	case OP_WRITE:
	case OP_STORE:
		draw_piece(d, &op);
		break;
	case OP_UTIMENS:
	case OP_FUTIMENS:
		op.flags = draw_below(d, N_WHENS);
		break;
	case OP_CHMOD:
		op.flags = modes[draw_below(d, 3)];
		break;
	case OP_RENAME:
		if (paths[op.path].holds)
			op.other = paths[op.path].mirror;
		op.flags = draw_chance(d, 70) ? 0 : 1 + draw_below(d, 2);
		break;
	case OP_LIST:
		op.path = draw_chance(d, 50) ? paths[op.path].parent : op.path;
		break;
	case OP_SYMLINK:
		op.text = draw_below(d, 2);
		break;
	}
	return op;
}

static Op draw_op(Draw *d, const World *w)
{
	for (;;) {
		int actor = draw_weighted(d, d->weights, N_ACTORS);
		Op op;

		/* A driver looks more than it writes. */
		if (d->plans[actor].at == d->plans[actor].n &&
			draw_chance(d, actor == DRIVER ? 20 : 70))
			draw_plan(d, actor);
		if (d->plans[actor].at < d->plans[actor].n && draw_chance(d, 90))
			op = d->plans[actor].ops[d->plans[actor].at++];
		else
			op = draw_anything(d, w, actor);
		if (world_allows(w, &op))
			return op;
	}
}

/* Of those that are still open: the next to be closed. False if there is none. */
static bool draw_end(const World *w, Op *ret_op)
{
	for (int a = 0; a < N_ACTORS; a++)
		for (int i = 0; i < N_SLOTS; i++) {
			const Held *held = &w->held[a][i];

			*ret_op = (Op){.actor = a, .slot = i, .path = ROOT, .other = ROOT};
			ret_op->kind = held->mapped ? OP_UNMAP : OP_CLOSE;
			if (held->mapped || held->open)
				return true;
		}
	return false;
}
