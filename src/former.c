/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tree of names beside the tree of nodes: only of names that have former versions, or that lead
 * to such names. A node is a file or a directory, and goes when that goes; a name here is a path.
 *
 * Who may bring a former version back is not known when somebody looks, so looks are collected
 * (looks.c). When it can never come back it is forgotten, and its name is settled.
 *
 * The files themselves are kept.c's affair: a former version is such a file under a name it had. */

#include "former.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "backing.h"
#include "held.h"
#include "kept.h"
#include "stage.h"
#include "stamp.h"
#include "util.h"

/* So many former versions one name has. */
#define NAME_FORMERS_MAX 8

typedef struct Name Name;

struct Former {
	int n_refs;
	Name *name;            /* NULL: forgotten */
	GList link;            /* in formers->all */
	Former *same;          /* the next one of the same file; not owned */
	Kept *kept;            /* owned; NULL: forgotten */
	struct timespec mtime; /* constant: that it had; in an audit, would have had */
	Looks looks;           /* since */
};

struct Name {
	Name *parent; /* NULL: the root */
	char *name;
	GHashTable *children; /* char * -> Name, owned; NULL: none */
	GQueue formers;       /* Former, owned, the last one first */
	/* a look in vain that does not count yet */
	bool vain;
	Process *vain_by; /* owned; NULL: unknown */
	pid_t vain_tid;
};

struct Formers {
	Name *root;
	GQueue all;     /* Former, the oldest first */
	uint64_t bytes; /* sum of their sizes */
};

static Name *name_new(Name *parent, const char *name)
{
	Name *n = g_new0(Name, 1);

	n->parent = parent;
	n->name = g_strdup(name);
	g_queue_init(&n->formers);
	return n;
}

static void name_drop_vain(Name *name)
{
	name->vain = false;
	name->vain_by = step_process_unref(name->vain_by);
}

static void name_free(Name *name)
{
	name_drop_vain(name);
	if (name->children)
		g_hash_table_unref(name->children);
	g_free(name->name);
	g_free(name);
}

static bool name_is_empty(const Name *name)
{
	return name->formers.length == 0 &&
	       (!name->children || g_hash_table_size(name->children) == 0);
}

/* Lets go of a name that leads to nothing, not of those above it. Returns what is above it then. */
static Name *name_trim_one(Name *name)
{
	Name *parent = name->parent;

	if (!parent || !name_is_empty(name))
		return NULL;
	g_hash_table_remove(parent->children, name->name);
	name_free(name);
	return parent;
}

static void name_trim(Name *name)
{
	while (name)
		name = name_trim_one(name);
}

static Name *name_child(Name *parent, const char *name, bool make)
{
	Name *child = parent->children ? g_hash_table_lookup(parent->children, name) : NULL;

	if (child || !make)
		return child;
	if (!parent->children)
		parent->children = g_hash_table_new(g_str_hash, g_str_equal);
	child = name_new(parent, name);
	g_hash_table_insert(parent->children, child->name, child);
	return child;
}

static Name *name_of_dir(const Fs *fs, const Node *dir, bool make)
{
	g_autoptr(GPtrArray) way = g_ptr_array_new();
	Name *name = fs->formers->root;

	for (; dir != fs->root; dir = dir->parent) {
		if (!dir->linked || dir->special)
			return NULL;
		g_ptr_array_add(way, dir->name);
	}
	for (unsigned i = way->len; i > 0 && name; i--)
		name = name_child(name, way->pdata[i - 1], make);
	return name;
}

static Name *name_find(const Fs *fs, const Node *dir, const char *name, bool make)
{
	Name *parent;

	if (!make && !fs->formers->root->children)
		return NULL;
	parent = name_of_dir(fs, dir, make);
	return parent ? name_child(parent, name, make) : NULL;
}

Former *former_ref(Former *former)
{
	former->n_refs++;
	return former;
}

Former *former_unref(Former *former)
{
	if (!former || --former->n_refs > 0)
		return NULL;
	g_assert(!former->name);
	g_free(former);
	return NULL;
}

static void former_unref_item(gpointer former)
{
	former_unref(former);
}

/* The kept file has one former version less. */
static void former_leave(Former *former)
{
	Former **link = &former->kept->formers;

	while (*link != former)
		link = &(*link)->same;
	*link = former->same;
}

