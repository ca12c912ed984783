/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files and symbolic links that former versions are made of (former.h). Each is kept once, for as
 * many names as it has left.
 *
 * A file that was renamed away is where it is now: it is known by its node, and not touched. When
 * it is about to be replaced or removed there, or has been removed in the first place, it goes to
 * the store, a hidden directory in the root of the mount, under a number; a sweep removes that if
 * we do not. Everything here is under fs->lock. */

#include "fs.h"
#include "util.h"

typedef struct Former Former;
typedef struct Kept Kept;
typedef struct Store Store;

struct Kept {
	unsigned n_refs;
	/* constant: what it is */
	mode_t type; /* S_IFREG or S_IFLNK */
	FileId id;
	off_t size; /* bytes */

	struct timespec mtime; /* that it has now */
	Node *node;            /* owned; whose file it is; NULL: it is in the store */
	uint64_t number;       /* its name in the store; 0: it is not there */
	Former *formers;       /* former.c: the first of those that it is kept for */
};

Store *store_new(void);
/* Removes the hidden directory. Nothing is kept any more. */
Store *store_free(Fs *fs);
bool store_is_made(const Fs *fs);

/* The kept one that is this file; NULL: none. No reference is taken. */
Kept *kept_find(const Fs *fs, const struct stat *st);

/* The file of a node; the caller owns a reference. */
Kept *kept_at(Fs *fs, Node *node, const struct stat *st);

/* Moves a file from its name into the store. The caller owns a reference. */
int kept_move_in(Fs *fs, int dir_fd, const char *name, const struct stat *st, Kept **ret_kept);

/* The same in two steps, for a file whose name is about to be another's: gives it a second name, in
 * the store; then either takes it for kept (the caller owns a reference), or takes the name away.
 */
int kept_link_in(Fs *fs, int dir_fd, const char *name, uint64_t *ret_number);
Kept *kept_in_store(Fs *fs, const struct stat *st, uint64_t number);
void kept_unlink(Fs *fs, uint64_t number);

/* The name that the file has belongs to this node by now. */
void kept_follow(Fs *fs, const struct stat *st, Node *node);

/* What is under the name is about to be replaced or removed: if it is kept, it goes to the store.
 */
void kept_save(Fs *fs, int dir_fd, const char *name);

/* The file is about to be gone without having been kept: its inode number may be another's soon. */
void kept_lose(Fs *fs, const struct stat *st);

/* Removes it from the store with the last reference. */
Kept *kept_unref(Fs *fs, Kept *kept);

/* How many names of a file can be seen: the backing counts that in the store, too. */
nlink_t kept_n_links(const Fs *fs, const struct stat *st);

/* Whether the file itself can be put back: it is in the store, and nowhere else. */
bool kept_is_whole(const Fs *fs, const Kept *kept);

/* The file has got another mtime, and has its bytes. */
void kept_note_mtime(Fs *fs, const struct stat *st);

/* Moves the mtime of what is under the name to this, or (NULL) to now, by the backing's own clock,
 * and notes it. */
int kept_stamp(Fs *fs, int dir_fd, const char *name, const struct timespec *mtime);

/* A descriptor to read it; -ESTALE if it is not there any more as it was. */
int kept_open(Fs *fs, const Kept *kept, int *ret_fd);

/* Whether it is a symbolic link to this, and as it was. */
bool kept_links_to(Fs *fs, const Kept *kept, const char *target);

/* Moves it from the store to a name, in place of what is there. -EMLINK if it is not whole. */
int kept_put_back(Fs *fs, Kept *kept, int dir_fd, const char *name);
