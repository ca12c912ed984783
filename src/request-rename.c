/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Renaming. Nodes follow names, sessions follow nodes, and what a rename replaces or takes away is
 * a former version of its name.
 *
 * A rename over a file with the same bytes leaves that file as it was (P8), and one that brings the
 * bytes of a former version back leaves the mtime of that (P7, P9). Bytes are compared before, with
 * no lock held; under the lock it is only made sure that both files still are what was compared.
 *
 * The kernel moves what it remembers of the old name to the new one, which then leads to the file
 * that was renamed. So the old name must not be remembered: if it may be, the first attempt is
 * refused with ESTALE, upon which the kernel looks both names up again.
 *
 * In an audit every rename is an ordinary one, and it is told what it would have been. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "backing.h"
#include "former.h"
#include "held.h"
#include "kept.h"
#include "match.h"
#include "outdated.h"
#include "publish.h"
#include "record.h"
#include "request.h"
#include "stamp.h"
#include "util.h"

typedef struct Names Names;

/* What is asked for. */
struct Names {
	fuse_ino_t parent;
	const char *name;
	fuse_ino_t new_parent;
	const char *new_name;
	unsigned flags;
};

typedef struct Move Move;

/* One end of a rename. */
struct Move {
	Node *dir;
	const char *name;
	int dir_fd;   /* its own: see move_close() */
	Node *node;   /* owned; NULL: nothing known of it */
	bool backing; /* the backing has something of this name that belongs to the node */
};

static int move_find(Fs *fs, fuse_ino_t parent, const char *name, Move *ret_move)
{
	Version *dir = version_find(fs, parent);
	int fd, r;

	if (!dir)
		return -ESTALE;
	if (dir->node->special || request_special(fs, dir->node, name) || backing_is_hidden(name))
		return -EPERM;
	*ret_move = (Move){.dir = dir->node, .name = name, .dir_fd = -1};
	/* Whatever else is looked for closes the first one. */
	r = request_dir_fd(fs, dir, &fd);
	if (r < 0)
		return r;
	ret_move->dir_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (ret_move->dir_fd < 0)
		return -errno;
	ret_move->node = node_find(fs, dir->node, name);
	/* Removing the other one, and what is remembered of it, may let go of this one. */
	if (ret_move->node)
		node_ref(ret_move->node);
	if (!ret_move->node || node_in_backing(ret_move->node))
		r = backing_find(ret_move->dir_fd, name, &ret_move->backing);
	if (r < 0)
		return r;
	return ret_move->backing ? request_may_remove(ret_move->dir_fd, name, ret_move->node) : 0;
}

static void move_close(Fs *fs, Move *move)
{
	fd_clear(&move->dir_fd);
	move->node = node_unref(fs, move->node);
}

/* Both ends of a rename. What has been found is closed with move_close(), also after a failure. */
static int moves_find(Fs *fs, const Names *names, Move *ret_from, Move *ret_to)
{
	int r;

	*ret_from = *ret_to = (Move){.dir_fd = -1};
	r = move_find(fs, names->parent, names->name, ret_from);
	return r < 0 ? r : move_find(fs, names->new_parent, names->new_name, ret_to);
}

static bool move_has_session(const Move *move)
{
	return move->node && move->node->stage;
}

/* Nodes follow the names: what was at `to` is gone, what was at `from` is there. */
static void move_node(Fs *fs, const Move *from, const Move *to)
{
	if (to->node && to->node != from->node)
		node_unlink(fs, to->node);
	if (from->node)
		node_move(fs, from->node, to->dir, to->name);
}

static void move_hidden(const Move *from, const Move *to)
{
	Stage *stage = from->node ? from->node->stage : NULL;

	/* A staging file with a name goes where its session goes. */
	if (stage && stage->hidden)
		(void)!renameat(from->dir_fd, stage->hidden, to->dir_fd, stage->hidden);
	if (stage && stage->through)
		(void)!renameat(from->dir_fd, stage->through, to->dir_fd, stage->through);
}

