/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is kept is known by inode, size and mtime, and by having one name that can be seen: if any
 * of that is not so any more, somebody has got at it, and it is of no use. Losing it costs a
 * rebuild.
 *
 * A file that lives under another name by now gets no second, hidden one: making and removing that
 * would move its ctime, and it would have more names than anybody can see. */

#include "kept.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backing.h"
#include "stamp.h"
#include "util.h"

struct Store {
	GHashTable *by_id; /* FileId -> Kept, not owned */
	int fd;            /* O_PATH of the hidden directory, or -1 */
	char *name;        /* of that, in the root */
	bool impossible;   /* it cannot be made */
	uint64_t last;     /* number */
};

Store *store_new(void)
{
	Store *store = g_new0(Store, 1);

	store->by_id = g_hash_table_new(file_id_hash, file_id_equal);
	store->fd = -1;
	return store;
}

Store *store_free(Fs *fs)
{
	Store *store = fs->store;

	if (!store)
		return NULL;
	if (store->name)
		backing_remove_store(fs->root_fd, store->name);
	fd_clear(&store->fd);
	g_free(store->name);
	g_hash_table_unref(store->by_id);
	g_free(store);
	return NULL;
}

bool store_is_made(const Fs *fs)
{
	return fs->store->fd >= 0;
}

static bool store_open(Fs *fs)
{
	Store *store = fs->store;

	if (store->fd >= 0)
		return true;
	if (!store->impossible && backing_make_store(fs->root_fd, &store->name, &store->fd) < 0)
		store->impossible = true;
	return !store->impossible;
}

static void store_name(uint64_t number, char name[static 32])
{
	snprintf(name, 32, "%ju", (uintmax_t)number);
}

Kept *kept_find(const Fs *fs, const struct stat *st)
{
	FileId id = file_id(st);

	return g_hash_table_lookup(fs->store->by_id, &id);
}

static Kept *kept_ref(Kept *kept)
{
	kept->n_refs++;
	return kept;
}

/* The one with this inode, or a new one. */
static Kept *kept_get(Fs *fs, const struct stat *st)
{
	Kept *kept = kept_find(fs, st);

	if (kept) {
		kept->mtime = st->st_mtim;
		return kept_ref(kept);
	}
	kept = g_new0(Kept, 1);
	kept->n_refs = 1;
	kept->type = st->st_mode & S_IFMT;
	kept->id = file_id(st);
	kept->size = st->st_size;
	kept->mtime = st->st_mtim;
	g_hash_table_insert(fs->store->by_id, &kept->id, kept);
	return kept;
}

static void kept_set_node(Fs *fs, Kept *kept, Node *node)
{
	Node *old = kept->node;

	kept->node = node ? node_ref(node) : NULL;
	node_unref(fs, old);
}

Kept *kept_at(Fs *fs, Node *node, const struct stat *st)
{
	Kept *kept = kept_get(fs, st);

	kept_set_node(fs, kept, node);
	return kept;
}

int kept_move_in(Fs *fs, int dir_fd, const char *name, const struct stat *st, Kept **ret_kept)
{
	char away[32];

	if (!store_open(fs))
		return -EOPNOTSUPP;
	store_name(++fs->store->last, away);
	if (renameat(dir_fd, name, fs->store->fd, away) < 0)
		return -errno;
	*ret_kept = kept_in_store(fs, st, fs->store->last);
	return 0;
}

int kept_link_in(Fs *fs, int dir_fd, const char *name, uint64_t *ret_number)
{
	char away[32];

	if (!store_open(fs))
		return -EOPNOTSUPP;
	store_name(++fs->store->last, away);
	if (linkat(dir_fd, name, fs->store->fd, away, 0) < 0)
		return -errno;
	*ret_number = fs->store->last;
	return 0;
}

Kept *kept_in_store(Fs *fs, const struct stat *st, uint64_t number)
{
	Kept *kept = kept_get(fs, st);

	kept_set_node(fs, kept, NULL);
	if (kept->number)
		kept_unlink(fs, number); /* it is there already */
	else
		kept->number = number;
	return kept;
}

void kept_unlink(Fs *fs, uint64_t number)
{
	char name[32];

	store_name(number, name);
	unlinkat(fs->store->fd, name, 0);
}

void kept_follow(Fs *fs, const struct stat *st, Node *node)
{
	Kept *kept = kept_find(fs, st);

	if (kept && kept->node)
		kept_set_node(fs, kept, node);
}

void kept_save(Fs *fs, int dir_fd, const char *name)
{
	uint64_t number;
	struct stat st;
	Kept *kept;

	if (backing_stat(dir_fd, name, &st) < 0)
		return;
	kept = kept_find(fs, &st);
	if (!kept || kept->number)
		return;
	if (kept_link_in(fs, dir_fd, name, &number) < 0) {
		kept_lose(fs, &st);
		return;
	}
	kept_set_node(fs, kept, NULL);
	kept->number = number;
}

