/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What operations on open files do in the model, and what they tell. */

#include "allow.h"

typedef struct Expect Expect;

/* What the doer must have been told. */
struct Expect {
	int error;
	bool stat, bytes, list, size_only;
	uint32_t type, mode, names;
	int n_links; /* 0: whatever */
	int64_t size;
	bool times; /* mtime is from lo to hi */
	int64_t lo, hi;
	uint64_t hash;
};

static int expect_error(Expect *e, int error)
{
	e->error = error;
	return error;
}

static void expect_mtime(Expect *e, int64_t lo, int64_t hi)
{
	e->times = true;
	e->lo = lo;
	e->hi = hi;
}

static void expect_inode(Expect *e, const Inode *inode)
{
	e->stat = true;
	e->type = inode->type;
	e->mode = inode->mode;
	e->size = inode->text ? inode->text->size : 0;
	if (inode->type == S_IFDIR)
		return;
	/* Gap: right after link(2) the old name may still tell of one. */
	e->n_links = inode->n_links == 1;
	expect_mtime(e, inode->mtime, inode->mtime);
}

/* What is staged under a name, or was when it was removed. */
static void expect_session(const World *w, Expect *e, const Session *s)
{
	const Inode *inode = s->made;

	if (!inode && s->path != ROOT)
		inode = w->names[s->path].inode;
	e->stat = true;
	e->type = S_IFREG;
	/* Gap: the mode that a handle tells when its session has ended. */
	e->mode = inode && !s->ended ? inode->mode : 0;
	e->size = s->size;
	if (s->path == ROOT || s->ended)
		return;
	if (s->times_set)
		expect_mtime(e, s->mtime, s->mtime);
	else if (s->made || s->dirty)
		expect_mtime(e, s->wrote_lo, s->wrote_hi);
	else if (!s->unsure)
		expect_mtime(e, inode->mtime, inode->mtime);
}

/* Handles. */

static void held_release(World *w, Held *held)
{
	Session *s = held->session;

	if (held->open || held->mapped)
		return;
	if (held->counts && --s->n_writers == 0)
		session_end(w, s);
	*held = (Held){};
}

static void do_open_writing(World *w, const Op *op, Held *held)
{
	Name *n = &w->names[op->path];
	Session *s = n->session;

	if (!s)
		s = session_new(w, op->path, op->actor);
	session_join(w, s, op->actor);
	name_look(w, op->path, op->actor, true);
	if ((op->flags & O_TRUNC) && !(s->n_writers == 0 && s->made)) {
		session_resize(s, 0);
		session_wrote(w, s, true);
	}
	s->n_writers++;
	held->session = s;
	held->counts = true;
}

static void do_open_reading(World *w, const Op *op, Held *held)
{
	Name *n = &w->names[op->path];
	Session *s = name_staged(w, op->path, op->actor);

	name_look(w, op->path, op->actor, true);
	if (s)
		looks_add(w, &s->looks, op->actor, true);
	held->session = s;
	held->inode = s ? NULL : n->inode;
	held->epoch = s ? 0 : n->inode->epoch;
	held->n_through = s ? 0 : n->inode->n_through;
}

static void do_create(World *w, const Op *op)
{
	Session *s = session_new(w, op->path, op->actor);

	s->made = inode_new(w, S_IFREG, 0644, NULL);
	s->wrote_lo = w->now;
	s->wrote_hi = w->end;
}

static void name_touch(World *w, int actor, int path)
{
	Session *s = name_staged(w, path, actor);

	name_look(w, path, actor, false);
	if (s)
		looks_add(w, &s->looks, actor, false);
}

/* Looks a name up: whether there is something. */
static bool look_up(World *w, int actor, int path)
{
	if (!name_exists(&w->names[path])) {
		names_look(w, path, actor, false);
		return false;
	}
	name_touch(w, actor, path);
	return true;
}

/* The directories above a name. */
static int walk(World *w, int actor, int path)
{
	int parent = path == ROOT ? ROOT : paths[path].parent;

	if (parent == ROOT)
		return 0;
	if (walk(w, actor, parent) != 0 || !look_up(w, actor, parent))
		return ENOENT;
	return 0;
}

static int do_open(World *w, const Op *op, Expect *e)
{
	Held *held = &w->held[op->actor][op->slot];
	bool writes = (op->flags & (O_ACCMODE | O_TRUNC)) != 0, found;
	Name *n = &w->names[op->path];

	if (walk(w, op->actor, op->path) != 0)
		return expect_error(e, ENOENT);
	found = name_exists(n);
	if (found || !(op->flags & O_CREAT))
		look_up(w, op->actor, op->path);
	if (!found && !(op->flags & O_CREAT))
		return expect_error(e, ENOENT);
	if (found && (op->flags & O_EXCL))
		return expect_error(e, EEXIST);
	if (found && name_type(n) == S_IFDIR)
		return expect_error(e, EISDIR);
	if (found && name_type(n) == S_IFLNK)
		return expect_error(e, ELOOP);
	*held = (Held){.open = true,
		.reads = (op->flags & O_ACCMODE) != O_WRONLY,
		.writes = (op->flags & O_ACCMODE) != O_RDONLY,
		.append = op->flags & O_APPEND};
	if (!found)
		do_create(w, op);
	if (writes || !found)
		do_open_writing(w, op, held);
	else
		do_open_reading(w, op, held);
	return 0;
}

