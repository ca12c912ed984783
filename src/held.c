/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of inode numbers, each with the mtime that it is about: a file that has been written or
 * dated since has another one, and its entry says nothing. The table is bounded. When it is full,
 * everything that is older than the mount counts as held back: a needless rebuild at most. */

#include "held.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backing.h"
#include "kept.h"
#include "util.h"

#define HELD_MAX (1 << 20)
#define HELD_DEPTH_MAX 256

typedef struct Entry Entry;

struct Entry {
	ino_t ino;
	struct timespec mtime;
	bool back;    /* held back */
	bool arrived; /* has got its name with a time of its own */
};

struct Held {
	GHashTable *entries; /* ino -> Entry, owned */
	bool full;           /* some are not known */
	struct timespec began;
};

Held *held_new(void)
{
	Held *held = g_new0(Held, 1);

	held->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
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
	int64_t ino = (int64_t)st->st_ino;
	Entry *entry = g_hash_table_lookup(held->entries, &ino);

	return entry && time_equal(&entry->mtime, &st->st_mtim) ? entry : NULL;
}

/* The file's entry, a fresh one if it has changed since; NULL if there is no room. */
static Entry *held_get(Held *held, const struct stat *st)
{
	Entry *entry = held_find(held, st);

	if (entry)
		return entry;
	if (g_hash_table_size(held->entries) >= HELD_MAX) {
		held->full = true;
		return NULL;
	}
	entry = g_new0(Entry, 1);
	entry->ino = st->st_ino;
	entry->mtime = st->st_mtim;
	g_hash_table_replace(held->entries, &entry->ino, entry);
	return entry;
}

static bool held_is_countable(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
}

void held_note(Fs *fs, const struct stat *st)
{
	Entry *entry = held_is_countable(st) ? held_get(fs->held, st) : NULL;

	if (entry)
		entry->back = true;
}

bool held_has(const Fs *fs, const struct stat *st)
{
	const Entry *entry = held_find(fs->held, st);

	if (!held_is_countable(st))
		return false;
	return (entry && entry->back) ||
	       (fs->held->full && time_before(&st->st_mtim, &fs->held->began));
}

void held_forget(Fs *fs, const struct stat *st)
{
	int64_t ino = (int64_t)st->st_ino;

	g_hash_table_remove(fs->held->entries, &ino);
}

void held_note_arrival(Fs *fs, const struct stat *st, const struct stat *replaced)
{
	Entry *entry;

	/* A temporary file that has just been written is newer than what anybody has seen. */
	if (!S_ISREG(st->st_mode) ||
		(!time_before(&st->st_mtim, &fs->held->began) &&
			!(replaced && !time_before(&replaced->st_mtim, &st->st_mtim))))
		return;
	entry = held_get(fs->held, st);
	if (entry)
		entry->arrived = true;
}

bool held_has_arrived(const Fs *fs, const struct stat *st)
{
	const Entry *entry = held_find(fs->held, st);

	return (entry && entry->arrived) ||
	       (fs->held->full && time_before(&st->st_mtim, &fs->held->began));
}

bool held_stamp(Fs *fs, int dir_fd, const char *name, Node *node)
{
	struct stat st;

	if (backing_stat(dir_fd, name, &st) < 0 || !held_has(fs, &st))
		return false;
	(void)!backing_stamp_name(dir_fd, name);
	if (backing_stat(dir_fd, name, &st) == 0)
		kept_note_mtime(fs, &st);
	if (node && node->exposed)
		version_supersede(fs, node->exposed);
	return true;
}

static void held_stamp_in(Fs *fs, int fd, Node *dir, GPtrArray *nodes, unsigned depth)
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

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			backing_is_hidden(entry->d_name))
			continue;
		if (held_stamp(fs, dirfd(stream), entry->d_name, node)) {
			if (node)
				g_ptr_array_add(nodes, node_ref(node));
		} else if (depth < HELD_DEPTH_MAX &&
			   backing_open_dir(dirfd(stream), entry->d_name, &child_fd) == 0) {
			int list_fd = -1;

			if (backing_open_list(child_fd, &list_fd) == 0)
				held_stamp_in(fs, list_fd, node, nodes, depth + 1);
		}
	}
	closedir(stream);
}

GPtrArray *held_stamp_below(Fs *fs, Node *dir)
{
	GPtrArray *nodes = g_ptr_array_new();
	int dir_fd, list_fd = -1;

	if (g_hash_table_size(fs->held->entries) == 0 || node_dir_fd(fs, dir, &dir_fd) < 0 ||
		backing_open_list(dir_fd, &list_fd) < 0)
		return nodes;
	held_stamp_in(fs, list_fd, dir, nodes, 0);
	return nodes;
}

void held_free_nodes(Fs *fs, GPtrArray *nodes)
{
	for (unsigned i = 0; i < nodes->len; i++)
		node_unref(fs, nodes->pdata[i]);
	g_ptr_array_unref(nodes);
}
