/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing. What the backing has comes first, in its order and under its offsets; new names that it
 * does not have yet come behind. Which these are is found out when a listing begins; they are left
 * out of the first part, for they may be exposed while it goes on.
 *
 * An open directory costs its descriptor and little else, for a process may open thousands and read
 * none: libc's streams have a buffer of 32 KiB each. */

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "former.h"
#include "request.h"
#include "util.h"

/* Offsets of names that the backing does not have. No file system's own offsets are found here. */
#define HIDDEN_OFFSET ((off_t)1 << 62)
/* What the backing is asked for at once, in bytes. An entry of an answer is no smaller than what it
 * is made of, so hardly ever more is read than fits. */
#define LISTING_READ 8192
/* The largest entry of an answer, in bytes: 24 and the name, in eights. */
#define LISTING_ENTRY_MAX 280

typedef struct Listing Listing;
typedef struct Hidden Hidden;

struct Hidden {
	char *name;
	ino_t ino;
};

struct Listing {
	/* one thread at a time: the kernel serialises readdir of a handle */
	Node *dir;         /* owned */
	int fd;            /* owned; -1: our own directory */
	dev_t dev;         /* of the directory */
	GPtrArray *hidden; /* Hidden, owned; NULL: has not begun */
	off_t offset;      /* where fd is; -1: anywhere */
};

static void hidden_free(gpointer data)
{
	Hidden *hidden = data;

	g_free(hidden->name);
	g_free(hidden);
}

static Listing *listing_free(Fs *fs, Listing *listing)
{
	fd_clear(&listing->fd);
	if (listing->hidden)
		g_ptr_array_unref(listing->hidden);
	{
		HOLD(&fs->lock);
		g_hash_table_remove(fs->listings, listing);
		node_unref(fs, listing->dir);
	}
	g_free(listing);
	return NULL;
}

static int listing_open(Fs *fs, fuse_ino_t ino, Listing **ret_listing)
{
	autofd fd = -1;
	Version *version;
	struct stat st = {.st_dev = fs->root_dev};
	int dir_fd, r;
	HOLD(&fs->lock);

	version = version_find(fs, ino);
	if (!version)
		return -ESTALE;
	if (!version->node->special) {
		r = request_dir_fd(fs, version, &dir_fd);
		if (r == 0)
			r = backing_open_list(dir_fd, &fd);
		if (r < 0)
			return r;
		if (fstat(fd, &st) < 0)
			return -errno;
	}
	*ret_listing = g_new0(Listing, 1);
	(*ret_listing)->dir = node_ref(version->node);
	(*ret_listing)->fd = fd_steal(&fd);
	(*ret_listing)->dev = st.st_dev;
	g_hash_table_add(fs->listings, *ret_listing);
	return 0;
}

void request_drop_listings(Fs *fs)
{
	g_autoptr(GList) listings = NULL;

	{
		HOLD(&fs->lock);
		listings = g_hash_table_get_keys(fs->listings);
	}
	for (GList *l = listings; l; l = l->next)
		listing_free(fs, l->data);
}

void request_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	Listing *listing = NULL;
	Fs *fs = request_fs(req);
	int r;

	r = listing_open(fs, ino, &listing);
	if (r < 0) {
		request_reply(req, r);
		return;
	}
	fi->fh = (uintptr_t)listing;
	if (fuse_reply_open(req, fi) == -ENOENT)
		listing_free(fs, listing);
}

static void listing_add_special(const Listing *listing, const Node *node)
{
	Hidden *hidden = g_new0(Hidden, 1);

	hidden->name = g_strdup(node->name);
	hidden->ino = UINT32_MAX - node->special;
	g_ptr_array_add(listing->hidden, hidden);
}

/* The names of a directory that the backing does not have, or has of something else. */
static void listing_begin(Fs *fs, Listing *listing)
{
	HOLD(&fs->lock);

	if (listing->hidden)
		g_ptr_array_unref(listing->hidden);
	listing->hidden = g_ptr_array_new_with_free_func(hidden_free);
	if (listing->dir->special) {
		listing_add_special(listing, fs->special_status);
		listing_add_special(listing, fs->special_journal);
	}
	if (listing->dir->n_hidden == 0)
		return;
	for (GList *l = fs->stages.head; l; l = l->next) {
		Stage *stage = l->data;
		Hidden *hidden;
		struct stat st;

		if (stage->node->parent != listing->dir || !stage->node->linked || !stage->is_new ||
			stage_stat(stage, &st) < 0)
			continue;
		hidden = g_new0(Hidden, 1);
		hidden->name = g_strdup(stage->node->name);
		hidden->ino = st.st_ino;
		g_ptr_array_add(listing->hidden, hidden);
	}
}

static bool listing_hides(Fs *fs, const Listing *listing, const char *name)
{
	if (backing_is_hidden(name) || request_special(fs, listing->dir, name))
		return true;
	for (unsigned i = 0; i < listing->hidden->len; i++)
		if (strcmp(((Hidden *)listing->hidden->pdata[i])->name, name) == 0)
			return true;
	return false;
}

