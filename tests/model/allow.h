/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which operations make sense now, and which the model can tell the outcome of. The second kind
 * are its gaps, each with a comment "Gap:"; they are listed at the head of model.c. */

#include "verdict.h"

static const Held *op_held(const World *w, const Op *op)
{
	return &w->held[op->actor][op->slot];
}

/* Whether another name of the file is being written. */
static bool inode_has_other_session(const World *w, const Inode *inode, int path)
{
	for (int i = 0; i < N_PATHS; i++)
		if (i != path && w->names[i].inode == inode && w->names[i].session)
			return true;
	return false;
}

static bool session_is_mapped(const World *w, const Session *s)
{
	for (int a = 0; a < N_ACTORS; a++)
		for (int i = 0; i < N_SLOTS; i++)
			if (w->held[a][i].mapped && w->held[a][i].session == s)
				return true;
	return false;
}

/* Opening or truncating a name to write it. */
static bool allows_writing(const World *w, const Op *op)
{
	const Name *n = &w->names[op->path];

	/* Gap: two sessions of one file at once, by different names (P14). */
	return !n->inode || n->inode->n_links < 2 ||
	       !inode_has_other_session(w, n->inode, op->path);
}

static bool allows_open(const World *w, const Op *op)
{
	const Held *held = op_held(w, op);
	const Name *n;

	if (held->open || held->mapped || op->path == ROOT)
		return false;
	n = &w->names[op->path];
	if (paths[op->path].holds && !name_exists(n) && (op->flags & O_CREAT))
		return false;
	if ((op->flags & O_EXCL) && !(op->flags & O_CREAT))
		return false;
	/* A directory can be opened for reading, but not read. */
	if (name_type(n) == S_IFDIR && !(op->flags & (O_ACCMODE | O_CREAT | O_TRUNC)))
		return false;
	/* Gap: the kernel reports the times of what was truncated so as if a user had set them. */
	if ((op->flags & (O_ACCMODE | O_TRUNC)) == (O_RDONLY | O_TRUNC))
		return false;
	return !(op->flags & O_ACCMODE) || allows_writing(w, op);
}

static bool range_is_in_text(const Op *op)
{
	return op->from >= 0 && op->length > 0 && op->from + op->length <= texts[op->text].size;
}

static bool allows_write(const World *w, const Op *op)
{
	const Held *held = op_held(w, op);
	int at = op->at;

	if (!held->open || !range_is_in_text(op))
		return false;
	if (!held->writes)
		return true;
	if (held->append)
		at = held->session->size;
	return at + op->length <= SIZE_MAX_FILE;
}

static bool allows_store(const World *w, const Op *op)
{
	const Held *held = op_held(w, op);

	return held->mapped && range_is_in_text(op) && op->at + op->length <= held->map_size &&
	       op->at + op->length <= held->session->size;
}

/* Times of a file with a session that are set by one who is shown what is staged. */
static bool allows_staged_times(const World *w, const Session *s, const Op *op)
{
	const Name *n = s->path == ROOT ? NULL : &w->names[s->path];

	/* The kernel does not move the mtime when a dirty page is stored to. */
	if (session_is_mapped(w, s))
		return false;
	if (op->flags == WHEN_OMIT)
		return true;
	/* Gap: a future time within a session of unchanged bytes (P11 does not say). */
	if (op->flags == WHEN_FUTURE)
		return false;
	/* Gap: an old time after "now" has been asked for in the same session. */
	if (s->touched && op->flags != WHEN_NOW)
		return false;
	/* Gap: times that are set, and bytes that were there before: P7 or P11. */
	return !n || (n->n_formers == 0 && !(n->kept_maybe & 1u << op->actor));
}

/* Times of what is exposed. */
static bool allows_exposed_times(const World *w, int path, const Op *op)
{
	const Name *n = &w->names[path];

	/* Times older than an unchanged session belong to that only if they come "right after" it:
	 * in a second. */
	if (op->flags < WHEN_OLD || op->flags == WHEN_FUTURE || !(n->kept_maybe & 1u << op->actor))
		return true;
	return n->kept_by == w->processes[op->actor] && n->kept_at == w->n_ops && !n->session;
}