static void do_write(World *w, const Op *op, Expect *e)
{
	Held *held = &w->held[op->actor][op->slot];
	int at = op->at;

	if (!held->writes && op->kind == OP_WRITE) {
		e->error = EBADF;
		return;
	}
	if (held->append && op->kind == OP_WRITE)
		at = held->session->size;
	if (at > held->session->size)
		session_resize(held->session, at);
	text_fill(held->session->data + at, op->text, op->from, op->length);
	if (at + op->length > held->session->size)
		held->session->size = at + op->length;
	session_wrote(w, held->session, op->kind == OP_WRITE);
}

static void do_read(const World *w, const Op *op, Expect *e)
{
	const Held *held = op_held(w, op);
	const Session *s = held->session;

	if (!held->reads) {
		e->error = EBADF;
		return;
	}
	/* Gap: what a handle from before reads of a file that was written through. */
	e->bytes = s || held->n_through == held->inode->n_through;
	e->size = s ? s->size : held->inode->text->size;
	e->hash = s ? bytes_hash(s->data, (size_t)s->size) : held->inode->text->hash;
}

static void do_fstat(const World *w, const Op *op, Expect *e)
{
	const Held *held = op_held(w, op);

	if (held->session) {
		expect_session(w, e, held->session);
		return;
	}
	if (held->n_through != held->inode->n_through)
		return;
	expect_inode(e, held->inode);
	e->n_links = 0;
	/* Its times are those of what it was, once it has been replaced. */
	e->times = held_path(w, held) != ROOT;
	if (held_path(w, held) == ROOT)
		e->mode = 0;
}

/* Times set by one who is shown what is staged. */
static void staged_set_times(World *w, Session *s, int when)
{
	Name *n = s->path == ROOT ? NULL : &w->names[s->path];

	/* A removed file that is dated is not what it was. */
	if (!s->made && !n && !s->dirty && s->base)
		inode_forget(w, s->base);
	if (when == WHEN_OMIT || (!s->made && !n))
		return;
	if (!s->made && !s->dirty) {
		/* Nothing was written, so there is no session (P11). */
		if (when == WHEN_NOW)
			inode_stamp(w, n->inode, n->inode->mtime);
		else
			inode_set_mtime(n->inode, when_ns(when));
		/* To the family it is what the kernel's clock said, to others the backing's. */
		s->unsure |= when == WHEN_NOW;
		names_forget(w, s->path, false);
		return;
	}
	s->times_set = when != WHEN_NOW;
	s->touched = when == WHEN_NOW;
	s->mtime = s->times_set ? when_ns(when) : 0;
	if (when == WHEN_NOW) {
		s->wrote_lo = w->now;
		s->wrote_hi = w->end;
	}
}

/* Times of what is exposed under a name; actor is who sets them. */
static void exposed_set_times(World *w, int path, int actor, int when)
{
	Name *n = &w->names[path];
	Inode *inode = n->inode;

	if ((when == WHEN_OLD || when == WHEN_OLDER) && n->kept_by == w->processes[actor]) {
		/* Gap: what a handle from before is told of times that leave no trace. */
		inode->epoch++;
		return;
	}
	n->kept_by = 0;
	n->kept_maybe = 0;
	if (when == WHEN_OMIT) {
		inode->moved = true;
		return;
	}
	if (when == WHEN_NOW)
		inode_stamp(w, inode, inode->mtime);
	else
		inode_set_mtime(inode, when_ns(when));
	/* Gap: what a handle from before is told of it: the kernel's clock or the backing's. */
	inode->epoch += when == WHEN_NOW;
	if (n->session)
		n->session->unsure = true;
	for (int i = 0; i < N_PATHS; i++)
		if (w->names[i].inode == inode)
			names_forget(w, i, false);
}

static void do_futimens(World *w, const Op *op)
{
	const Held *held = op_held(w, op);

	if (held->session) {
		Session *s = held->session;

		if (op->flags == WHEN_OMIT && !s->made && s->path != ROOT)
			w->names[s->path].inode->moved = true;
		staged_set_times(w, s, op->flags);
	} else {
		exposed_set_times(w, held_path(w, held), op->actor, op->flags);
	}
}

static void do_by_handle(World *w, const Op *op, Expect *e)
{
	Held *held = &w->held[op->actor][op->slot];

	switch (op->kind) {
	case OP_CLOSE:
		held->open = false;
		held_release(w, held);
		break;
	case OP_READ:
		do_read(w, op, e);
		break;
	case OP_WRITE:
	case OP_STORE:
		do_write(w, op, e);
		break;
	case OP_FTRUNCATE:
		session_wrote(w, held->session, held->session->size != op->at);
		session_resize(held->session, op->at);
		break;
	case OP_MAP:
		held->mapped = true;
		held->map_size = held->session->size;
		break;
	case OP_UNMAP:
		held->mapped = false;
		held_release(w, held);
		break;
	case OP_FSTAT:
		do_fstat(w, op, e);
		break;
	case OP_FUTIMENS:
		do_futimens(w, op);
		break;
	case OP_FSYNC:
		session_expose(w, held->session, false);
		break;
	}
}
