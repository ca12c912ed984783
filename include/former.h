/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What names were before (P7, P9), and who has looked at them since (P10).
 *
 * A file or symbolic link that is replaced, removed or renamed away is a former version of its name
 * from then on: with its mtime, kept in a hidden directory of the backing. Everybody who looks at
 * the name is written down with each former version. It may come back if the step that writes its
 * bytes again is the only one that has looked; a build driver may have looked at times and for the
 * name on behalf of its step.
 *
 * Names are paths from the root, whatever directory is there now: they outlive the removal of their
 * directory. Forgetting is safe at any time. Everything here is under fs->lock. */

#include "fs.h"
#include "kept.h"
#include "looks.h"

typedef struct Formers Formers;

Formers *formers_new(void);
/* Forgets all, and removes the hidden directory. */
Formers *formers_free(Fs *fs);

/* How many there are, and their bytes. */
unsigned former_count(const Fs *fs);
uint64_t former_bytes(const Fs *fs);

/* The inode is about to change in place: if it is kept, it is forgotten. */
void former_release(Fs *fs, const struct stat *st);

/* Whether looks at the name have to be written down: it has former versions, or names below it
 * have. The second for a node that still has its name, the third for what is in a directory. */
bool former_watches(Fs *fs, const Node *dir, const char *name);
bool former_watches_node(Fs *fs, const Node *node);
/* The same where a directory is known to be: what is below it has its own looks. */
bool former_watches_dir(Fs *fs, const Node *dir, const char *name);
bool former_watches_below(Fs *fs, const Node *dir);

/* process (NULL: unknown) looks at a name where something is. below: it is no directory, so that
 * what was below it is absent. */
void former_look(
	Fs *fs, const Node *dir, const char *name, Process *process, LookKind kind, bool below);
void former_look_node(Fs *fs, const Node *node, Process *process, LookKind kind);

/* The thread tid of process looks at a name in vain: this counts as soon as anybody asks for the
 * name again, unless that thread makes the directory that it missed. */
void former_look_in_vain(Fs *fs, const Node *dir, const char *name, Process *process, pid_t tid);

/* process lists the directory: those of its names that are absent have been looked at. */
void former_list(Fs *fs, Node *dir, Process *process);

/* The thread has made a directory or a special file of this name. */
void former_made(Fs *fs, const Node *dir, const char *name, pid_t tid);

/* Forgets the former versions of the name; below: and of all names below it. */
void former_forget(Fs *fs, const Node *dir, const char *name, bool below);
void former_forget_node(Fs *fs, const Node *node);

/* Removes a name in the backing, as unlinkat(2) does. What was there becomes a former version of
 * it, if it can be kept. */
int former_remove(Fs *fs, const Node *dir, int dir_fd, const char *name);

/* The same for what is no version of its own, as one with its bytes is remembered. */
int former_discard(Fs *fs, int dir_fd, const char *name);

typedef struct Keep Keep;

struct Keep {
	struct stat st;
	uint64_t number; /* in the store */
};

/* Whether nobody but the step of writer can have acted upon what writer (NULL: unknown) is about to
 * replace, which that step has written itself: then nobody misses its mtime. */
bool former_is_passing(
	Fs *fs, const Node *dir, const char *name, int dir_fd, const Process *writer);

/* What is under the name now is about to be replaced: gives it a second, hidden name. False if it
 * cannot be kept. Else one of the next two has to follow, under the same lock. */
bool former_keep(Fs *fs, int dir_fd, const char *name, Keep *ret_keep);
/* It has been replaced: it is a former version of the name, and the caller writes down who looked.
 */
void former_kept(Fs *fs, const Node *dir, const char *name, const Keep *keep);
/* It has not. */
void former_cancel(Fs *fs, const Keep *keep);

/* Whether a file that is about to be renamed is to become a former version of its name. */
bool former_is_wanted(Fs *fs, const struct stat *st);
/* It has been renamed, and is the node's now; or one with the same bytes is. mtime: that it had. */
void former_moved(
	Fs *fs, const Node *dir, const char *name, const struct timespec *mtime, Node *node);

/* The former versions of the name that may come back if writer (NULL: unknown) writes their bytes:
 * of this type (S_IFREG with this size in bytes, or S_IFLNK), the last one first. An array that
 * owns references. */
GPtrArray *former_candidates(
	Fs *fs, const Node *dir, const char *name, mode_t type, off_t size, const Process *writer);

/* Whether a candidate still is one: the lock has been dropped meanwhile. */
bool former_may_return(const Former *former, const Process *writer);

/* Whether it is a former version of this name: what is renamed meanwhile has another. */
bool former_is_of(Fs *fs, const Former *former, const Node *dir, const char *name);

/* A descriptor to read what the name was last; -ENOENT if that is unknown, or no file. */
int former_open_last(Fs *fs, const Node *dir, const char *name, int *ret_fd);

/* A descriptor to read it; -ESTALE if it is not there any more as it was. */
int former_open(Fs *fs, const Former *former, int *ret_fd);

/* Whether it is a symbolic link to this. */
bool former_links_to(Fs *fs, const Former *former, const char *target);

const struct timespec *former_mtime(const Former *former);

/* Whether the file itself can be put back: it has no other name by now, and this is the one that it
 * left last. Under a name before that, of a temporary file mostly, the bytes get their mtime alone,
 * or they would take the file away from the name that is going to want it. */
bool former_is_whole(const Fs *fs, const Former *former);

/* Puts the file back under its name in the directory, in place of what is there. What left later is
 * forgotten, and it is a former version no more. -EMLINK if it is not whole. */
int former_put_back(Fs *fs, Former *former, int dir_fd);

/* Its bytes or target are under the name again, in another file, and keep that: this gets the
 * mtime, and what left later and the former version are forgotten. */
int former_restore_mtime(Fs *fs, Former *former, int dir_fd);

/* The same, but the mtime stays as it is. */
void former_came_back(Fs *fs, Former *former);

/* The first, or else the second. */
int former_restore(Fs *fs, Former *former, int dir_fd);

Former *former_ref(Former *former);
Former *former_unref(Former *former);

/* The disk is full: forgets everything that takes room on it. False if there was nothing. */
bool former_give_up(Fs *fs);
