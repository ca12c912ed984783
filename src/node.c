/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ownership: children, versions, stages, pins and the memory of told ctimes own a reference to
 * their node; the table of names owns none, and a node leaves it when the last reference goes. A
 * node's parent is owned, so that a path can always be walked up.
 *
 * Directories are reached by their path from the root, each time anew: a descriptor that is kept
 * would lead out of the tree when somebody moves the directory out, and to the wrong place when he
 * moves it elsewhere. What is found must be the directory that it was: the kernel has checked
 * permissions on that one. */

#include "node.h"

#include <errno.h>
#include <string.h>

#include "backing.h"
#include "beneath.h"
#include "former.h"
#include "fs.h"
#include "offer.h"
#include "stage.h"
#include "util.h"

#define NODE_TOLD_MAX 65536
#define NODE_KEPT_MAX 4096
/* So long after it a process may set times that belong to its unchanged session. */
#define NODE_KEPT_US (1000 * 1000)

static Node *node_new(Fs *fs, Node *parent, const char *name)
{
	const size_t size = strlen(name) + 1;
	Node *node = g_malloc0(sizeof(Node) + size);

	node->n_refs = 1;
	node->parent = parent ? node_ref(parent) : NULL;
	node->name = memcpy(node->first_name, name, size);
	node->linked = true;
	fs->n_nodes++;
	return node;
}

const NodeMore *node_more(const Node *node)
{
	static const NodeMore nothing;

	return node->more ? node->more : &nothing;
}

