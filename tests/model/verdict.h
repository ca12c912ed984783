/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the end of a session, or an fsync, makes of what is staged (P2, P3, P6, P7, P9, P16). */

#include "former.h"

static bool session_by_driver(const Session *s)
{
	for (int i = 0; i < s->n_openers; i++)
		if (s->openers[i].actor == DRIVER)
			return true;
	return false;
}

/* The session goes on from what has been exposed. */
static void session_rebase(Session *s)
{
	s->dirty = s->touched = s->moved = s->times_set = false;
	/* To the family its mtime is still that of the last write. */
	s->unsure = true;
	/* Whoever has it open sees what is written next. */
	for (int i = s->looks.n - 1; i >= 0; i--)
		if (!s->looks.list[i].bytes)
			s->looks.list[i] = s->looks.list[--s->looks.n];
}

/* The inode has lost a name, for good. */
static void inode_unlink(Inode *inode)
{
	inode->moved = true;
	inode->n_links--;
}

/* The inode that has the new bytes. */
static Inode *expose_inode(World *w, Session *s, Text *text)
{
	Name *n = &w->names[s->path];
	Inode *inode = s->made;

	if (inode) {
		s->made = NULL;
		if (n->shadow)
			inode_unlink(n->shadow);
		n->shadow = NULL;
		inode->text = text;
		return inode;
	}
	if (n->inode->n_links > 1) {
		names_forget(w, s->path, false);
		n->inode->text = text;
		n->inode->epoch++;
		n->inode->n_through++;
		return n->inode;
	}
	n->inode->n_links = 0;
	return inode_new(w, S_IFREG, n->inode->mode, text);
}

/* Times that the writer sets right after it belong to it (P11). */
static void name_remember_kept(World *w, const Session *s)
{
	Name *n = &w->names[s->path];

	n->kept_by = s->openers[0].process;
	n->kept_at = w->n_ops;
	n->kept_maybe |= 1u << s->openers[0].actor;
}

/* What a new file was renamed over while it was written has its bytes: that stays (P8). */
static void expose_shadow(World *w, Session *s)
{
	Name *n = &w->names[s->path];

	n->inode = n->shadow;
	n->shadow = NULL;
	n->inode->moved |= n->inode->mode != s->made->mode;
	n->inode->mode = s->made->mode;
	n->inode->held = true;
	s->made = NULL;
	w->tallies[KEPT]++;
	name_remember_kept(w, s);
}

static void expose_changed(World *w, Session *s, Text *text, bool ends, bool always)
{
	int writer = s->openers[0].actor, found;
	Name *n = &w->names[s->path];
	Inode *old = n->inode, *inode;
	bool is_new = s->made != NULL, may, passing;

	/* A file with several names keeps its inode, and what another one of them shows. */
	may = ends && !always && !s->touched && !session_is_seen(w, s) &&
	      !(old && old->n_links > 1);
	if (may && n->shadow && n->shadow->text == text && n->shadow->type == S_IFREG &&
		n->shadow->n_links == 1 && !n->shadow->arrived) {
		expose_shadow(w, s);
		return;
	}
	found = name_find_former(w, s->path, S_IFREG, text, writer, !may);
	if (found >= 0) {
		n->inode = name_returned(w, s->path, found, expose_inode(w, s, text));
		name_remember_kept(w, s);
		return;
	}
	w->tallies[is_new ? NEW : CHANGED]++;
	passing = (old || n->shadow) && name_is_passing(w, s->path, old ? old : n->shadow, writer);
	name_renewed(w, s->path, writer);
	if ((old || n->shadow) && !passing)
		name_leaves(w, s->path, old ? old : n->shadow, &s->looks);
	n->inode = inode = expose_inode(w, s, text);
	if (s->times_set) {
		inode_set_mtime(inode, s->mtime);
	} else if (is_new) {
		inode->lo = s->wrote_lo;
		inode->hi = s->wrote_hi;
	} else {
		inode_stamp(w, inode, old->mtime);
		if (s->touched)
			inode->lo = s->wrote_lo;
	}
	/* Who has written it has seen it; it may have had another name then. */
	for (int i = 0; i < s->n_openers; i++)
		name_look(w, s->path, s->openers[i].actor, true);
	if (session_is_seen(w, s))
		names_forget(w, s->path, false);
}

static void session_expose(World *w, Session *s, bool ends)
{
	Text *text;
	bool always;
	Name *n;

	if (s->path == ROOT || (!s->dirty && !s->made))
		return;
	n = &w->names[s->path];
	text = text_intern(w, s->data, s->size);
	always = is_always(w, s->path, text, session_by_driver(s));
	if (s->made || text != n->inode->text) {
		expose_changed(w, s, text, ends, always);
	} else if (always || s->touched || s->moved || n->inode->arrived || session_is_seen(w, s)) {
		w->tallies[TOUCHED]++;
		inode_stamp(w, n->inode, n->inode->mtime);
		n->inode->epoch++;
		name_renewed(w, s->path, s->openers[0].actor);
	} else {
		n->inode->held = true;
		n->inode->wrote = w->steps[s->openers[0].actor];
		w->tallies[KEPT] += ends;
		if (ends)
			name_remember_kept(w, s);
		return;
	}
	n->inode->wrote = w->steps[s->openers[0].actor];
	if (!ends)
		session_rebase(s);
}

/* Its name has gone, but others lead to the same file (P14). */
static bool session_expose_missed(World *w, Session *s)
{
	Inode *inode = s->base;
	Text *text;

	if (s->path != ROOT || !s->missed || !s->dirty || inode->n_links == 0)
		return false;
	text = text_intern(w, s->data, s->size);
	if (text == inode->text)
		return false;
	inode->text = text;
	inode->epoch++;
	inode->n_through++;
	inode->wrote = 0;
	if (s->times_set)
		inode_set_mtime(inode, s->mtime);
	else
		inode_stamp(w, inode, inode->mtime);
	w->tallies[CHANGED]++;
	return true;
}

/* The last writer has closed. */
static void session_end(World *w, Session *s)
{
	if (s->path != ROOT) {
		Name *n = &w->names[s->path];
		unsigned maybe = n->kept_maybe;

		n->kept_by = 0;
		n->kept_maybe = 0;
		session_expose(w, s, true);
		if (n->kept_by)
			n->kept_maybe |= maybe;
		w->names[s->path].session = NULL;
	}
	w->tallies[REMOVED] += s->path == ROOT && !session_expose_missed(w, s);
	s->ended = true;
	w->n_sessions--;
}

/* The name is gone, and its session out of sight (P4). */
static void session_remove(World *w, int path)
{
	Session *s = w->names[path].session;

	if (s) {
		s->path = ROOT;
		s->base = w->names[path].inode;
		s->missed = !s->made && s->base && s->base->n_links > 0;
	}
	w->names[path].session = NULL;
}