/* Adds an entry; false if there is no room for it. */
static bool listing_add(fuse_req_t req, char *buffer, size_t size, size_t *n, const char *name,
	const struct stat *st, off_t next)
{
	size_t length = fuse_add_direntry(req, buffer + *n, size - *n, name, st, next);

	if (length > size - *n)
		return false;
	*n += length;
	return true;
}

/* The same of an entry of the backing, which may have to be hidden. */
static bool listing_add_backing(fuse_req_t req, const Listing *listing, char *buffer, size_t size,
	size_t *n, const struct dirent64 *entry)
{
	Fs *fs = request_fs(req);
	const struct stat st = {
		.st_ino = request_number(fs, listing->dev, entry->d_ino),
		.st_mode = DTTOIF(entry->d_type),
	};

	return listing_hides(fs, listing, entry->d_name) ||
	       listing_add(req, buffer, size, n, entry->d_name, &st, entry->d_off);
}

/* Lists the backing from where it is. *ret_end: it has come to its end. */
static int listing_backing(
	fuse_req_t req, Listing *listing, char *buffer, size_t size, size_t *n, bool *ret_end)
{
	char entries[LISTING_READ] __attribute__((aligned(8)));

	*ret_end = false;
	while (size - *n >= LISTING_ENTRY_MAX) {
		ssize_t length = getdents64(listing->fd, entries, MIN(sizeof(entries), size - *n));

		/* What is said of an error is said again; it may be but a name too long for what is
		 * left. */
		if (length < 0)
			return *n > 0 ? 0 : -errno;
		*ret_end = length == 0;
		if (*ret_end)
			break;
		for (ssize_t at = 0; at < length;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

			if (!listing_add_backing(req, listing, buffer, size, n, entry)) {
				/* If it cannot go back, the next call has to. */
				if (lseek(listing->fd, listing->offset, SEEK_SET) < 0)
					listing->offset = -1;
				return 0;
			}
			listing->offset = entry->d_off;
			at += entry->d_reclen;
		}
	}
	return 0;
}

static void listing_hidden(
	fuse_req_t req, Listing *listing, char *buffer, size_t size, size_t *n, unsigned first)
{
	for (unsigned i = first; i < listing->hidden->len; i++) {
		Hidden *hidden = listing->hidden->pdata[i];
		struct stat st = {.st_mode = S_IFREG};

		st.st_ino = request_number(request_fs(req), listing->dev, hidden->ino);

		if (!listing_add(req, buffer, size, n, hidden->name, &st, HIDDEN_OFFSET + i + 1))
			return;
	}
}

static int listing_read(
	fuse_req_t req, Listing *listing, char *buffer, size_t size, off_t offset, size_t *n)
{
	bool end = true;
	unsigned first = 0;
	int r;

	if (offset == 0 || !listing->hidden)
		listing_begin(request_fs(req), listing);
	if (offset >= HIDDEN_OFFSET && offset <= HIDDEN_OFFSET + (off_t)listing->hidden->len) {
		first = (unsigned)(offset - HIDDEN_OFFSET);
	} else if (listing->fd >= 0) {
		if ((offset == 0 || offset != listing->offset) &&
			lseek(listing->fd, offset, SEEK_SET) < 0)
			return -errno;
		listing->offset = offset;
		r = listing_backing(req, listing, buffer, size, n, &end);
		if (r < 0)
			return r;
	}
	if (end)
		listing_hidden(req, listing, buffer, size, n, first);
	return 0;
}

void request_readdir(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	Listing *listing = (Listing *)(uintptr_t)fi->fh;
	g_autofree char *buffer = g_malloc(MAX(size, 1));
	Fs *fs = request_fs(req);
	size_t n = 0;
	int r;

	{
		HOLD(&fs->lock);

		former_list(fs, listing->dir, request_current()->caller);
	}
	r = listing_read(req, listing, buffer, size, offset, &n);
	/* What was removed in between may not have been listed. */
	{
		HOLD(&fs->lock);
		former_list(fs, listing->dir, request_current()->caller);
	}
	if (r < 0)
		request_reply(req, r);
	else
		fuse_reply_buf(req, buffer, n);
}

void request_releasedir(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, struct fuse_file_info *fi)
{
	listing_free(request_fs(req), (Listing *)(uintptr_t)fi->fh);
	request_reply(req, 0);
}

void request_fsyncdir(fuse_req_t req, fuse_ino_t ino G_GNUC_UNUSED, int datasync G_GNUC_UNUSED,
	struct fuse_file_info *fi)
{
	Listing *listing = (Listing *)(uintptr_t)fi->fh;
	int r = 0;

	if (listing->fd >= 0 && fsync(listing->fd) < 0)
		r = -errno;
	request_reply(req, r);
}
