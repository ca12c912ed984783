/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nobody tells when a file gets a new mtime, another name, or is removed, in the mount or behind
 * it: so whoever wants to know has each of them looked at, and what has changed is forgotten then.
 */

#include "outdated.h"

#include <sys/stat.h>

#include "audit.h"
#include "util.h"

#define OUTDATED_MAX 16384

struct Outdated {
	GHashTable *nodes; /* Node, owned -> struct timespec, owned: the newest that was read */
};

Outdated *outdated_new(void)
{
	Outdated *outdated = g_new0(Outdated, 1);

	outdated->nodes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return outdated;
}

Outdated *outdated_free(Fs *fs)
{
	GHashTableIter iter;
	gpointer node;

	if (!fs->outdated)
		return NULL;
	g_hash_table_iter_init(&iter, fs->outdated->nodes);
	while (g_hash_table_iter_next(&iter, &node, NULL))
		node_unref(fs, node);
	g_hash_table_unref(fs->outdated->nodes);
	g_free(fs->outdated);
	return NULL;
}

void outdated_note(Fs *fs, Node *node, const struct timespec *newest)
{
	GHashTable *nodes = fs->outdated->nodes;
	struct timespec *known = g_hash_table_lookup(nodes, node);

	if (known) {
		*known = *newest;
		return;
	}
	if (g_hash_table_size(nodes) >= OUTDATED_MAX)
		return;
	g_hash_table_insert(nodes, node_ref(node), g_memdup2(newest, sizeof(*newest)));
}

unsigned outdated_count(Fs *fs)
{
	GHashTableIter iter;
	gpointer node, newest;
	struct stat st;

	g_hash_table_iter_init(&iter, fs->outdated->nodes);
	while (g_hash_table_iter_next(&iter, &node, &newest)) {
		if (((Node *)node)->linked && node_stat(fs, node, &st) == 0) {
			const struct timespec mtime = audit_mtime(fs, &st);

			if (time_before(&mtime, newest))
				continue;
		}
		g_hash_table_iter_remove(&iter);
		node_unref(fs, node);
	}
	return g_hash_table_size(fs->outdated->nodes);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

GPtrArray *outdated_names(Fs *fs, unsigned n_max)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer node;

	g_hash_table_iter_init(&iter, fs->outdated->nodes);
	while (g_hash_table_iter_next(&iter, &node, NULL))
		g_ptr_array_add(names, node_path(node));
	g_ptr_array_sort(names, compare_names);
	if (names->len > n_max)
		g_ptr_array_set_size(names, (gint)n_max);
	return names;
}
