/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What operations on names do in the model, and what they tell. */

#include "apply-file.h"

static void do_stat(World *w, const Op *op, Expect *e)
{
	const Name *n = &w->names[op->path];
	const Session *s;

	if (walk(w, op->actor, op->path) != 0 || !look_up(w, op->actor, op->path)) {
		e->error = ENOENT;
		return;
	}
	s = name_staged(w, op->path, op->actor);
	if (s)
		expect_session(w, e, s);
	else
		expect_inode(e, n->inode);
}

/* open, fstat, read, close */
static void do_cat(World *w, const Op *op, Expect *e)
{
	const Name *n = &w->names[op->path];
	const Session *s = name_staged(w, op->path, op->actor);
	Held held = {};

	do_stat(w, op, e);
	if (!e->error && name_type(n) == S_IFLNK)
		*e = (Expect){.error = ELOOP};
	if (e->error)
		return;
	do_open_reading(w, op, &held);
	e->bytes = true;
	e->hash = s ? bytes_hash(s->data, (size_t)s->size) : n->inode->text->hash;
}

static void do_list(World *w, const Op *op, Expect *e)
{
	if (op->path != ROOT &&
		(walk(w, op->actor, op->path) != 0 || !look_up(w, op->actor, op->path))) {
		e->error = ENOENT;
		return;
	}
	e->list = true;
	for (int i = 0; i < N_PATHS; i++) {
		if (paths[i].parent != op->path)
			continue;
		if (name_exists(&w->names[i]))
			e->names |= 1u << i;
		else
			names_look(w, i, op->actor, true);
	}
}

static void do_readlink(World *w, const Op *op, Expect *e)
{
	const Name *n = &w->names[op->path];

	do_stat(w, op, e);
	if (!e->error && name_type(n) != S_IFLNK)
		e->error = EINVAL;
	if (e->error)
		return;
	name_look(w, op->path, op->actor, true);
	*e = (Expect){.bytes = true, .size = n->inode->text->size, .hash = n->inode->text->hash};
}

static void do_truncate(World *w, const Op *op, Expect *e)
{
	Name *n = &w->names[op->path];
	Held held = {};
	Session *s;

	do_stat(w, op, e);
	if (!e->error && name_type(n) == S_IFDIR)
		e->error = EISDIR;
	if (e->error)
		return;
	*e = (Expect){};
	do_open_writing(w, op, &held);
	s = held.session;
	session_wrote(w, s, s->size != op->at);
	session_resize(s, op->at);
	held_release(w, &held);
}

static void do_utimens(World *w, const Op *op, Expect *e)
{
	Session *s;

	do_stat(w, op, e);
	if (e->error)
		return;
	*e = (Expect){};
	s = name_staged(w, op->path, op->actor);
	if (s && op->flags == WHEN_OMIT && !s->made)
		w->names[op->path].inode->moved = true;
	if (s)
		staged_set_times(w, s, op->flags);
	else
		exposed_set_times(w, op->path, op->actor, op->flags);
}

static void do_chmod(World *w, const Op *op, Expect *e)
{
	Name *n = &w->names[op->path];
	Inode *inode = n->inode ? n->inode : n->session ? n->session->made : NULL;

	do_stat(w, op, e);
	if (e->error)
		return;
	*e = (Expect){};
	if (inode->mode == (uint32_t)op->flags) {
		/* Gap: what a handle from before is told of times and modes that are set after. */
		inode->epoch++;
		return;
	}
	inode->mode = (uint32_t)op->flags;
	inode->moved = true;
}

/* The name leads nowhere any more. */
static void name_clear(World *w, int path)
{
	Name *n = &w->names[path];

	session_remove(w, path);
	if (n->shadow)
		inode_unlink(n->shadow);
	n->inode = n->shadow = NULL;
	n->kept_by = 0;
	n->kept_maybe = 0;
}

static void do_unlink(World *w, const Op *op, Expect *e)
{
	Name *n = &w->names[op->path];
	Inode *inode = n->inode;

	do_stat(w, op, e);
	if (!e->error && name_type(n) == S_IFDIR)
		e->error = EISDIR;
	if (e->error)
		return;
	*e = (Expect){};
	if (inode) {
		name_leaves(w, op->path, inode, n->session ? &n->session->looks : NULL);
		inode_unlink(inode);
	}
	name_clear(w, op->path);
}