/* The name that leads to what a handle has open, if it still is what is exposed there. */
static int held_path(const World *w, const Held *held)
{
	for (int i = 0; i < N_PATHS; i++)
		if (held->inode && w->names[i].inode == held->inode &&
			held->inode->epoch == held->epoch)
			return i;
	return ROOT;
}

static bool allows_futimens(const World *w, const Op *op)
{
	const Held *held = op_held(w, op);
	int path;

	if (!held->open)
		return false;
	path = held->session ? held->session->path : held_path(w, held);
	if (op->flags == WHEN_OMIT && path != ROOT && w->names[path].n_formers > 0)
		return false;
	if (held->session)
		return held->counts && allows_staged_times(w, held->session, op);
	/* Gap: through a handle for reading, while there is a session, or of one of several names.
	 */
	return path != ROOT && !w->names[path].session && held->inode->n_links == 1 &&
	       allows_exposed_times(w, path, op);
}

static bool allows_utimens(const World *w, const Op *op)
{
	Session *s;

	if (op->path == ROOT)
		return false;
	/* Gap: whether setting the atime alone forgets what was there before. */
	if (op->flags == WHEN_OMIT && w->names[op->path].n_formers > 0)
		return false;
	s = name_staged(w, op->path, op->actor);
	/* Gap: times of a file by one of its names while another one is being written. */
	if (w->names[op->path].inode &&
		inode_has_other_session(w, w->names[op->path].inode, op->path))
		return false;
	return s ? allows_staged_times(w, s, op) : allows_exposed_times(w, op->path, op);
}

static bool allows_fsync(const World *w, const Op *op)
{
	const Held *held = op_held(w, op);

	return held->open && held->counts;
}

static bool allows_truncate(const World *w, const Op *op)
{
	const Name *n;

	if (op->path == ROOT)
		return false;
	n = &w->names[op->path];
	/* Links are followed, to where nothing is. */
	return name_type(n) != S_IFLNK && allows_writing(w, op);
}

/* A directory to a name where all that is below it has a name, too. */
static bool allows_rename_dir(const World *w, const Op *op)
{
	(void)w;
	return op->flags == 0 && paths[op->path].holds == paths[op->other].holds &&
	       (!paths[op->path].holds || paths[op->path].mirror == op->other);
}

static bool allows_exchange(const World *w, const Op *op)
{
	const Name *from = &w->names[op->path], *to = &w->names[op->other];

	if (!name_exists(from) || !name_exists(to))
		return true;
	if (path_is_below(op->path, op->other) || path_is_below(op->other, op->path))
		return false;
	if (paths[op->path].holds || paths[op->other].holds)
		return paths[op->path].holds && paths[op->path].mirror == op->other;
	/* Gap: exchanging names while one of them is being written. */
	return !from->session && !to->session && !from->shadow && !to->shadow;
}

static bool allows_rename_over(const World *w, const Op *op)
{
	const Name *from = &w->names[op->path], *to = &w->names[op->other];
	bool is_link = name_type(from) == S_IFLNK;

	if (from->inode && from->inode == to->inode)
		return !from->session && !to->session;
	/* Gap: a file renamed over another while it is written, and left as it was: P2 or P8. */
	if (from->session && !from->session->made && (name_exists(to) || to->n_formers > 0))
		return false;
	/* Gap: the same over one that is being written, too. */
	if (from->session && to->session)
		return false;
	/* Gap: one of several names of a file that is being written by another name. */
	if (from->inode && inode_has_other_session(w, from->inode, op->path))
		return false;
	/* Gap: whether a driver's own symbolic links always count (P16 speaks of files). */
	if (is_link && op->actor == DRIVER && (name_exists(to) || to->n_formers > 0))
		return false;
	return true;
}