/* Takes it out of the books. Returns what it was made of, with a reference. */
static Kept *former_detach(Fs *fs, Former *former)
{
	Formers *formers = fs->formers;
	Kept *kept = former->kept;

	g_queue_remove(&former->name->formers, former);
	g_queue_unlink(&formers->all, &former->link);
	former_leave(former);
	formers->bytes -= (uint64_t)kept->size;
	looks_clear(&former->looks);
	former->name = NULL;
	former->kept = NULL;
	return kept;
}

/* Forgets it; the caller trims its name. */
static void former_drop(Fs *fs, Former *former)
{
	kept_unref(fs, former_detach(fs, former));
	former_unref(former);
}

static void former_drop_and_trim(Fs *fs, Former *former)
{
	Name *name = former->name;

	former_drop(fs, former);
	name_trim(name);
}

/* Makes room for one more of this size. */
static void formers_limit(Fs *fs, uint64_t size)
{
	Formers *formers = fs->formers;

	while (formers->all.length > 0 && (formers->all.length >= fs->options->keep ||
						  formers->bytes + size > fs->options->keep_bytes))
		former_drop_and_trim(fs, g_queue_peek_head(&formers->all));
}

static void former_add(Fs *fs, Name *name, Former *former)
{
	Formers *formers = fs->formers;

	former->name = name;
	former->link.data = former;
	g_queue_push_tail_link(&formers->all, &former->link);
	g_queue_push_head(&name->formers, former);
	/* The last first: the file is that name's. */
	former->same = former->kept->formers;
	former->kept->formers = former;
	formers->bytes += (uint64_t)former->kept->size;
	while (name->formers.length > NAME_FORMERS_MAX)
		former_drop(fs, g_queue_peek_tail(&name->formers));
}

/* kept is taken. */
static Former *former_new(Kept *kept, const struct timespec *mtime)
{
	Former *former = g_new0(Former, 1);

	former->n_refs = 1;
	former->kept = kept;
	former->mtime = *mtime;
	return former;
}

/* Whether anything could ever come of keeping it: not of a file with other names, or whose time is
 * not its own, or if the memory is off. */
static bool former_is_worth(const Fs *fs, const struct stat *st)
{
	if (fs->options->keep == 0 || (uint64_t)st->st_size > fs->options->keep_bytes ||
		kept_n_links(fs, st) != 1 || held_has_arrived(fs, st))
		return false;
	if (S_ISLNK(st->st_mode))
		return true;
	return S_ISREG(st->st_mode);
}

Formers *formers_new(void)
{
	Formers *formers = g_new0(Formers, 1);

	formers->root = name_new(NULL, "");
	g_queue_init(&formers->all);
	return formers;
}

Formers *formers_free(Fs *fs)
{
	Formers *formers = fs->formers;

	if (!formers)
		return NULL;
	former_give_up(fs);
	name_free(formers->root);
	g_free(formers);
	return NULL;
}

unsigned former_count(const Fs *fs)
{
	return fs->formers->all.length;
}

uint64_t former_bytes(const Fs *fs)
{
	return fs->formers->bytes;
}

void former_release(Fs *fs, const struct stat *st)
{
	Kept *kept;

	/* With the last of them goes what they are made of. */
	while ((kept = kept_find(fs, st)))
		former_drop_and_trim(fs, kept->formers);
}

bool former_watches(Fs *fs, const Node *dir, const char *name)
{
	return name_find(fs, dir, name, false) != NULL;
}

bool former_watches_dir(Fs *fs, const Node *dir, const char *name)
{
	const Name *n = name_find(fs, dir, name, false);

	return n && (n->formers.length > 0 || n->vain);
}

bool former_watches_node(Fs *fs, const Node *node)
{
	return node->linked && node->parent && former_watches(fs, node->parent, node->name);
}

bool former_watches_below(Fs *fs, const Node *dir)
{
	Name *name = fs->formers->root->children ? name_of_dir(fs, dir, false) : NULL;

	return name && name->children;
}

static void name_note(Fs *fs, Name *name, Process *process, LookKind kind)
{
	for (GList *l = name->formers.head, *next; l; l = next) {
		next = l->next;
		if (!looks_note(&((Former *)l->data)->looks, process, kind))
			former_drop(fs, l->data);
	}
}

/* The same for the name and all below it. The caller trims the name. */
static void name_note_all(Fs *fs, Name *name, Process *process, LookKind kind)
{
	g_autoptr(GList) children = NULL;

	name_note(fs, name, process, kind);
	if (name->children)
		children = g_hash_table_get_values(name->children);
	for (GList *l = children; l; l = l->next) {
		name_note_all(fs, l->data, process, kind);
		name_trim_one(l->data);
	}
}

