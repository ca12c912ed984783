/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of files by device and inode number, each with the mtime that it is about: a file that
 * has been written or dated since has another one, and its entry says nothing. The table is
 * bounded. When it is full it is emptied, and from then on everything that is older than that
 * moment counts as held back and as arrived: a needless rebuild at most. */

#include "held.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backing.h"
#include "kept.h"
#include "util.h"

#define HELD_DEPTH_MAX 256

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

/* The file's entry, a fresh one if it has changed since. */
static Entry *held_get(Held *held, const struct stat *st)
{
	Entry *entry = held_find(held, st);

	if (entry)
		return entry;
	if (g_hash_table_size(held->entries) >= held->n_max) {
		g_hash_table_remove_all(held->entries);
		clock_gettime(CLOCK_REALTIME, &held->forgot);
	}
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

void held_note_arrival(Fs *fs, const struct stat *st, const struct stat *replaced)
{
	bool is_old = time_before(&st->st_mtim, &fs->held->began) ||
		      (replaced && !time_before(&replaced->st_mtim, &st->st_mtim));

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

	if (backing_stat(dir_fd, name, &st) < 0 || !held_has(fs, &st))
		return false;
	(void)!kept_stamp(fs, dir_fd, name);
	if (node && node->exposed)
		version_supersede(fs, node->exposed);
	return true;
}

/* A file below a directory that has got another name. Nobody knows what was there before. */
static void held_move(Fs *fs, int dir_fd, const char *name, Node *node, GPtrArray *nodes)
{
	struct stat st;

	if (held_stamp(fs, dir_fd, name, node)) {
		if (node)
			g_ptr_array_add(nodes, node_ref(node));
	} else if (backing_stat(dir_fd, name, &st) == 0 && S_ISREG(st.st_mode)) {
		held_get(fs->held, &st)->arrived = true;
	}
}

static void held_move_in(Fs *fs, int fd, Node *dir, GPtrArray *nodes, unsigned depth)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		close(fd);
		return;
	}
	while ((entry = readdir(stream))) {
		Node *node = dir ? node_find(fs, dir, entry->d_name) : NULL;
		autofd child_fd = -1;
		int list_fd = -1;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			backing_is_hidden(entry->d_name))
			continue;
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			held_move(fs, dirfd(stream), entry->d_name, node, nodes);
		else if (backing_open_dir(dirfd(stream), entry->d_name, &child_fd) < 0)
			held_move(fs, dirfd(stream), entry->d_name, node, nodes);
		else if (depth < HELD_DEPTH_MAX && backing_open_list(child_fd, &list_fd) == 0)
			held_move_in(fs, list_fd, node, nodes, depth + 1);
	}
	closedir(stream);
}

GPtrArray *held_move_below(Fs *fs, Node *dir)
{
	GPtrArray *nodes = g_ptr_array_new();
	int dir_fd, list_fd = -1;

	if (node_dir_fd(fs, dir, &dir_fd) == 0 && backing_open_list(dir_fd, &list_fd) == 0)
		held_move_in(fs, list_fd, dir, nodes, 0);
	return nodes;
}

void held_free_nodes(Fs *fs, GPtrArray *nodes)
{
	for (unsigned i = 0; i < nodes->len; i++)
		node_unref(fs, nodes->pdata[i]);
	g_ptr_array_unref(nodes);
}