/* Whether something can be made under a name; otherwise *e has the error. */
static bool name_is_free(World *w, int actor, int path, Expect *e)
{
	if (walk(w, actor, path) != 0) {
		e->error = ENOENT;
		return false;
	}
	if (name_exists(&w->names[path])) {
		name_touch(w, actor, path);
		e->error = EEXIST;
		return false;
	}
	return true;
}

static void do_mkdir(World *w, const Op *op, Expect *e)
{
	Name *n = &w->names[op->path];

	if (!name_is_free(w, op->actor, op->path, e))
		return;
	names_forget(w, op->path, false);
	n->inode = inode_new(w, S_IFDIR, 0755, NULL);
}

static void do_rmdir(World *w, const Op *op, Expect *e)
{
	Name *n = &w->names[op->path];

	do_stat(w, op, e);
	if (!e->error && name_type(n) != S_IFDIR)
		e->error = ENOTDIR;
	if (!e->error && !dir_is_empty(w, op->path))
		e->error = ENOTEMPTY;
	if (e->error)
		return;
	*e = (Expect){};
	name_clear(w, op->path);
}

/* An inode has got another name: it is stamped if its mtime was held back. */
static void inode_moved(World *w, Inode *inode)
{
	if (!inode->held)
		return;
	inode_stamp(w, inode, inode->mtime);
	inode->epoch++;
	for (int i = 0; i < N_PATHS; i++)
		if (w->names[i].inode == inode && w->names[i].session)
			w->names[i].session->unsure = true;
}

/* The same by a rename or link of itself. Where its mtime is its own it may be older than what was
 * seen there, and what was replaced (NULL: nothing known). */
static void inode_renamed(World *w, Inode *inode, const Inode *replaced)
{
	int64_t mtime;

	inode_moved(w, inode);
	mtime = inode->lo ? w->end : inode->mtime;
	if (inode->type == S_IFREG && (mtime < w->began || (replaced && replaced->mtime >= mtime)))
		inode->arrived = true;
}

static void do_link(World *w, const Op *op, Expect *e)
{
	Name *from = &w->names[op->path], *to = &w->names[op->other];

	do_stat(w, op, e);
	if (e->error)
		return;
	*e = (Expect){};
	if (!name_is_free(w, op->actor, op->other, e))
		return;
	if (name_type(from) == S_IFDIR) {
		names_look(w, op->other, op->actor, false);
		e->error = EPERM;
		return;
	}
	inode_forget(w, from->inode);
	from->inode->n_links++;
	from->inode->moved = true;
	to->inode = from->inode;
	inode_renamed(w, to->inode, NULL);
	names_forget(w, op->path, false);
	names_forget(w, op->other, false);
}

static void do_symlink(World *w, const Op *op, Expect *e)
{
	Name *n = &w->names[op->path];
	char target[16];
	Text *text;
	int found;

	if (!name_is_free(w, op->actor, op->path, e))
		return;
	text = text_intern(w, target, snprintf(target, sizeof(target), "to-%d", op->text));
	n->inode = inode_new(w, S_IFLNK, 0777, text);
	found = name_find_former(w, op->path, S_IFLNK, text, op->actor,
		is_always(w, op->path, text, op->actor == DRIVER));
	if (found >= 0) {
		n->inode = name_returned(w, op->path, found, n->inode);
	} else {
		inode_stamp(w, n->inode, 0);
		name_renewed(w, op->path, op->actor);
	}
	name_look(w, op->path, op->actor, true);
}

/* Renaming. */

/* All that belongs to a name goes to another, which nothing belongs to. */
static void name_move(World *w, int from, int to)
{
	Name *a = &w->names[from], *b = &w->names[to];

	b->inode = a->inode;
	b->session = a->session;
	b->kept_by = a->kept_by;
	b->kept_at = a->kept_at;
	b->kept_maybe = a->kept_maybe;
	if (b->session)
		b->session->path = to;
	if (b->inode)
		b->inode->moved = true;
	a->inode = a->shadow = NULL;
	a->session = NULL;
	a->kept_by = 0;
	a->kept_maybe = 0;
}

/* A directory above the name has got another one. What was there before is not known. */
static void name_below_moved(World *w, int path)
{
	Name *n = &w->names[path];
	Inode *inodes[] = {n->inode, n->shadow};

	if (n->session)
		n->session->moved = true;
	for (int i = 0; i < 2; i++) {
		Inode *inode = inodes[i];

		if (!inode)
			continue;
		if (inode->held)
			inode_moved(w, inode);
		else
			inode->arrived |= inode->type == S_IFREG;
	}
}