/* A look in vain counts from now on. The caller trims. */
static void name_settle_vain(Fs *fs, Name *name)
{
	Process *process = name->vain_by;

	if (!name->vain)
		return;
	name->vain = false;
	name->vain_by = NULL;
	name_note_all(fs, name, process, LOOK_TIMES);
	step_process_unref(process);
}

/* The name, if it still has anything to remember when all looks in vain before have been counted,
 * those at the directories above it too. */
static Name *name_find_settled(Fs *fs, const Node *dir, const char *name)
{
	for (;;) {
		Name *found = name_find(fs, dir, name, false), *n;

		for (n = found; n && !n->vain; n = n->parent)
			continue;
		if (!n)
			return found;
		name_settle_vain(fs, n);
		name_trim(n);
	}
}

void former_look(
	Fs *fs, const Node *dir, const char *name, Process *process, LookKind kind, bool below)
{
	Name *n = name_find_settled(fs, dir, name);

	if (!n)
		return;
	name_note(fs, n, process, kind);
	if (below)
		name_note_all(fs, n, process, LOOK_TIMES);
	name_trim(n);
}

void former_look_node(Fs *fs, const Node *node, Process *process, LookKind kind)
{
	if (node->linked && node->parent)
		former_look(fs, node->parent, node->name, process, kind, false);
}

void former_look_in_vain(Fs *fs, const Node *dir, const char *name, Process *process, pid_t tid)
{
	Name *n = name_find_settled(fs, dir, name);

	if (!n)
		return;
	n->vain = true;
	n->vain_by = process ? step_process_ref(process) : NULL;
	n->vain_tid = tid;
	if (process && tid > 0)
		return;
	name_settle_vain(fs, n);
	name_trim(n);
}

/* Whether there is nothing of this name, as the mount shows it. */
static bool child_is_absent(Fs *fs, Node *dir, int dir_fd, const char *name)
{
	Node *node = node_find(fs, dir, name);

	if (node && !node_in_backing(node))
		return false;
	return !backing_exists(dir_fd, name);
}

/* Whether all that this process could see of the absent name has been written down. A listing that
 * takes many requests would else ask the backing for each name each time. */
static bool name_is_noted(const Name *name, const Process *process)
{
	if (!process || name->vain || name->children)
		return false;
	for (const GList *l = name->formers.head; l; l = l->next)
		if (!looks_have(&((const Former *)l->data)->looks, process))
			return false;
	return true;
}

void former_list(Fs *fs, Node *dir, Process *process)
{
	Name *parent = fs->formers->root->children ? name_of_dir(fs, dir, false) : NULL;
	g_autoptr(GPtrArray) children = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;
	int dir_fd;

	if (!parent || !parent->children || node_dir_fd(fs, dir, &dir_fd) < 0)
		return;
	g_hash_table_iter_init(&iter, parent->children);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (!name_is_noted(value, process))
			g_ptr_array_add(children, value);
	for (unsigned i = 0; i < children->len; i++) {
		Name *child = children->pdata[i];

		if (!child_is_absent(fs, dir, dir_fd, child->name))
			continue;
		name_settle_vain(fs, child);
		name_note_all(fs, child, process, LOOK_BYTES);
		name_trim_one(child);
	}
	name_trim(parent);
}

/* The caller trims. */
static void name_forget(Fs *fs, Name *name, bool below)
{
	g_autoptr(GList) children = NULL;

	while (name->formers.length > 0)
		former_drop(fs, g_queue_peek_head(&name->formers));
	if (below && name->children)
		children = g_hash_table_get_values(name->children);
	for (GList *l = children; l; l = l->next) {
		name_forget(fs, l->data, true);
		name_trim_one(l->data);
	}
}

void former_forget(Fs *fs, const Node *dir, const char *name, bool below)
{
	Name *n = name_find(fs, dir, name, false);

	if (!n)
		return;
	name_forget(fs, n, below);
	name_trim(n);
}

void former_forget_node(Fs *fs, const Node *node)
{
	if (node->linked && node->parent)
		former_forget(fs, node->parent, node->name, false);
}

void former_made(Fs *fs, const Node *dir, const char *name, pid_t tid)
{
	Name *n = name_find(fs, dir, name, false);

	if (!n)
		return;
	if (n->vain && n->vain_tid == tid)
		name_drop_vain(n);
	name_settle_vain(fs, n);
	name_forget(fs, n, false);
	name_trim(n);
}

