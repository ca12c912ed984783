/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ownership: children, versions, stages, pins and the memory of told ctimes own a reference to
 * their node; the table of names owns none, and a node leaves it when the last reference goes. A
 * node's parent is owned, so that a path can always be walked up.
 *
 * Directories are reached by descriptors that are opened from the nearest ancestor that has one, a
 * name at a time, and closed again when too many are open: none is promised beyond the next call.
 */

#include "node.h"

#include <errno.h>
#include <string.h>

#include "backing.h"
#include "fs.h"
#include "stage.h"
#include "util.h"

#define NODE_TOLD_MAX 65536
#define NODE_KEPT_MAX 4096
/* So long after it a process may set times that belong to its unchanged session. */
#define NODE_KEPT_US (1000 * 1000)

static Node *node_new(Fs *fs, Node *parent, const char *name)
{
	Node *node = g_new0(Node, 1);

	node->n_refs = 1;
	node->parent = parent ? node_ref(parent) : NULL;
	node->name = g_strdup(name);
	node->dir_fd = -1;
	node->linked = true;
	fs->n_nodes++;
	return node;
}

Node *node_new_root(Fs *fs)
{
	return node_new(fs, NULL, "");
}

Node *node_find(Fs *fs, Node *parent, const char *name)
{
	Node key = {.parent = parent, .name = (char *)name};

	return g_hash_table_lookup(fs->names, &key);
}

Node *node_get(Fs *fs, Node *parent, const char *name)
{
	Node *node = node_find(fs, parent, name);

	if (node)
		return node_ref(node);
	node = node_new(fs, parent, name);
	g_hash_table_add(fs->names, node);
	return node;
}

Node *node_ref(Node *node)
{
	node->n_refs++;
	return node;
}

static void node_close_dir(Fs *fs, Node *node)
{
	if (node->dir_fd < 0)
		return;
	fd_clear(&node->dir_fd);
	g_queue_remove(&fs->dirs, node);
}

Node *node_unref(Fs *fs, Node *node)
{
	while (node && --node->n_refs == 0) {
		Node *parent = node->parent;

		if (node->linked && parent)
			g_hash_table_remove(fs->names, node);
		node_close_dir(fs, node);
		fs->n_nodes--;
		step_process_unref(node->kept_by);
		g_free(node->name);
		g_free(node);
		node = parent;
	}
	return NULL;
}

bool node_in_backing(const Node *node)
{
	return !(node->stage && stage_is_new(node->stage));
}

/* Takes the node out of the table; the counts of its directory follow. */
static void node_detach(Fs *fs, Node *node)
{
	if (!node->linked)
		return;
	g_hash_table_remove(fs->names, node);
	if (!node_in_backing(node))
		node->parent->n_hidden--;
	node->linked = false;
}

void node_unlink(Fs *fs, Node *node)
{
	node_ref(node);
	node_detach(fs, node);
	node->shadow = false;
	node_close_dir(fs, node);
	if (node->stage)
		stage_out_of_sight(fs, node->stage);
	node->exposed = NULL;
	node_unref(fs, node);
}

void node_move(Fs *fs, Node *node, Node *parent, const char *name)
{
	Node *old = node->parent;

	node_detach(fs, node);
	node->parent = node_ref(parent);
	g_free(node->name);
	node->name = g_strdup(name);
	node->linked = true;
	g_hash_table_add(fs->names, node);
	if (!node_in_backing(node))
		parent->n_hidden++;
	node_unref(fs, old);
}

static int node_cache_dir(Fs *fs, Node *dir, int fd)
{
	while (fs->dirs.length >= fs->n_dirs_max)
		node_close_dir(fs, g_queue_peek_tail(&fs->dirs));
	dir->dir_fd = fd;
	g_queue_push_head(&fs->dirs, dir);
	return fd;
}

int node_dir_fd(Fs *fs, Node *dir, int *ret_fd)
{
	g_autoptr(GPtrArray) missing = g_ptr_array_new();
	int fd, r;

	for (; dir != fs->root && dir->dir_fd < 0; dir = dir->parent) {
		if (!dir->linked || dir->special)
			return -ENOENT;
		g_ptr_array_add(missing, dir);
	}
	if (dir != fs->root) {
		g_queue_remove(&fs->dirs, dir);
		g_queue_push_head(&fs->dirs, dir);
	}
	fd = dir == fs->root ? fs->root_fd : dir->dir_fd;
	for (unsigned i = missing->len; i > 0; i--) {
		Node *next = missing->pdata[i - 1];

		r = backing_open_dir(fd, next->name, &fd);
		if (r < 0)
			return r;
		node_cache_dir(fs, next, fd);
	}
	*ret_fd = fd;
	return 0;
}

void node_forget_dirs(Fs *fs, Node *node)
{
	for (Node *dir = node->parent; dir; dir = dir->parent)
		node_close_dir(fs, dir);
}

int node_parent_fd(Fs *fs, Node *node, int *ret_fd)
{
	if (!node->linked || !node->parent)
		return -ENOENT;
	return node_dir_fd(fs, node->parent, ret_fd);
}

char *node_path(const Node *node)
{
	GString *path = g_string_new(node->name);

	for (const Node *dir = node->parent; dir && dir->parent; dir = dir->parent) {
		g_string_prepend_c(path, '/');
		g_string_prepend(path, dir->name);
	}
	return g_string_free(path, FALSE);
}

int node_stat(Fs *fs, Node *node, struct stat *ret_stat)
{
	int dir_fd, r;

	r = node_parent_fd(fs, node, &dir_fd);
	return r < 0 ? r : backing_stat(dir_fd, node->name, ret_stat);
}

void node_tell(const Node *node, struct stat *st)
{
	if (node->told_ino && node->told_ino == st->st_ino &&
		time_equal(&node->real_ctime, &st->st_ctim))
		st->st_ctim = node->told_ctime;
}

void node_remember_ctime(Fs *fs, Node *node, const struct stat *st, const struct timespec *told)
{
	if (!node->told_ino) {
		g_queue_push_tail(&fs->told, node_ref(node));
		if (fs->told.length > NODE_TOLD_MAX) {
			Node *oldest = g_queue_pop_head(&fs->told);

			oldest->told_ino = 0;
			node_unref(fs, oldest);
		}
	}
	node->told_ino = st->st_ino;
	node->real_ctime = st->st_ctim;
	node->told_ctime = *told;
}

void node_remember_kept(Fs *fs, Node *node, Process *by, const struct timespec *began)
{
	int64_t now = g_get_monotonic_time();

	step_process_unref(node->kept_by);
	node->kept_by = by ? step_process_ref(by) : NULL;
	node->kept_began = *began;
	node->kept_until = now + NODE_KEPT_US;
	g_queue_push_tail(&fs->kept, node_ref(node));
	while (fs->kept.length > NODE_KEPT_MAX ||
		((Node *)g_queue_peek_head(&fs->kept))->kept_until < now)
		node_unref(fs, g_queue_pop_head(&fs->kept));
}

Version *node_expose(Fs *fs, Node *node, const struct stat *st)
{
	if (node->exposed && version_matches(node->exposed, st))
		return node->exposed;
	if (node->exposed)
		version_supersede(fs, node->exposed);
	node->exposed = version_new(fs, node, VERSION_EXPOSED);
	version_identify(node->exposed, st);
	return node->exposed;
}