/* A name that the backing does not have yet: only the tree knows of the move. What it replaces
 * stays in the backing until the session ends. */
static int rename_new(Fs *fs, const Move *from, const Move *to)
{
	struct stat st, from_dir, to_dir;
	int r = backing_stat(to->dir_fd, to->name, &st);
	const bool shadow = r == 0;

	if (r < 0 && r != -ENOENT)
		return r;
	/* Another file system may be mounted below. */
	if (fstat(from->dir_fd, &from_dir) < 0 || fstat(to->dir_fd, &to_dir) < 0)
		return -errno;
	if (from_dir.st_dev != to_dir.st_dev)
		return -EXDEV;
	/* Made there beside the mount, so that the kernel could not refuse it. */
	if (shadow && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (from->node->shadow)
		kept_save(fs, from->dir_fd, from->name);
	if (from->node->shadow && unlinkat(from->dir_fd, from->name, 0) < 0)
		return -errno;
	former_look(fs, to->dir, to->name, request_current()->caller, LOOK_BYTES, false);
	/* Who has seen what was being written there is not known. */
	from->node->stage->seen |= move_has_session(to);
	move_hidden(from, to);
	node_ref(from->node);
	move_node(fs, from, to);
	from->node->shadow = shadow;
	if (shadow)
		kept_follow(fs, &st, from->node);
	node_unref(fs, from->node);
	backing_touch_dir(from->dir_fd);
	backing_touch_dir(to->dir_fd);
	return 0;
}

/* What has got another name is stamped if its mtime was held back, for somebody may have seen other
 * bytes under that name. The kernel is to look anew at what it may remember. */
static void rename_stamp(Fs *fs, const Move *to)
{
	GPtrArray *nodes;
	Node *node = node_find(fs, to->dir, to->name);

	if (held_stamp(fs, to->dir_fd, to->name, node)) {
		if (node)
			request_expire(fs, node);
		return;
	}
	if (!node || !node->exposed || node->exposed->type != S_IFDIR)
		return;
	nodes = held_move_below(fs, node);
	for (unsigned i = 0; i < nodes->len; i++)
		request_expire(fs, nodes->pdata[i]);
	held_free_nodes(fs, nodes);
}

/* A directory has got another name. */
static void rename_dir(Fs *fs, const Move *from, const Move *to)
{
	Node *node = node_find(fs, to->dir, to->name);

	former_forget(fs, from->dir, from->name, true);
	former_forget(fs, to->dir, to->name, true);
	if (node)
		stage_move_below(fs, node);
	rename_stamp(fs, to);
}

/* A file or link has. replaced: what was there before, or NULL. What was replaced and what was
 * renamed away are former versions of their names. */
static void rename_file(Fs *fs, const Move *from, const Move *to, const struct stat *replaced)
{
	Node *node = node_find(fs, to->dir, to->name);
	struct stat st;

	if (node && node->stage)
		stage_move(node->stage);
	rename_stamp(fs, to);
	if (backing_stat(to->dir_fd, to->name, &st) == 0)
		held_note_arrival(fs, &st, replaced);
	former_look(fs, to->dir, to->name, request_current()->caller, LOOK_BYTES, true);
	/* What is being written is not remembered: it has been seen as what it is going to be. */
	if (node && node->stage)
		former_forget(fs, from->dir, from->name, false);
}

/* What was under the old name is a former version of it; its bytes are under the new one. */
static void rename_remember(Fs *fs, const Move *from, const Move *to, const struct timespec *mtime)
{
	Node *node = node_get(fs, to->dir, to->name);

	former_moved(fs, from->dir, from->name, mtime, node);
	node_unref(fs, node);
}

typedef struct Plan Plan;

/* What has the bytes that are moved, as far as that has been found out before. */
struct Plan {
	Match match;
	struct stat from, to;
	int from_fd;    /* -1: a link */
	Record *record; /* owned; what the journal is to be told; NULL: nothing */
};

/* old_fd: what it has replaced, taken. */
static Record *rename_record(Fs *fs, const Move *from, const Move *to, const struct stat *st,
	const struct stat *replaced, int *old_fd)
{
	Record *record = record_new_moved(fs, to->dir, to->name, from->dir, from->name,
		replaced ? VERDICT_CHANGED : VERDICT_NEW, request_current()->caller, st, replaced);
	int fd = -1;

	if (*old_fd >= 0)
		(void)!backing_open_read(to->dir_fd, to->name, &fd);
	record_take_files(record, old_fd, &fd);
	return record;
}

static int rename_plain(
	Fs *fs, const Move *from, const Move *to, unsigned flags, Record **ret_record)
{
	bool keeps = false, wanted = false, replaces = false, ends = false;
	autofd old_fd = -1;
	struct timespec mtime;
	struct stat st, replaced;
	Keep keep;
	int r;

	if (!from->backing) {
		if (!from->node || node_in_backing(from->node))
			return -ENOENT;
		return rename_new(fs, from, to);
	}
	if (to->node && to->node->n_hidden > 0)
		return -ENOTEMPTY;
	r = backing_stat(from->dir_fd, from->name, &st);
	if (r == 0 && to->backing) {
		r = backing_stat(to->dir_fd, to->name, &replaced);
		replaces = r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0)
		return r;
	/* Two names of one file: that is how rename(2) leaves them. */
	if (replaces && replaced.st_ino == st.st_ino && replaced.st_dev == st.st_dev)
		return 0;
	ends = replaces && kept_n_links(fs, &replaced) == 1;
	mtime = audit_mtime(fs, &st);
	if (!S_ISDIR(st.st_mode)) {
		wanted = !move_has_session(from) && former_is_wanted(fs, &st);
		keeps = replaces && !move_has_session(to) &&
			former_keep(fs, to->dir_fd, to->name, &keep);
	}
	if (replaces && S_ISREG(st.st_mode) && S_ISREG(replaced.st_mode) && !fs->on_fuse)
		(void)!backing_open_read(to->dir_fd, to->name, &old_fd);
	/* Who has seen what was being written there is not known. */
	if (move_has_session(to)) {
		kept_save(fs, to->dir_fd, to->name);
		former_forget(fs, to->dir, to->name, false);
	}
	if (renameat2(from->dir_fd, from->name, to->dir_fd, to->name, flags) < 0) {
		r = -errno;
		if (keeps)
			former_cancel(fs, &keep);
		return r;
	}
	if (keeps)
		former_kept(fs, to->dir, to->name, &keep);
	if (ends)
		held_forget(fs, &replaced);
	move_hidden(from, to);
	move_node(fs, from, to);
	if (S_ISDIR(st.st_mode))
		rename_dir(fs, from, to);
	else
		rename_file(fs, from, to, replaces ? &replaced : NULL);
	/* Now that it has the mtime that it is to have. */
	if (wanted)
		rename_remember(fs, from, to, &mtime);
	if (S_ISREG(st.st_mode))
		*ret_record = rename_record(fs, from, to, &st,
			replaces && S_ISREG(replaced.st_mode) ? &replaced : NULL, &old_fd);
	return 0;
}

/* What is under one of the names that have been exchanged. */
static void exchange_moved(
	Fs *fs, Node *dir, const char *name, int dir_fd, const struct stat *replaced)
{
	const Move to = {.dir = dir, .name = name, .dir_fd = dir_fd};
	Node *node = node_find(fs, dir, name);
	struct stat st;

	if (node)
		stage_move_below(fs, node);
	rename_stamp(fs, &to);
	if (backing_stat(dir_fd, name, &st) == 0)
		held_note_arrival(fs, &st, replaced);
}

/* Both names exist; either may be in the tree only. */
static int rename_exchange(Fs *fs, const Move *from, const Move *to)
{
	g_autofree char *name = g_strdup(to->name);
	Node *a, *b, *dir = from->dir;
	bool has_from, has_to;
	struct stat from_st, to_st;
	int r = 0;

	has_from = backing_stat(from->dir_fd, from->name, &from_st) == 0;
	has_to = backing_stat(to->dir_fd, to->name, &to_st) == 0;
	/* What one that is new has replaced is there yet. */
	if (!from->backing)
		kept_save(fs, from->dir_fd, from->name);
	if (!to->backing)
		kept_save(fs, to->dir_fd, to->name);
	if (from->backing && to->backing)
		r = renameat2(from->dir_fd, from->name, to->dir_fd, to->name, RENAME_EXCHANGE);
	else if (from->backing)
		r = renameat2(from->dir_fd, from->name, to->dir_fd, to->name, 0);
	else if (to->backing)
		r = renameat2(to->dir_fd, to->name, from->dir_fd, from->name, 0);
	if (r < 0)
		return -errno;
	former_forget(fs, from->dir, from->name, true);
	former_forget(fs, to->dir, to->name, true);
	move_hidden(from, to);
	move_hidden(to, from);
	a = node_get(fs, from->dir, from->name);
	b = node_get(fs, to->dir, to->name);
	/* By way of a name that nobody can have. */
	node_move(fs, a, to->dir, "");
	node_move(fs, b, dir, from->name);
	node_move(fs, a, to->dir, name);
	/* What either has replaced may still be there, under the other's name. */
	a->shadow = !node_in_backing(a) && backing_exists(to->dir_fd, name);
	b->shadow = !node_in_backing(b) && backing_exists(from->dir_fd, from->name);
	node_unref(fs, a);
	node_unref(fs, b);
	exchange_moved(fs, from->dir, from->name, from->dir_fd, has_from ? &from_st : NULL);
	exchange_moved(fs, to->dir, name, to->dir_fd, has_to ? &to_st : NULL);
	return 0;
}

static void plan_clear(Fs *fs, Plan *plan)
{
	match_clear(fs, &plan->match);
	fd_clear(&plan->from_fd);
}

static bool links_are_same(const Move *a, const Move *b)
{
	char x[PATH_MAX + 1], y[PATH_MAX + 1];
	ssize_t n = readlinkat(a->dir_fd, a->name, x, sizeof(x));
	ssize_t m = readlinkat(b->dir_fd, b->name, y, sizeof(y));

	return n >= 0 && n == m && memcmp(x, y, (size_t)n) == 0 &&
	       backing_link_is_plain(a->dir_fd, a->name) &&
	       backing_link_is_plain(b->dir_fd, b->name);
}

/* Links are compared at once. */
static void plan_link(Fs *fs, const Move *from, const Move *to, Match *match)
{
	g_autoptr(GPtrArray) formers = NULL;
	char target[PATH_MAX + 1];
	ssize_t n;

	if (to->backing && links_are_same(from, to)) {
		match->found = true;
		return;
	}
	n = readlinkat(from->dir_fd, from->name, target, sizeof(target) - 1);
	if (n < 0 || !backing_link_is_plain(from->dir_fd, from->name))
		return;
	target[n] = 0;
	formers = former_candidates(fs, to->dir, to->name, S_IFLNK, 0, request_current()->caller);
	for (unsigned i = 0; i < formers->len && !match->found; i++)
		if (former_links_to(fs, formers->pdata[i], target)) {
			match->former = former_ref(formers->pdata[i]);
			match->found = true;
		}
}

/* Opens what may have the same bytes; NULL: nothing may. */
static GArray *plan_open(Fs *fs, const Move *from, const Move *to, Plan *plan)
{
	const Process *caller = request_current()->caller;
	int to_fd = -1;

	if (backing_open_read(from->dir_fd, from->name, &plan->from_fd) < 0 ||
		publish_always_counts(
			fs, to->name, plan->from_fd, plan->from.st_size, step_is_driver(caller)))
		return NULL;
	if (to->backing && S_ISREG(plan->to.st_mode) && kept_n_links(fs, &plan->to) == 1 &&
		plan->to.st_size == plan->from.st_size && !held_has_arrived(fs, &plan->to))
		(void)!backing_open_read(to->dir_fd, to->name, &to_fd);
	return match_candidates(fs, to_fd, to->dir, to->name, plan->from.st_size, caller);
}

/* Its file has other names. One that was linked a moment ago may still be remembered for long, and
 * its notice of expiry would miss it under the new name. */
static bool move_has_names(const Fs *fs, const Move *move)
{
	struct stat st;

	return move->backing && !move_has_session(move) &&
	       backing_stat(move->dir_fd, move->name, &st) == 0 && S_ISREG(st.st_mode) &&
	       kept_n_links(fs, &st) > 1;
}

/* The kernel would take the mtime along that it remembers of it. */
static bool move_is_held(const Fs *fs, const Move *move)
{
	struct stat st;

	return move->backing && backing_stat(move->dir_fd, move->name, &st) == 0 &&
	       held_has(fs, &st);
}

/* The first half, under the lock: -ESTALE if the kernel has to look the names up again. */
static int plan_begin(Fs *fs, const Names *names, Plan *plan, GArray **ret_candidates)
{
	Request *current = request_current();
	pid_t tid = (pid_t)request_header(current)->pid;
	const bool exchanges = names->flags & RENAME_EXCHANGE;
	Move from, to;
	bool again;
	Pin *pin;
	int r;
	HOLD(&fs->lock);

	pin = pin_find(fs, tid);
	r = moves_find(fs, names, &from, &to);
	again = r == 0 && tid > 0 && !pin &&
		((from.node && from.node->cached) || (exchanges && to.node && to.node->cached));
	if (again && (move_has_names(fs, &from) || move_is_held(fs, &from) ||
			     (exchanges && move_is_held(fs, &to))))
		r = -ESTALE;
	if (r == 0 && !exchanges && from.backing && !move_has_session(&from) &&
		!move_has_session(&to) &&
		(to.backing ? !(names->flags & RENAME_NOREPLACE)
			    : former_watches(fs, to.dir, to.name)) &&
		backing_stat(from.dir_fd, from.name, &plan->from) == 0 &&
		(!to.backing || backing_stat(to.dir_fd, to.name, &plan->to) == 0) &&
		!S_ISDIR(plan->from.st_mode) && kept_n_links(fs, &plan->from) == 1) {
		if (again)
			r = -ESTALE;
		else if (S_ISREG(plan->from.st_mode))
			*ret_candidates = plan_open(fs, &from, &to, plan);
		else if (S_ISLNK(plan->from.st_mode) && !publish_is_listed(fs, to.name))
			plan_link(fs, &from, &to, &plan->match);
	}
	if (again && r == -ESTALE)
		pin_set(fs, tid, PIN_RENAME, from.node ? from.node : to.node, current->caller,
			current->due);
	move_close(fs, &from);
	move_close(fs, &to);
	return r;
}

/* The second half, without: the bytes. */
static int plan_find(Fs *fs, const Names *names, Plan *plan)
{
	GArray *candidates = NULL;
	int r;

	r = plan_begin(fs, names, plan, &candidates);
	match_find(fs, candidates, plan->from_fd, plan->from.st_size, &plan->match);
	return r;
}

static bool is_still(const Fs *fs, const Move *move, const struct stat *st)
{
	struct stat now;

	return move->backing && !move_has_session(move) &&
	       backing_stat(move->dir_fd, move->name, &now) == 0 && now.st_ino == st->st_ino &&
	       kept_n_links(fs, &now) == 1 && now.st_size == st->st_size &&
	       time_equal(&now.st_mtim, &st->st_mtim);
}

/* Whether nobody has been faster since the bytes were compared. */
static bool plan_holds(const Fs *fs, const Plan *plan, const Move *from, const Move *to)
{
	if (!plan->match.found || !is_still(fs, from, &plan->from) || move_has_session(to))
		return false;
	if (plan->match.former)
		return former_may_return(plan->match.former, request_current()->caller);
	return is_still(fs, to, &plan->to);
}

/* The file that stays gets what belongs to the name that is moved. */
static int plan_assume(const Plan *plan)
{
	if (plan->from_fd >= 0)
		return backing_assume(plan->from_fd, plan->match.fd);
	/* Of a link that is the owner. */
	return plan->match.former || (plan->from.st_uid == plan->to.st_uid &&
					     plan->from.st_gid == plan->to.st_gid)
		       ? 0
		       : -EOPNOTSUPP;
}

/* What has stayed, or come back, under the name has the mtime that was held back. */
static void rename_note_held(Fs *fs, const Move *to)
{
	struct stat st;

	if (backing_stat(to->dir_fd, to->name, &st) < 0)
		return;
	held_note(fs, &st);
	inputs_wrote(fs->inputs, request_current()->caller, &st);
}

/* What is there, or was, stays in the place of what is moved, which is gone. After a failure what
 * is to be moved is there yet, and the other name leads where it did; or what was there is back,
 * with the same bytes, and there is no match any more. */
static int rename_matched(Fs *fs, const Move *from, Move *to, Plan *plan)
{
	bool wanted, ends;
	int r;

	if (plan->match.former && !former_is_whole(fs, plan->match.former))
		return -EMLINK;
	wanted = former_is_wanted(fs, &plan->from);
	r = plan_assume(plan);
	if (r == 0 && plan->match.former)
		r = former_put_back(fs, plan->match.former, to->dir_fd);
	if (r < 0)
		return r;
	if (!to->backing)
		backing_touch_dir(to->dir_fd);
	if (to->node)
		node_supersede(fs, to->node);
	former_look(fs, to->dir, to->name, request_current()->caller, LOOK_BYTES, true);
	ends = kept_n_links(fs, &plan->from) == 1;
	kept_save(fs, from->dir_fd, from->name);
	if (unlinkat(from->dir_fd, from->name, 0) == 0) {
		if (ends)
			held_forget(fs, &plan->from);
	} else if (errno != ENOENT) {
		r = -errno;
		if (plan->match.former) {
			plan->match.found = false;
			to->backing = true;
			rename_note_held(fs, to);
		}
		return r;
	}
	/* P8: it is gone, but its bytes are there. */
	if (wanted)
		rename_remember(fs, from, to, &plan->from.st_mtim);
	if (from->node)
		node_unlink(fs, from->node);
	return 0;
}

/* An ordinary rename, after which the file gets the old mtime. */
static int rename_with_mtime(Fs *fs, const Move *from, const Move *to, Plan *plan)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, plan->to.st_mtim};
	struct stat st;
	Node *node;
	int r;

	r = rename_plain(fs, from, to, 0, &plan->record);
	if (r < 0)
		return r;
	if (!plan->match.former)
		(void)!stamp_set(to->dir_fd, to->name, times);
	else if (former_may_return(plan->match.former, request_current()->caller))
		(void)!former_restore_mtime(fs, plan->match.former, to->dir_fd);
	node = node_find(fs, to->dir, to->name);
	if (node)
		node_supersede(fs, node);
	if (backing_stat(to->dir_fd, to->name, &st) == 0) {
		kept_note_mtime(fs, &st);
		held_forget(fs, &st);
	}
	return 0;
}