/* What is kept (taken; NULL: nothing) joins the former versions of the name, with the mtime that it
 * had. */
static void former_join(
	Fs *fs, const Node *dir, const char *name, const struct timespec *mtime, Kept *kept)
{
	Name *n;

	formers_limit(fs, (uint64_t)kept->size);
	n = name_find(fs, dir, name, true);
	if (n)
		former_add(fs, n, former_new(kept, mtime));
	else
		kept_unref(fs, kept); /* the directory has gone */
}

/* What is known of an inode is forgotten if it is not that any more. */
static void former_check(Fs *fs, const struct stat *st)
{
	const Kept *kept = kept_find(fs, st);

	if (kept && (kept->type != (st->st_mode & S_IFMT) || kept->size != st->st_size))
		former_release(fs, st);
}

/* dir: NULL if it is not to become a former version. */
static int former_unlink(Fs *fs, const Node *dir, int dir_fd, const char *name)
{
	bool has, ends = false, worth;
	struct timespec mtime;
	struct stat st;
	Kept *kept;

	has = backing_stat(dir_fd, name, &st) == 0;
	if (has) {
		mtime = audit_mtime(fs, &st);
		former_check(fs, &st);
		ends = kept_n_links(fs, &st) == 1;
		worth = dir && former_is_worth(fs, &st);
		if ((worth || kept_find(fs, &st)) &&
			kept_move_in(fs, dir_fd, name, &st, &kept) == 0) {
			if (worth)
				former_join(fs, dir, name, &mtime, kept);
			else
				kept_unref(fs, kept);
			/* Should it come back, it is given its mtime then. */
			if (ends)
				held_forget(fs, &st);
			return 0;
		}
	}
	if (unlinkat(dir_fd, name, 0) < 0)
		return -errno;
	if (has)
		kept_lose(fs, &st);
	if (ends)
		held_forget(fs, &st);
	return 0;
}

bool former_is_passing(Fs *fs, const Node *dir, const char *name, int dir_fd, const Process *writer)
{
	const Name *n = name_find_settled(fs, dir, name);
	const Former *last = n ? g_queue_peek_head((GQueue *)&n->formers) : NULL;
	struct stat st;

	/* Whoever has looked since that one was replaced has been written down with it. */
	return last && former_may_return(last, writer) && backing_stat(dir_fd, name, &st) == 0 &&
	       inputs_is_own(fs->inputs, writer, &st);
}

int former_remove(Fs *fs, const Node *dir, int dir_fd, const char *name)
{
	return former_unlink(fs, dir, dir_fd, name);
}

int former_discard(Fs *fs, int dir_fd, const char *name)
{
	return former_unlink(fs, NULL, dir_fd, name);
}

bool former_keep(Fs *fs, int dir_fd, const char *name, Keep *ret_keep)
{
	if (backing_stat(dir_fd, name, &ret_keep->st) < 0)
		return false;
	former_check(fs, &ret_keep->st);
	if (!former_is_worth(fs, &ret_keep->st)) {
		kept_save(fs, dir_fd, name);
		return false;
	}
	if (kept_link_in(fs, dir_fd, name, &ret_keep->number) == 0)
		return true;
	kept_lose(fs, &ret_keep->st);
	return false;
}

void former_kept(Fs *fs, const Node *dir, const char *name, const Keep *keep)
{
	const struct timespec mtime = audit_mtime(fs, &keep->st);

	former_join(fs, dir, name, &mtime, kept_in_store(fs, &keep->st, keep->number));
}

void former_cancel(Fs *fs, const Keep *keep)
{
	kept_unlink(fs, keep->number);
}

bool former_is_wanted(Fs *fs, const struct stat *st)
{
	former_check(fs, st);
	return former_is_worth(fs, st);
}

void former_moved(
	Fs *fs, const Node *dir, const char *name, const struct timespec *mtime, Node *node)
{
	struct stat st;

	if (node_stat(fs, node, &st) == 0)
		former_join(fs, dir, name, mtime, kept_at(fs, node, &st));
}

bool former_may_return(const Former *former, const Process *writer)
{
	return former->name && writer && looks_are_excused(&former->looks, writer);
}

bool former_is_of(Fs *fs, const Former *former, const Node *dir, const char *name)
{
	return former->name && former->name == name_find(fs, dir, name, false);
}