static void rename_dir(World *w, int from, int to)
{
	int n = paths[from].holds ? N_PATHS : 1;

	/* Below both are the same names in the same order. */
	for (int i = from, j = to; i < N_PATHS && j < N_PATHS && n > 0; i++, j++, n--)
		if (path_is_below(i, from) && path_is_below(j, to)) {
			Inode *shadow = w->names[i].shadow;

			name_move(w, i, j);
			w->names[j].shadow = shadow;
			name_below_moved(w, j);
		}
	names_forget(w, from, true);
	names_forget(w, to, true);
}

static int rename_error(const World *w, const Op *op)
{
	uint32_t from = name_type(&w->names[op->path]), to = name_type(&w->names[op->other]);

	if (op->flags == 1 && to)
		return EEXIST;
	if (op->flags == 2)
		return to ? 0 : ENOENT;
	if (op->path != op->other && path_is_below(op->path, op->other))
		return ENOTEMPTY;
	if (from == S_IFDIR && to && to != S_IFDIR)
		return ENOTDIR;
	if (from != S_IFDIR && to == S_IFDIR)
		return EISDIR;
	if (to == S_IFDIR && !dir_is_empty(w, op->other))
		return ENOTEMPTY;
	return 0;
}

static void rename_exchange(World *w, int from, int to)
{
	for (int i = 0; i < N_PATHS; i++) {
		int j = to + (i - from);
		Name name;

		if (!path_is_below(i, from) || (i != from && !paths[from].holds))
			continue;
		name = w->names[i];
		w->names[i] = w->names[j];
		w->names[j] = name;
		for (int k = 0; k < 2; k++) {
			Name *n = &w->names[k ? i : j];

			if (n->session)
				n->session->path = k ? i : j;
			if (n->inode)
				n->inode->moved = true;
			if (paths[from].holds)
				name_below_moved(w, k ? i : j);
		}
		if (!paths[from].holds) {
			inode_renamed(w, w->names[i].inode, w->names[j].inode);
			inode_renamed(w, w->names[j].inode, w->names[i].inode);
		}
	}
	names_forget(w, from, true);
	names_forget(w, to, true);
}

/* P8: the file that is there has the bytes already. It stays, with what belongs to the other. */
static void rename_kept(World *w, const Op *op)
{
	Name *from = &w->names[op->path], *to = &w->names[op->other];
	Inode *inode = from->inode;

	w->tallies[KEPT]++;
	if (to->inode->mode != inode->mode)
		to->inode->moved = true;
	to->inode->mode = inode->mode;
	to->inode->held = true;
	to->inode->wrote = w->steps[op->actor];
	name_look(w, op->other, op->actor, true);
	if (w->keeps && !inode->arrived)
		name_remember(w, &w->names[op->path],
			&(Former){.type = inode->type, .text = inode->text, .mtime = inode->mtime},
			to->inode);
	inode_unlink(inode);
	name_clear(w, op->path);
}

/* What is replaced by a rename leaves its name; not if it is being written, for what has been seen
 * of that. */
static void rename_replaces(World *w, int path)
{
	Name *n = &w->names[path];
	Inode *inode = n->inode;

	if (n->session) {
		names_forget(w, path, false);
	} else if (inode) {
		name_leaves(w, path, inode, NULL);
	}
	if (inode)
		inode_unlink(inode);
	session_remove(w, path);
}

/* A file that is not exposed yet: what it replaces stays in the backing until it is. */
static void rename_made(World *w, const Op *op)
{
	Name *to = &w->names[op->other];
	Inode *shadow = name_backing(to);
	Session *lost = to->session;

	name_look(w, op->other, op->actor, true);
	to->shadow = NULL;
	name_clear(w, op->other);
	/* The backing has that name yet. */
	if (lost && lost->missed)
		lost->missed = lost->base->n_links > 1;
	if (w->names[op->path].shadow)
		inode_unlink(w->names[op->path].shadow);
	name_move(w, op->path, op->other);
	to->shadow = shadow;
}

/* What was there before comes back, in place of both. */
static void rename_returned(World *w, const Op *op, int found)
{
	Name *to = &w->names[op->other];
	Inode *inode = w->names[op->path].inode, *back;
	unsigned maybe = to->kept_maybe;
	bool arrived = inode->arrived; /* as long as the mtime is its own */
	Former from;

	from = (Former){.type = inode->type, .text = inode->text, .mtime = inode->mtime};
	back = name_returned(w, op->other, found, inode);
	back->wrote = w->steps[op->actor];
	if (to->inode)
		inode_unlink(to->inode);
	name_clear(w, op->other);
	name_move(w, op->path, op->other);
	to->inode = back;
	if (!arrived)
		name_remember(w, &w->names[op->path], &from, back);
	name_look(w, op->other, op->actor, true);
	to->kept_by = 0;
	to->kept_maybe |= maybe;
}