/* That of what stays, or comes back. */
static struct timespec plan_mtime(Fs *fs, const Plan *plan)
{
	return plan->match.former ? *former_mtime(plan->match.former) : audit_mtime(fs, &plan->to);
}

/* An audit: an ordinary rename, and what the mtime would be. */
static int rename_audited(Fs *fs, const Move *from, const Move *to, Plan *plan)
{
	const struct timespec mtime = plan_mtime(fs, plan);
	struct stat st;
	int r;

	r = rename_plain(fs, from, to, 0, &plan->record);
	if (r < 0)
		return r;
	if (plan->match.former && former_may_return(plan->match.former, request_current()->caller))
		former_came_back(fs, plan->match.former);
	if (backing_stat(to->dir_fd, to->name, &st) < 0)
		return 0;
	/* It would not have arrived. */
	held_forget(fs, &st);
	audit_note(fs, &st, &mtime);
	inputs_wrote(fs->inputs, request_current()->caller, &st);
	return 0;
}

/* Whether what stays is older than what has been read for the file that is moved there, by the step
 * that has written it or by the one that moves it (P15). */
static bool plan_is_outdated(Fs *fs, const Plan *plan, struct timespec *ret_newest)
{
	const struct timespec mtime = plan_mtime(fs, plan);

	return inputs_are_newer(fs->inputs, request_current()->caller, &mtime, ret_newest) ||
	       inputs_of_file_are_newer(fs->inputs, &plan->from, &mtime, ret_newest);
}

