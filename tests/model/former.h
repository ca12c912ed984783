/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The model's memory: what was under the names before, who has looked since, and what of it may
 * come back (P7 to P10). */

#include <fnmatch.h>

#include "world.h"

/* P16: names and bytes that are never kept and never come back. */
static bool is_always(const World *w, int path, const Text *text, bool by_driver)
{
	static const char magic[] = "!<thin>\n";
	const char *slash = strrchr(paths[path].name, '/'), *name;

	name = slash ? slash + 1 : paths[path].name;
	if (!w->always)
		return false;
	return by_driver || text->size == 0 || fnmatch("stamp*", name, 0) == 0 ||
	       (text->size >= 8 && memcmp(text->data, magic, 8) == 0);
}

/* The actor looks at a name. */
static void name_look(World *w, int path, int actor, bool bytes)
{
	for (int i = 0; i < w->names[path].n_formers; i++)
		looks_add(w, &w->names[path].formers[i].looks, actor, bytes);
}

/* The same for all that is below it, too: it is absent, and so are they. */
static void names_look(World *w, int path, int actor, bool bytes)
{
	for (int i = 0; i < N_PATHS; i++)
		if (path_is_below(i, path))
			name_look(w, i, actor, bytes);
}

static void names_forget(World *w, int path, bool below)
{
	for (int i = 0; i < N_PATHS; i++)
		if (i == path || (below && path_is_below(i, path)))
			w->names[i].n_formers = 0;
}

static void former_remove(Name *n, int i)
{
	n->n_formers--;
	memmove(&n->formers[i], &n->formers[i + 1],
		(size_t)(n->n_formers - i) * sizeof(n->formers[0]));
}

/* Nothing that is made of the inode is remembered. */
static void inode_forget(World *w, const Inode *inode)
{
	for (int path = 0; path < N_PATHS; path++)
		for (int i = w->names[path].n_formers - 1; i >= 0; i--)
			if (w->names[path].formers[i].self == inode)
				former_remove(&w->names[path], i);
}

/* This was under the name; self has its bytes. */
static void name_remember(World *w, Name *n, const Former *former, Inode *self)
{
	if (n->n_formers == MAX_FORMERS)
		n->n_formers--;
	memmove(&n->formers[1], &n->formers[0], (size_t)n->n_formers * sizeof(n->formers[0]));
	n->formers[0] = *former;
	n->formers[0].self = self;
	n->formers[0].left = ++w->n_left;
	n->n_formers++;
}

/* An exposed version leaves its name. looks: at what was staged in its place; or NULL. */
static void name_leaves(World *w, int path, Inode *inode, const Looks *looks)
{
	Name *n = &w->names[path];
	Former former;

	if (!w->keeps || (inode->type != S_IFREG && inode->type != S_IFLNK) || inode->n_links > 1 ||
		inode->arrived)
		return;
	former = (Former){.type = inode->type, .text = inode->text, .mtime = inode->mtime};
	if (looks)
		former.looks = *looks;
	name_remember(w, n, &former, inode);
}

/* Of the name's former versions the last one with this text, if it may come back; -1: none. */
static int name_find_former(
	const World *w, int path, uint32_t type, const Text *text, int writer, bool always)
{
	const Name *n = &w->names[path];

	for (int i = 0; i < n->n_formers && !always; i++)
		if (n->formers[i].type == type && n->formers[i].text == text)
			return looks_are_excused(w, &n->formers[i].looks, writer) ? i : -1;
	return -1;
}

/* Whether the file has left no other name since. */
static bool former_left_last(const World *w, const Former *former)
{
	for (int path = 0; path < N_PATHS; path++)
		for (int i = 0; i < w->names[path].n_formers; i++)
			if (w->names[path].formers[i].self == former->self &&
				w->names[path].formers[i].left > former->left)
				return false;
	return true;
}

/* A former version has come back, in place of an inode that has its bytes: it and those that left
 * later are none any more. It is the file itself, unless that has another name now, or has left
 * another one since: then it is its mtime. Returns the inode that is there now. */
static Inode *name_returned(World *w, int path, int i, Inode *inode)
{
	Name *n = &w->names[path];
	Inode *self = n->formers[i].self;
	int64_t mtime = n->formers[i].mtime;
	bool is_whole = self->n_links == 0 && former_left_last(w, &n->formers[i]);

	w->tallies[RESTORED]++;
	n->n_formers -= i + 1;
	memmove(&n->formers[0], &n->formers[i + 1], (size_t)n->n_formers * sizeof(n->formers[0]));
	if (is_whole) {
		self->mode = inode->mode;
		self->n_links = 1;
		self->epoch++;
		inode->n_links = 0;
		inode_forget(w, self);
		inode = self;
	}
	inode_set_mtime(inode, mtime);
	inode->held = true;
	return inode;
}

/* What is replaced has been written by the writer's own step, and nobody else has looked since the
 * name's last former version left: nobody misses it. */
static bool name_is_passing(const World *w, int path, const Inode *inode, int writer)
{
	const Name *n = &w->names[path];

	return n->n_formers > 0 && looks_are_excused(w, &n->formers[0].looks, writer) &&
	       inode->wrote == w->steps[writer];
}

/* Something new is there: what the writer may not have back, nobody may. */
static void name_renewed(World *w, int path, int writer)
{
	for (int i = w->names[path].n_formers - 1; i >= 0; i--)
		if (!looks_are_excused(w, &w->names[path].formers[i].looks, writer))
			former_remove(&w->names[path], i);
}