static bool allows_rename(const World *w, const Op *op)
{
	const Name *from, *to;

	if (op->path == ROOT || op->other == ROOT)
		return false;
	from = &w->names[op->path];
	to = &w->names[op->other];
	if (op->flags == 2)
		return allows_exchange(w, op);
	if (op->path == op->other)
		return op->flags == 0;
	if (name_type(from) == S_IFDIR)
		return allows_rename_dir(w, op);
	if (!name_exists(from))
		return true;
	if (paths[op->other].holds)
		return name_exists(to);
	return allows_rename_over(w, op);
}

static bool allows_link(const World *w, const Op *op)
{
	const Name *from;

	if (op->path == ROOT || op->other == ROOT || op->path == op->other)
		return false;
	from = &w->names[op->path];
	if (paths[op->other].holds && !name_exists(&w->names[op->other]))
		return false;
	/* Gap: a second name for a file that is being written; and for a symbolic link. */
	return !from->session && name_type(from) != S_IFLNK &&
	       !(from->inode && inode_has_other_session(w, from->inode, op->path));
}

static bool allows_symlink(const World *w, const Op *op)
{
	const Name *n;

	if (op->path == ROOT || (paths[op->path].holds && !name_exists(&w->names[op->path])))
		return false;
	n = &w->names[op->path];
	/* Gap: see allows_rename_over(). */
	return op->actor != DRIVER || n->n_formers == 0;
}

/* A step can end when all its sessions end with it. */
static bool allows_restart(const World *w, const Op *op)
{
	if ((op->actor != STEP_A && op->actor != STEP_B) || w->n_restarts >= 20)
		return false;
	for (const Session *s = w->sessions; s; s = s->next) {
		bool ours = false, others = false;

		if (s->ended)
			continue;
		for (int i = 0; i < s->n_openers; i++)
			ours |= w->steps[s->openers[i].actor] == w->steps[op->actor];
		for (int a = 0; a < N_ACTORS; a++)
			for (int i = 0; i < N_SLOTS; i++)
				others |= w->held[a][i].counts && w->held[a][i].session == s &&
					  w->steps[a] != w->steps[op->actor];
		if (ours && others)
			return false;
	}
	return true;
}

static bool allows_by_handle(const World *w, const Op *op)
{
	const Held *held = op_held(w, op);

	switch (op->kind) {
	case OP_FTRUNCATE:
		return held->open && held->writes;
	case OP_WRITE:
		return allows_write(w, op);
	case OP_MAP:
		return held->open && held->reads && held->writes && !held->mapped &&
		       held->session->size > 0;
	case OP_STORE:
		return allows_store(w, op);
	case OP_UNMAP:
		return held->mapped;
	case OP_FUTIMENS:
		return allows_futimens(w, op);
	case OP_FSYNC:
		return allows_fsync(w, op);
	default:
		return held->open;
	}
}

static bool allows_by_name(const World *w, const Op *op)
{
	switch (op->kind) {
	case OP_LIST:
		return op->path == ROOT || paths[op->path].holds;
	case OP_CAT:
		return op->path != ROOT && name_type(&w->names[op->path]) != S_IFDIR;
	case OP_CHMOD:
		return op->path != ROOT && name_type(&w->names[op->path]) != S_IFLNK;
	case OP_TRUNCATE:
		return allows_truncate(w, op);
	case OP_UTIMENS:
		return allows_utimens(w, op);
	case OP_RENAME:
		return allows_rename(w, op);
	case OP_LINK:
		return allows_link(w, op);
	case OP_SYMLINK:
		return allows_symlink(w, op);
	case OP_RESTART:
		return allows_restart(w, op);
	default:
		return op->path != ROOT;
	}
}

static bool world_allows(const World *w, const Op *op)
{
	if (op->kind == OP_OPEN)
		return allows_open(w, op);
	if (op_forms[op->kind].args[0] == 's')
		return allows_by_handle(w, op);
	return allows_by_name(w, op);
}
