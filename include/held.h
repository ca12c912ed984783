/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files whose mtime was held back: unchanged or put back, they are older than their last writing.
 *
 * That is true of the name under which nobody has seen other bytes. Under another name somebody may
 * have: so such a file is stamped when it gets one, by a rename of itself or of a directory above
 * it, or by a link.
 *
 * The reverse are files that have arrived under a name with a time of their own: an unchanged
 * rewriting must not leave that as it is, for it may be older than what was seen there before.
 *
 * Files are known by inode number and mtime; of those that have changed since nothing is known. All
 * of it is forgotten at the end of the mount. Everything here is under fs->lock. */

#include "fs.h"

typedef struct Held Held;

/* It remembers so many files. */
#define HELD_MAX (1 << 20)
Held *held_new(unsigned n_max);
Held *held_free(Held *held);

/* The file's mtime has been held back. */
void held_note(Fs *fs, const struct stat *st);
bool held_has(const Fs *fs, const struct stat *st);

/* The file is new, perhaps with an inode number that another one had, or somebody has dated it
 * himself: it has the mtime that it is to have. Or it has lost its last name. */
void held_forget(Fs *fs, const struct stat *st);

/* How many are remembered. */
unsigned held_count(const Fs *fs);

/* The file has got this name with an mtime of its own. replaced: what was there before, or NULL. */
void held_note_arrival(Fs *fs, const struct stat *st, const struct stat *replaced);
bool held_has_arrived(const Fs *fs, const struct stat *st);

/* A file that was held back has got this name in the directory: it is stamped, and what the kernel
 * knows of node (NULL: nothing known) is superseded. Returns whether it was. (In an audit: whether
 * it would have been; nothing is done.) */
bool held_stamp(Fs *fs, int dir_fd, const char *name, Node *node);

/* The same for all files below a directory that has got another name; what is not stamped has
 * arrived. Walks all of it. Returns the nodes whose names the kernel may remember, in an array that
 * owns references: fs->lock has to be held until it is freed with held_free_nodes(). */
GPtrArray *held_move_below(Fs *fs, Node *dir);
void held_free_nodes(Fs *fs, GPtrArray *nodes);