static void rename_note_outdated(Fs *fs, const Move *to, const struct timespec *newest)
{
	Node *node = node_get(fs, to->dir, to->name);

	outdated_note(fs, node, newest);
	node_unref(fs, node);
}

static int rename_one(Fs *fs, const Move *from, Move *to, unsigned flags, Plan *plan)
{
	struct timespec newest;
	Verdict verdict;
	bool outdated;
	int r;

	if (from->dir == to->dir && strcmp(from->name, to->name) == 0)
		return 0;
	if (flags & RENAME_EXCHANGE)
		return rename_exchange(fs, from, to);
	if ((flags & RENAME_NOREPLACE) && (to->backing || move_has_session(to)))
		return -EEXIST;
	if (!plan_holds(fs, plan, from, to))
		return rename_plain(fs, from, to, flags, &plan->record);
	outdated = S_ISREG(plan->from.st_mode) && plan_is_outdated(fs, plan, &newest);
	if (outdated && fs->options->converge)
		return rename_plain(fs, from, to, flags, &plan->record);
	if (fs->audit) {
		r = rename_audited(fs, from, to, plan);
	} else {
		r = rename_matched(fs, from, to, plan);
		if (r < 0 && !plan->match.found)
			return rename_plain(fs, from, to, flags, &plan->record);
		if (r < 0)
			r = rename_with_mtime(fs, from, to, plan);
	}
	if (r < 0)
		return r;
	/* The bytes have been written, under the other name. */
	verdict = plan->match.former ? VERDICT_RESTORED : VERDICT_KEPT;
	journal_add(fs->journal, verdict, 0);
	plan->record = record_drop(fs, plan->record);
	if (S_ISREG(plan->from.st_mode)) {
		plan->record = record_new_moved(fs, to->dir, to->name, from->dir, from->name,
			verdict, request_current()->caller, &plan->from,
			to->backing ? &plan->to : NULL);
	}
	if (!fs->audit)
		rename_note_held(fs, to);
	if (outdated)
		rename_note_outdated(fs, to, &newest);
	return 0;
}