static void rename_file(World *w, const Op *op)
{
	Name *from = &w->names[op->path], *to = &w->names[op->other];
	Inode *inode = from->inode, *replaced = to->inode;
	bool may, always;
	int found = -1;

	always =
		is_always(w, op->other, inode->text, inode->type == S_IFREG && op->actor == DRIVER);
	may = !from->session && !to->session && inode->n_links == 1;
	if (may && !always && to->inode && to->inode->type == inode->type &&
		to->inode->text == inode->text && to->inode->n_links == 1 && !to->inode->arrived) {
		rename_kept(w, op);
		return;
	}
	if (may)
		found = name_find_former(w, op->other, inode->type, inode->text, op->actor, always);
	if (found >= 0) {
		rename_returned(w, op, found);
		return;
	}
	rename_replaces(w, op->other);
	name_clear(w, op->other);
	if (from->session)
		names_forget(w, op->path, false);
	else
		name_leaves(w, op->path, inode, NULL);
	name_move(w, op->path, op->other);
	if (to->session)
		to->session->moved = true;
	inode_renamed(w, inode, replaced);
	name_look(w, op->other, op->actor, true);
}

static void do_rename(World *w, const Op *op, Expect *e)
{
	Name *from = &w->names[op->path], *to = &w->names[op->other];

	if (walk(w, op->actor, op->path) != 0 || walk(w, op->actor, op->other) != 0 ||
		!look_up(w, op->actor, op->path)) {
		e->error = ENOENT;
		return;
	}
	e->error = rename_error(w, op);
	if (name_exists(to))
		name_touch(w, op->actor, op->other);
	else if (e->error)
		names_look(w, op->other, op->actor, false);
	if (e->error || op->path == op->other || (from->inode && from->inode == to->inode))
		return;
	if (op->flags == 2) {
		rename_exchange(w, op->path, op->other);
	} else if (name_type(from) == S_IFDIR) {
		name_clear(w, op->other);
		rename_dir(w, op->path, op->other);
	} else if (from->session && from->session->made) {
		rename_made(w, op);
	} else {
		rename_file(w, op);
	}
}

/* A step ends, and with it all that it has open; another one begins. */
static void do_restart(World *w, const Op *op)
{
	w->n_restarts++;
	for (int a = 0; a < N_ACTORS; a++)
		for (int i = 0; i < N_SLOTS; i++) {
			Held *held = &w->held[a][i];

			if (w->steps[a] != w->steps[op->actor])
				continue;
			held->open = held->mapped = false;
			held_release(w, held);
		}
	world_new_step(w, op->actor);
}

static void do_by_name(World *w, const Op *op, Expect *e)
{
	switch (op->kind) {
	case OP_STAT:
		do_stat(w, op, e);
		break;
	case OP_CAT:
		do_cat(w, op, e);
		break;
	case OP_LIST:
		do_list(w, op, e);
		break;
	case OP_READLINK:
		do_readlink(w, op, e);
		break;
	case OP_TRUNCATE:
		do_truncate(w, op, e);
		break;
	case OP_UTIMENS:
		do_utimens(w, op, e);
		break;
	case OP_CHMOD:
		do_chmod(w, op, e);
		break;
	case OP_UNLINK:
		do_unlink(w, op, e);
		break;
	case OP_MKDIR:
		do_mkdir(w, op, e);
		break;
	case OP_RMDIR:
		do_rmdir(w, op, e);
		break;
	case OP_RENAME:
		do_rename(w, op, e);
		break;
	case OP_LINK:
		do_link(w, op, e);
		break;
	case OP_SYMLINK:
		do_symlink(w, op, e);
		break;
	case OP_RESTART:
		do_restart(w, op);
		break;
	}
}

/* The operation has been done, between now and end. */
static Expect world_do(World *w, const Op *op, int64_t now, int64_t end)
{
	Expect e = {};

	w->n_ops++;
	if (!w->began)
		w->began = now;
	w->now = now;
	w->end = end;
	if (op->kind == OP_OPEN)
		do_open(w, op, &e);
	else if (op_forms[op->kind].args[0] == 's')
		do_by_handle(w, op, &e);
	else
		do_by_name(w, op, &e);
	return e;
}