NodeMore *node_set_more(Node *node)
{
	if (!node->more)
		node->more = g_new0(NodeMore, 1);
	return node->more;
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

unsigned node_name_hash(const Node *node)
{
	return g_direct_hash(node->parent) * 31 + g_str_hash(node->name);
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

bool node_is_still(const Node *node, const struct stat *st)
{
	FileId id = file_id(st);

	return !node_more(node)->is_dir || file_id_equal(&node->more->dir, &id);
}

static void node_note_dir(Node *node, const struct stat *st)
{
	if (S_ISDIR(st->st_mode)) {
		node_set_more(node)->is_dir = true;
		node->more->dir = file_id(st);
	} else if (node->more) {
		node->more->is_dir = false;
	}
}

Node *node_get_as(Fs *fs, Node *parent, const char *name, const struct stat *st)
{
	Node *node = node_find(fs, parent, name);

	if (node && !node_is_still(node, st)) {
		former_forget(fs, parent, name, true);
		node_unlink(fs, node);
	}
	node = node_get(fs, parent, name);
	node_note_dir(node, st);
	return node;
}

Node *node_new_nameless(Fs *fs, Node *dir)
{
	Node *node = node_new(fs, dir, "");

	node->linked = false;
	return node;
}

Node *node_ref(Node *node)
{
	node->n_refs++;
	return node;
}

static void node_free(Node *node)
{
	node_forget_kept(node);
	g_free(node->more);
	if (node->name != node->first_name)
		g_free(node->name);
	g_free(node);
}

Node *node_unref(Fs *fs, Node *node)
{
	while (node && --node->n_refs == 0) {
		Node *parent = node->parent;

		if (node->linked && parent)
			g_hash_table_remove(fs->names, node);
		fs->n_nodes--;
		node_free(node);
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

/* What was told is of no use any more. */
static void node_forget_ctime(Fs *fs, Node *node)
{
	if (!node_more(node)->told_ino)
		return;
	node->more->told_ino = 0;
	g_queue_unlink(&fs->told, &node->more->told_link);
	node_unref(fs, node);
}

void node_unlink(Fs *fs, Node *node)
{
	node_ref(node);
	node_detach(fs, node);
	node_forget_ctime(fs, node);
	offer_forget(fs, node);
	node->shadow = false;
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
	if (node->name != node->first_name)
		g_free(node->name);
	node->name = g_strdup(name);
	node->linked = true;
	g_hash_table_add(fs->names, node);
	if (!node_in_backing(node))
		parent->n_hidden++;
	node_unref(fs, old);
}

/* Whether the names of a directory and of all above it lead there. */
static bool node_is_there(const Fs *fs, const Node *dir)
{
	for (; dir != fs->root; dir = dir->parent)
		if (!dir->linked || dir->special)
			return false;
	return true;
}

int node_dir_fd(Fs *fs, Node *dir, int *ret_fd)
{
	g_autofree char *path = NULL;
	struct stat st;
	int r;

	if (dir == fs->root) {
		*ret_fd = fs->root_fd;
		return 0;
	}
	if (!node_is_there(fs, dir))
		return -ENOENT;
	path = node_path(dir);
	fd_clear(&fs->dir_fd);
	r = beneath_open_dir(fs->root_fd, path, fs->walks_at_once, &fs->dir_fd);
	if (r < 0)
		return r;
	if (fstat(fs->dir_fd, &st) < 0)
		return -errno;
	if (!node_is_still(dir, &st))
		return -ESTALE;
	node_note_dir(dir, &st);
	*ret_fd = fs->dir_fd;
	return 0;
}

int node_parent_fd(Fs *fs, Node *node, int *ret_fd)
{
	if (!node->linked || !node->parent)
		return -ENOENT;
	return node_dir_fd(fs, node->parent, ret_fd);
}

char *node_path(const Node *node)
{
	size_t length = 0;
	char *path;

	for (const Node *n = node; n->parent; n = n->parent)
		length += strlen(n->name) + 1;
	path = g_malloc(MAX(length, 1));
	path[length ? length - 1 : 0] = 0;
	for (const Node *n = node; n->parent; n = n->parent) {
		size_t size = strlen(n->name);

		length -= size + 1;
		memcpy(path + length, n->name, size);
		if (length > 0)
			path[length - 1] = '/';
	}
	return path;
}

char *node_absolute_path(const Fs *fs, const Node *node)
{
	g_autofree char *path = node_path(node);

	return g_build_filename(fs->dir, *path ? path : NULL, NULL);
}

int node_stat(Fs *fs, Node *node, struct stat *ret_stat)
{
	int dir_fd, r;

	r = node_parent_fd(fs, node, &dir_fd);
	return r < 0 ? r : backing_stat(dir_fd, node->name, ret_stat);
}

void node_tell(const Node *node, struct stat *st)
{
	const NodeMore *more = node_more(node);

	if (more->told_ino && more->told_ino == st->st_ino &&
		time_equal(&more->real_ctime, &st->st_ctim))
		st->st_ctim = more->told_ctime;
}

void node_remember_ctime(Fs *fs, Node *node, const struct stat *st, const struct timespec *told)
{
	NodeMore *more;

	if (!node->linked)
		return;
	more = node_set_more(node);
	if (!more->told_ino) {
		more->told_link = (GList){.data = node_ref(node)};
		g_queue_push_tail_link(&fs->told, &more->told_link);
		if (fs->told.length > NODE_TOLD_MAX)
			node_forget_ctime(fs, g_queue_peek_head(&fs->told));
	}
	more->told_ino = st->st_ino;
	more->real_ctime = st->st_ctim;
	more->told_ctime = *told;
}

void node_forget_kept(Node *node)
{
	if (node->more)
		node->more->kept_by = step_process_unref(node->more->kept_by);
}

void node_expire_kept(Fs *fs, int64_t now)
{
	const Node *oldest;

	while ((oldest = g_queue_peek_head(&fs->kept)) && node_more(oldest)->kept_until < now)
		node_unref(fs, g_queue_pop_head(&fs->kept));
}

void node_remember_kept(Fs *fs, Node *node, Process *by, const struct timespec *began)
{
	int64_t now = g_get_monotonic_time();
	NodeMore *more = node_set_more(node);

	step_process_unref(more->kept_by);
	more->kept_by = by ? step_process_ref(by) : NULL;
	more->kept_began = *began;
	more->kept_until = now + NODE_KEPT_US;
	g_queue_push_tail(&fs->kept, node_ref(node));
	if (fs->kept.length > NODE_KEPT_MAX)
		node_unref(fs, g_queue_pop_head(&fs->kept));
	node_expire_kept(fs, now);
}

void node_supersede(Fs *fs, Node *node)
{
	if (node->exposed)
		version_supersede(fs, node->exposed);
}

Version *node_expose(Fs *fs, Node *node, const struct stat *st)
{
	if (node->exposed && version_matches(node->exposed, st))
		return node->exposed;
	node_supersede(fs, node);
	node->exposed = version_new(fs, node, VERSION_EXPOSED);
	version_identify(node->exposed, st);
	return node->exposed;
}