GPtrArray *former_candidates(
	Fs *fs, const Node *dir, const char *name, mode_t type, off_t size, const Process *writer)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(former_unref_item);
	Name *n = name_find_settled(fs, dir, name);

	for (GList *l = n ? n->formers.head : NULL; l; l = l->next) {
		Former *former = l->data;

		if (former->kept->type == type && (type != S_IFREG || former->kept->size == size) &&
			former_may_return(former, writer))
			g_ptr_array_add(all, former_ref(former));
	}
	return all;
}

int former_open(Fs *fs, const Former *former, int *ret_fd)
{
	return former->kept ? kept_open(fs, former->kept, ret_fd) : -ESTALE;
}

int former_open_last(Fs *fs, const Node *dir, const char *name, int *ret_fd)
{
	const Name *n = name_find_settled(fs, dir, name);
	const Former *last = n ? g_queue_peek_head((GQueue *)&n->formers) : NULL;

	return last && last->kept && last->kept->type == S_IFREG ? former_open(fs, last, ret_fd)
								 : -ENOENT;
}

bool former_links_to(Fs *fs, const Former *former, const char *target)
{
	return former->kept && kept_links_to(fs, former->kept, target);
}

bool former_is_whole(const Fs *fs, const Former *former)
{
	return former->kept && former->kept->formers == former && kept_is_whole(fs, former->kept);
}

const struct timespec *former_mtime(const Former *former)
{
	return &former->mtime;
}

/* What has left after it is forgotten. */
static void former_forget_later(Fs *fs, Former *former)
{
	Name *name = former->name;

	while (g_queue_peek_head(&name->formers) != former)
		former_drop(fs, g_queue_peek_head(&name->formers));
}

/* What is under the name has the bytes: it gets the mtime. */
static int former_set_mtime(Fs *fs, const Former *former, int dir_fd)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, former->mtime};
	const char *name = former->name->name;
	struct stat st;
	int r;

	r = stamp_set(dir_fd, name, times);
	if (r < 0)
		return r;
	if (backing_stat(dir_fd, name, &st) < 0)
		return 0;
	kept_note_mtime(fs, &st);
	held_forget(fs, &st);
	return 0;
}

/* Forgets all that is made of it, under this name and others, and trims them. */
static void former_forget_kept(Fs *fs, Kept *kept, Name *name)
{
	for (Former *f = kept->formers, *next; f; f = next) {
		next = f->same;
		if (f->name == name)
			former_drop(fs, f);
	}
	name_trim(name);
	while (kept->formers)
		former_drop_and_trim(fs, kept->formers);
}

int former_put_back(Fs *fs, Former *former, int dir_fd)
{
	Kept *kept = former->kept;
	Name *name = former->name;
	struct stat st;
	int r;

	if (!former_is_whole(fs, former))
		return -EMLINK;
	r = kept_put_back(fs, kept, dir_fd, name->name);
	if (r < 0)
		return r;
	if (!time_equal(&kept->mtime, &former->mtime))
		(void)!former_set_mtime(fs, former, dir_fd);
	else if (backing_stat(dir_fd, name->name, &st) == 0)
		held_forget(fs, &st);
	stage_came_back(fs, kept->id.ino);
	former_forget_later(fs, former);
	former_detach(fs, former);
	former_unref(former);
	/* It is one file, and this name's again. */
	former_forget_kept(fs, kept, name);
	kept_unref(fs, kept);
	return 0;
}

void former_came_back(Fs *fs, Former *former)
{
	Name *name = former->name;

	former_forget_later(fs, former);
	former_drop(fs, former);
	name_trim(name);
}

int former_restore_mtime(Fs *fs, Former *former, int dir_fd)
{
	int r = former_set_mtime(fs, former, dir_fd);

	if (r == 0)
		former_came_back(fs, former);
	return r;
}

int former_restore(Fs *fs, Former *former, int dir_fd)
{
	int r = former_put_back(fs, former, dir_fd);

	return r < 0 ? former_restore_mtime(fs, former, dir_fd) : 0;
}

bool former_give_up(Fs *fs)
{
	bool any = fs->formers->all.length > 0;

	while (fs->formers->all.length > 0)
		former_drop_and_trim(fs, g_queue_peek_head(&fs->formers->all));
	/* What has been replaced may still be open, to be looked at for the journal. */
	return (fs->records && outbox_drain(fs->records)) || any;
}