void kept_lose(Fs *fs, const struct stat *st)
{
	Kept *kept = kept_find(fs, st);

	if (!kept)
		return;
	g_hash_table_remove(fs->store->by_id, &kept->id);
	kept_set_node(fs, kept, NULL);
}

Kept *kept_unref(Fs *fs, Kept *kept)
{
	if (!kept || --kept->n_refs > 0)
		return NULL;
	if (g_hash_table_lookup(fs->store->by_id, &kept->id) == kept)
		g_hash_table_remove(fs->store->by_id, &kept->id);
	if (kept->number)
		kept_unlink(fs, kept->number);
	kept_set_node(fs, kept, NULL);
	g_free(kept);
	return NULL;
}

nlink_t kept_n_links(const Fs *fs, const struct stat *st)
{
	const Kept *kept = kept_find(fs, st);

	return st->st_nlink - (kept && kept->number && st->st_nlink > 0 ? 1 : 0);
}

/* Where it is: valid until the next call. */
static int kept_place(Fs *fs, const Kept *kept, int *ret_dir_fd, char name[static NAME_MAX + 1])
{
	if (kept->number) {
		store_name(kept->number, name);
		*ret_dir_fd = fs->store->fd;
		return 0;
	}
	if (!kept->node || strlen(kept->node->name) > NAME_MAX)
		return -ESTALE;
	strcpy(name, kept->node->name);
	return node_parent_fd(fs, kept->node, ret_dir_fd);
}

static bool kept_is_it(const Fs *fs, const Kept *kept, const struct stat *st)
{
	return (st->st_mode & S_IFMT) == kept->type && st->st_ino == kept->id.ino &&
	       st->st_dev == kept->id.dev && kept_n_links(fs, st) == (kept->number ? 0 : 1) &&
	       st->st_size == kept->size && time_equal(&st->st_mtim, &kept->mtime);
}

bool kept_is_whole(const Fs *fs, const Kept *kept)
{
	char name[32];
	struct stat st;

	store_name(kept->number, name);
	return kept->number && backing_stat(fs->store->fd, name, &st) == 0 &&
	       kept_is_it(fs, kept, &st);
}

void kept_note_mtime(Fs *fs, const struct stat *st)
{
	Kept *kept = kept_find(fs, st);

	if (kept)
		kept->mtime = st->st_mtim;
}

int kept_stamp(Fs *fs, int dir_fd, const char *name, const struct timespec *mtime)
{
	const struct timespec now = {.tv_nsec = UTIME_NOW};
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime ? *mtime : now};
	struct stat st;
	int r;

	r = stamp_set(dir_fd, name, times);
	if (r < 0)
		return r;
	if (backing_stat(dir_fd, name, &st) == 0)
		kept_note_mtime(fs, &st);
	return 0;
}

int kept_open(Fs *fs, const Kept *kept, int *ret_fd)
{
	char name[NAME_MAX + 1];
	autofd fd = -1;
	struct stat st;
	int dir_fd, r;

	r = kept_place(fs, kept, &dir_fd, name);
	if (r == 0)
		r = backing_open_read(dir_fd, name, &fd);
	if (r < 0)
		return r;
	r = backing_stat_open(fd, &st);
	if (r < 0)
		return r;
	if (!kept_is_it(fs, kept, &st))
		return -ESTALE;
	*ret_fd = fd_steal(&fd);
	return 0;
}

bool kept_links_to(Fs *fs, const Kept *kept, const char *target)
{
	char name[NAME_MAX + 1], now[PATH_MAX + 1];
	struct stat st;
	int dir_fd;
	ssize_t n;

	if (kept->type != S_IFLNK || kept_place(fs, kept, &dir_fd, name) < 0 ||
		backing_stat(dir_fd, name, &st) < 0 || !kept_is_it(fs, kept, &st) ||
		!backing_link_is_plain(dir_fd, name))
		return false;
	n = readlinkat(dir_fd, name, now, sizeof(now));
	return n >= 0 && (size_t)n == strlen(target) && memcmp(now, target, (size_t)n) == 0;
}

int kept_put_back(Fs *fs, Kept *kept, int dir_fd, const char *name)
{
	char away[32];
	int r;

	if (!kept_is_whole(fs, kept))
		return -EMLINK;
	kept_save(fs, dir_fd, name);
	store_name(kept->number, away);
	r = backing_put_back(fs->store->fd, away, dir_fd, name);
	if (r == 0)
		kept->number = 0;
	return r;
}
