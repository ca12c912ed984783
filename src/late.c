/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names in question have a former version, so that the kernel caches none of them, and whoever
 * wants anything of such a file looks it up first.
 *
 * Whether git still runs is asked of a descriptor, one for each git; when another one begins, what
 * is left of those that have ended comes back at once. Everything may go wrong here: then the file
 * keeps the mtime of its writing. */

#include "late.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "backing.h"
#include "held.h"
#include "kept.h"
#include "util.h"

/* Gits that run at the same time. */
#define LATE_WATCHES_MAX 16

typedef struct Late Late;
typedef struct Watch Watch;

struct Watch {
	Process *git; /* owned */
	int end_fd;   /* owned; can be read when it has ended */
};

struct Late {
	Node *node;      /* owned */
	Former *former;  /* owned */
	Process *writer; /* owned */
	Process *git;    /* owned: whose end is waited for */
	FileId id;       /* of what is under the name until then, as the next two */
	off_t size;      /* bytes */
	struct timespec mtime;
};

struct Lates {
	GHashTable *nodes;  /* Node -> Late, owned */
	GPtrArray *watches; /* owned */
};

static void watch_free(gpointer data)
{
	Watch *watch = data;

	step_process_unref(watch->git);
	fd_clear(&watch->end_fd);
	g_free(watch);
}

static bool watch_has_ended(const Watch *watch)
{
	struct pollfd end = {.fd = watch->end_fd, .events = POLLIN};

	return poll(&end, 1, 0) != 0;
}

static Watch *late_watch(const Lates *lates, const Process *git)
{
	for (unsigned i = 0; i < lates->watches->len; i++) {
		Watch *watch = lates->watches->pdata[i];

		if (step_process_equal(watch->git, git))
			return watch;
	}
	return NULL;
}

Lates *lates_new(void)
{
	Lates *lates = g_new0(Lates, 1);

	lates->nodes = g_hash_table_new(NULL, NULL);
	lates->watches = g_ptr_array_new_with_free_func(watch_free);
	return lates;
}

static void late_free(Fs *fs, Late *late)
{
	former_unref(late->former);
	step_process_unref(late->writer);
	step_process_unref(late->git);
	node_unref(fs, late->node);
	g_free(late);
}

/* Whether it may come back, of what is exposed now; and what that is. */
static bool late_holds(Fs *fs, const Late *late, struct stat *ret_st)
{
	Node *node = late->node;
	FileId id;

	if (!node->linked || !former_may_return(late->former, late->writer) ||
		!former_is_of(fs, late->former, node->parent, node->name) ||
		node_stat(fs, node, ret_st) < 0)
		return false;
	id = file_id(ret_st);
	return file_id_equal(&id, &late->id) && ret_st->st_size == late->size &&
	       time_equal(&ret_st->st_mtim, &late->mtime) && kept_n_links(fs, ret_st) == 1;
}

/* The file itself, with the owner, mode and attributes that are there now. */
static int late_put_back(Fs *fs, const Late *late)
{
	autofd now_fd = -1, former_fd = -1;
	int dir_fd, r;

	if (!former_is_whole(fs, late->former))
		return -EMLINK;
	r = former_open(fs, late->former, &former_fd);
	if (r == 0)
		r = node_parent_fd(fs, late->node, &dir_fd);
	if (r == 0)
		r = backing_open_read(dir_fd, late->node->name, &now_fd);
	if (r == 0)
		r = backing_assume(now_fd, former_fd);
	return r < 0 ? r : former_put_back(fs, late->former, dir_fd);
}

static void late_restore(Fs *fs, const Late *late)
{
	Node *node = late->node;
	struct stat st;
	int dir_fd, r;

	if (node->stage || !late_holds(fs, late, &st))
		return;
	r = late_put_back(fs, late);
	if (r < 0 && node_parent_fd(fs, node, &dir_fd) == 0)
		r = former_restore_mtime(fs, late->former, dir_fd);
	if (r < 0)
		return;
	/* It gets another id with its next lookup. */
	node_supersede(fs, node);
	if (node_stat(fs, node, &st) == 0)
		held_note(fs, &st);
}

/* Takes it out of the books, to free. */
static Late *late_take(Lates *lates, const Node *node)
{
	gpointer late = NULL;

	g_hash_table_steal_extended(lates->nodes, node, NULL, &late);
	return late;
}