static int rename_names(Fs *fs, const Names *names, Plan *plan)
{
	Request *current = request_current();
	bool cached = false;
	Move from, to;
	Node *node;
	Pin *pin;
	int r;
	HOLD(&fs->lock);

	pin = pin_find(fs, (pid_t)request_header(current)->pid);
	if (pin)
		pin_drop(fs, pin, current->due);
	r = moves_find(fs, names, &from, &to);
	if (r == 0) {
		cached = from.node && from.node->cached;
		r = rename_one(fs, &from, &to, names->flags, plan);
	}
	/* The kernel may have remembered the old name once more, meanwhile; not
	 * that of a session.
	 */
	node = r == 0 && cached ? node_find(fs, to.dir, to.name) : NULL;
	if (node && !node->stage && (plan->match.found || former_watches_node(fs, node)))
		request_expire(fs, node);
	move_close(fs, &from);
	move_close(fs, &to);
	return r;
}

void request_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	const Names names = {parent, name, new_parent, new_name, flags};
	Plan plan = {.match = {.fd = -1}, .from_fd = -1};
	Fs *fs = request_fs(req);
	int r = 0;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		r = -EINVAL;
	if (r == 0)
		r = plan_find(fs, &names, &plan);
	if (r == 0)
		r = rename_names(fs, &names, &plan);
	plan_clear(fs, &plan);
	request_reply(req, r);
	/* Nobody waits for this. */
	record_write(fs, plan.record);
}
