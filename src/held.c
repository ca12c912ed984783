/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of files by device and inode number, each with the mtime that it is about: a file that
 * has been written or dated since has another one, and its entry says nothing. Whoever
 * takes the last name of a file away has it forgotten, for some file systems give no number twice.
 * The table is bounded. When it is full it is emptied, and from then on everything that is older
 * than that moment counts as held back and as arrived: a needless rebuild at most. */

#include "held.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "backing.h"
#include "kept.h"
#include "util.h"
#include "walk.h"

typedef struct Entry Entry;

struct Entry {
	FileId id;
	struct timespec mtime;
	bool back;    /* held back */
	bool arrived; /* has got its name with a time of its own */
};

struct Held {
	GHashTable *entries; /* FileId -> Entry, owned */
	unsigned n_max;
	struct timespec began;  /* CLOCK_REALTIME_COARSE */
	struct timespec forgot; /* what is older may have been forgotten; 0: nothing has */
};

Held *held_new(unsigned n_max)
{
	Held *held = g_new0(Held, 1);

	held->entries = g_hash_table_new_full(file_id_hash, file_id_equal, NULL, g_free);
	held->n_max = n_max;
	clock_gettime(CLOCK_REALTIME_COARSE, &held->began);
	return held;
}

Held *held_free(Held *held)
{
	if (!held)
		return NULL;
	g_hash_table_unref(held->entries);
	g_free(held);
	return NULL;
}

static Entry *held_find(const Held *held, const struct stat *st)
{
	FileId id = file_id(st);
	Entry *entry = g_hash_table_lookup(held->entries, &id);

	return entry && time_equal(&entry->mtime, &st->st_mtim) ? entry : NULL;
}

/* Whether nothing is known of the file because all of its age has been forgotten. */
static bool held_is_unsure(const Held *held, const struct stat *st)
{
	return time_before(&st->st_mtim, &held->forgot);
}

static void held_forget_all(Held *held)
{
	g_hash_table_remove_all(held->entries);
	clock_gettime(CLOCK_REALTIME, &held->forgot);
}

/* The file's entry, a fresh one if it has changed since. */
static Entry *held_get(Held *held, const struct stat *st)
{
	Entry *entry = held_find(held, st);

	if (entry)
		return entry;
	if (g_hash_table_size(held->entries) >= held->n_max)
		held_forget_all(held);
	entry = g_new0(Entry, 1);
	entry->id = file_id(st);
	entry->mtime = st->st_mtim;
	g_hash_table_replace(held->entries, &entry->id, entry);
	return entry;
}

static bool held_is_countable(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
}

void held_note(Fs *fs, const struct stat *st)
{
	if (held_is_countable(st))
		held_get(fs->held, st)->back = true;
}

bool held_has(const Fs *fs, const struct stat *st)
{
	const Entry *entry = held_find(fs->held, st);

	return held_is_countable(st) && ((entry && entry->back) || held_is_unsure(fs->held, st));
}

void held_forget(Fs *fs, const struct stat *st)
{
	FileId id = file_id(st);

	g_hash_table_remove(fs->held->entries, &id);
}

unsigned held_count(const Fs *fs)
{
	return g_hash_table_size(fs->held->entries);
}

void held_note_arrival(Fs *fs, const struct stat *st, const struct stat *replaced)
{
	const struct timespec before = replaced ? audit_mtime(fs, replaced) : (struct timespec){};
	bool is_old = time_before(&st->st_mtim, &fs->held->began) ||
		      (replaced && !time_before(&before, &st->st_mtim));

	/* A temporary file that has just been written is newer than what it replaces. */
	if (S_ISREG(st->st_mode) && is_old)
		held_get(fs->held, st)->arrived = true;
}

bool held_has_arrived(const Fs *fs, const struct stat *st)
{
	const Entry *entry = held_find(fs->held, st);

	return (entry && entry->arrived) || held_is_unsure(fs->held, st);
}

bool held_stamp(Fs *fs, int dir_fd, const char *name, Node *node)
{
	struct stat st;

	if (backing_stat(dir_fd, name, &st) < 0)
		return false;
	if (fs->audit)
		return audit_forget(fs, &st);
	if (!held_has(fs, &st))
		return false;
	(void)!kept_stamp(fs, dir_fd, name, NULL);
	if (node)
		node_supersede(fs, node);
	return true;
}

typedef struct Below Below;

struct Below {
	Fs *fs;
	GPtrArray *nodes; /* Node, owned: of files that were stamped */
	GPtrArray *seen;  /* Node, owned: of all that was seen, so that none goes on the way */
};

/* An entry below a directory that has got another name. Nobody knows what was there before. token:
 * the node of its directory, or NULL. */
static bool held_move(
	int dir_fd, const char *name, bool is_dir, void *token, void **ret_token, void *data)
{
	Below *below = data;
	Node *node = token ? node_find(below->fs, token, name) : NULL;
	struct stat st;

	if (backing_is_hidden(name))
		return false;
	if (node)
		g_ptr_array_add(below->seen, node_ref(node));
	*ret_token = node;
	if (is_dir)
		return true;
	if (held_stamp(below->fs, dir_fd, name, node)) {
		if (node)
			g_ptr_array_add(below->nodes, node_ref(node));
	} else if (backing_stat(dir_fd, name, &st) == 0 && S_ISREG(st.st_mode)) {
		held_get(below->fs->held, &st)->arrived = true;
	}
	return false;
}

GPtrArray *held_move_below(Fs *fs, Node *dir)
{
	Below below = {.fs = fs, .nodes = g_ptr_array_new(), .seen = g_ptr_array_new()};
	int dir_fd, list_fd = -1, r;

	r = node_dir_fd(fs, dir, &dir_fd);
	if (r == 0)
		r = backing_open_list(dir_fd, &list_fd);
	if (r == 0)
		r = walk_tree(list_fd, dir, held_move, &below);
	/* What has not been seen may be anything. */
	if (r < 0)
		held_forget_all(fs->held);
	held_free_nodes(fs, below.seen);
	return below.nodes;
}

void held_free_nodes(Fs *fs, GPtrArray *nodes)
{
	for (unsigned i = 0; i < nodes->len; i++)
		node_unref(fs, nodes->pdata[i]);
	g_ptr_array_unref(nodes);
}
