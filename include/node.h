/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A name in the tree, with its versions. A node lives while a version, a stage, a child, or a
 * memory of it does; it follows the name through renames. Everything here is under fs->lock. */

#include "step.h"
#include "util.h"
#include "version.h"

typedef struct Locks Locks;
typedef struct NodeMore NodeMore;

/* So many lookups of a name that has just been exposed for the first time are not remembered by the
 * kernel: it may be renamed over another name soon. */
#define NODE_YOUNG 4

typedef enum {
	SPECIAL_NONE,
	SPECIAL_DIR,     /* .lklfs in the root of the mount */
	SPECIAL_STATUS,  /* .lklfs/status */
	SPECIAL_JOURNAL, /* .lklfs/journal */
} Special;

/* What most nodes never need: files that nobody writes. */
struct NodeMore {
	bool is_dir; /* it has been seen to be this directory */
	FileId dir;  /* if is_dir */

	/* offer.c */
	pid_t writer;      /* the thread that has opened it for writing last; 0: unknown */
	unsigned n_offers; /* since then */

	/* The ctime that was told for a new name before its last close, and the one it really has
	 * (P6). */
	struct timespec told_ctime, real_ctime;
	ino_t told_ino;  /* 0: nothing told */
	GList told_link; /* in fs->told, while something is */

	/* The last session that left no trace: times that its writer sets right after it belong to
	 * it (P11). */
	struct timespec kept_began; /* CLOCK_REALTIME_COARSE; 0: none */
	Process *kept_by;           /* the writing process, owned; NULL: unknown */
	int64_t kept_until;         /* monotonic microseconds */

	Locks *locks; /* owned by lock.c; NULL: nobody holds or waits */
};

/* There may be a million of them: no member without need. */
struct Node {
	unsigned n_refs;   /* fs->lock, as all that follows */
	unsigned n_hidden; /* children that are new names, not in the backing yet */
	Node *parent;      /* owned; NULL for the root */
	char *name;        /* first_name, or owned */
	Version *exposed;  /* not owned: cleared when it is dropped */
	Stage *stage;      /* owned; the session under way, or one that could not be exposed */
	NodeMore *more;    /* owned; node_more(); NULL: nothing of it is set */
	Special special;   /* constant */
	bool linked;       /* the name leads here; else removed or replaced */
	bool shadow;       /* under this name the backing still holds what the node has replaced */
	bool cached;       /* the kernel may have been told to remember the name */
	uint8_t young;     /* so many more lookups of a new name are not remembered */
	char first_name[];
};

Node *node_new_root(Fs *fs);

/* NULL if nothing is known of the name. No reference is taken. */
Node *node_find(Fs *fs, Node *parent, const char *name);

/* A hash of its directory and its name. */
unsigned node_name_hash(const Node *node);

/* Finds or makes; the caller owns a reference. */
Node *node_get(Fs *fs, Node *parent, const char *name);

/* The same for what the backing has under this name. Where the node was another directory, that has
 * been moved away by somebody: its node has gone, with all that is below, and the name gets a new
 * one. */
Node *node_get_as(Fs *fs, Node *parent, const char *name, const struct stat *st);

/* False if the node is a directory, and not this one. */
bool node_is_still(const Node *node, const struct stat *st);

/* A node without a name, of a file made in this directory: node_move() gives it one. The caller
 * owns a reference. */
Node *node_new_nameless(Fs *fs, Node *dir);

/* What is set of it, to read: all zeros if nothing is; and to set some. */
const NodeMore *node_more(const Node *node);
NodeMore *node_set_more(Node *node);

/* The last session left a trace, or its times have been set. */
void node_forget_kept(Node *node);

Node *node_ref(Node *node);
Node *node_unref(Fs *fs, Node *node);

/* The name does not lead here any more: exposed versions are superseded, a session goes out of
 * sight. */
void node_unlink(Fs *fs, Node *node);

/* The node gets another name, which must be free. */
void node_move(Fs *fs, Node *node, Node *parent, const char *name);

/* A descriptor of the directory in the backing: valid until the next call, or until fs->lock is
 * dropped. -ENOENT if it has been removed, -ESTALE if somebody has put something else in its place,
 * or has taken it away. */
int node_dir_fd(Fs *fs, Node *dir, int *ret_fd);

/* The same for the directory that holds the node's name; -ENOENT if the name is gone. */
int node_parent_fd(Fs *fs, Node *node, int *ret_fd);

/* Its path from the root of the mount, to free. */
char *node_path(const Node *node);

/* The same behind the path of the mount. */
char *node_absolute_path(const Fs *fs, const Node *node);

/* What the backing has under the node's name; links are not followed. */
int node_stat(Fs *fs, Node *node, struct stat *ret_stat);

/* Whether the backing has a file of this node: false for a new name that has not been exposed. */
bool node_in_backing(const Node *node);

/* Makes the stat of the exposed file what was told before (P6). */
void node_tell(const Node *node, struct stat *st);

/* Remembers the ctime told for the file, and keeps the node for that as long as there is room. */
void node_remember_ctime(Fs *fs, Node *node, const struct stat *st, const struct timespec *told);

/* Remembers that a session of this process, begun then, has left no trace. Takes a reference to
 * kept_by. */
void node_remember_kept(Fs *fs, Node *node, Process *by, const struct timespec *began);
/* Lets go of nodes that are kept for that, where it is too late by now (monotonic microseconds). */
void node_expire_kept(Fs *fs, int64_t now);

/* What the kernel has in mind of what is exposed is not so any more: that gets other ids with the
 * next lookups. */
void node_supersede(Fs *fs, Node *node);

/* The exposed version for what the backing has under this name now: the known one if it still is
 * that, else a new one. */
Version *node_expose(Fs *fs, Node *node, const struct stat *st);