/* All that waited for this git comes back. NULL: for any. */
static void late_restore_all(Fs *fs, const Process *git)
{
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	GHashTableIter iter;
	gpointer late;

	g_hash_table_iter_init(&iter, fs->lates->nodes);
	while (g_hash_table_iter_next(&iter, NULL, &late)) {
		if (git && !step_process_equal(((Late *)late)->git, git))
			continue;
		g_hash_table_iter_steal(&iter);
		g_ptr_array_add(due, late);
	}
	for (unsigned i = 0; i < due->len; i++) {
		late_restore(fs, due->pdata[i]);
		late_free(fs, due->pdata[i]);
	}
}

Lates *lates_free(Fs *fs)
{
	Lates *lates = fs->lates;

	if (!lates)
		return NULL;
	late_restore_all(fs, NULL);
	g_hash_table_unref(lates->nodes);
	g_ptr_array_unref(lates->watches);
	g_free(lates);
	return NULL;
}

/* Ends the watches on those that have ended. */
static void late_clear(Fs *fs)
{
	GPtrArray *watches = fs->lates->watches;

	for (unsigned i = watches->len; i > 0; i--) {
		Watch *watch = watches->pdata[i - 1];

		if (!watch_has_ended(watch))
			continue;
		late_restore_all(fs, watch->git);
		g_ptr_array_remove_index(watches, i - 1);
	}
}

void late_note_writer(const Node *node, Process *process)
{
	if (!step_is_free_git(process))
		return;
	/* What it looks at to bring its index up to date goes there. */
	if (strcmp(node->name, "index.lock") != 0)
		for (; node; node = node->parent)
			if (g_str_has_suffix(node->name, ".git"))
				return;
	step_note_change(process);
}

bool late_is_needed(Fs *fs, Process *writer)
{
	Lates *lates = fs->lates;
	Process *git = step_git(writer);
	Watch *watch = late_watch(lates, git);
	autofd end_fd = -1;

	if (!git)
		return false;
	if (watch)
		return !watch_has_ended(watch);
	late_clear(fs);
	/* If it cannot be watched, its files keep the mtime they have. */
	if (lates->watches->len < LATE_WATCHES_MAX && step_open_end(git, &end_fd) == -ESRCH)
		return false;
	if (end_fd >= 0) {
		watch = g_new0(Watch, 1);
		watch->git = step_process_ref(git);
		watch->end_fd = fd_steal(&end_fd);
		g_ptr_array_add(lates->watches, watch);
	}
	return true;
}

void late_note(Fs *fs, Node *node, Former *former, Process *writer)
{
	Process *git = step_git(writer);
	struct stat st;
	Late *late;

	late_give_way(fs, node);
	if (!late_watch(fs->lates, git) || node_stat(fs, node, &st) < 0)
		return;
	late = g_new0(Late, 1);
	late->node = node_ref(node);
	late->former = former_ref(former);
	late->writer = step_process_ref(writer);
	late->git = step_process_ref(git);
	late->id = file_id(&st);
	late->size = st.st_size;
	late->mtime = st.st_mtim;
	g_hash_table_insert(fs->lates->nodes, node, late);
}

void late_settle(Fs *fs, Node *dir, const char *name)
{
	Lates *lates = fs->lates;
	const Watch *watch;
	Node *node;
	Late *late;

	if (g_hash_table_size(lates->nodes) == 0)
		return;
	node = node_find(fs, dir, name);
	late = node ? g_hash_table_lookup(lates->nodes, node) : NULL;
	watch = late ? late_watch(lates, late->git) : NULL;
	/* What is being written shows what it does then. */
	if (!watch || node->stage || !watch_has_ended(watch))
		return;
	late = late_take(lates, node);
	late_restore(fs, late);
	late_free(fs, late);
}

bool late_waits(const Fs *fs, const Node *node)
{
	return g_hash_table_contains(fs->lates->nodes, node);
}

bool late_give_way(Fs *fs, Node *node)
{
	Late *late = late_take(fs->lates, node);
	struct stat st;
	bool holds;

	if (!late)
		return false;
	holds = late_holds(fs, late, &st);
	late_free(fs, late);
	return holds;
}
