/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What everything of one mount hangs from.
 *
 * Order of locks, outermost first; a lock may be taken while holding those before it, never after
 * it:
 *
 *   receive->lock     request.c: who receives; held while one request is read and admitted
 *   stage->lock       stage.h:   the content of one stage; held while its bytes are read or written
 *   fs->through_lock  publish.c: who writes through to an inode, that another name may lead to as
 * well
 *   fs->lock          here:      the tree, versions, sessions' states; no content is read or
 * written, no reply or notification sent under it. Calls on names of the backing are made under it,
 * so that the tree in memory and on disk move as one.
 *
 * Leaves, under which nothing else is taken (but that of an outbox): receive->queue_lock,
 * notify->lock, those of the journal, of the log, of steps and of inputs. No lock is held while
 * another process is looked at.
 */

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

#include "inputs.h"
#include "journal.h"
#include "mount-options.h"
#include "node.h"

#define FS_LOST "lklfs-lost" /* the memory file that says what is lost */
#define FS_N_WRITERS 64      /* threads whose last written node is kept: offer.c */

typedef struct Receive Receive;

struct Fs {
	const Options *options; /* constant */
	char *dir;              /* constant: absolute, for messages and the status */
	int root_fd;            /* constant: the directory under the mount */
	int lost_fd;            /* constant: save_note_lost(); -1: there is none */
	bool walks_at_once;     /* constant: see beneath.h */
	dev_t root_dev;         /* constant: its file system */
	bool on_fuse;           /* constant: which may hide what is removed while it is open */
	Journal *journal;       /* constant; has its own lock */
	Outbox *records; /* record.c: what is to be told; constant while serving; has its own lock
			  */
	atomic_uint n_records_open; /* record.c: those of them that keep files open */
	struct Steps *steps;        /* step.c: who asks; constant; has its own lock */
	Inputs *inputs;   /* constant: what steps have read, here or in other mounts; not owned */
	Receive *receive; /* request.c; constant while serving */
	Node *root;       /* constant */
	Version *root_version; /* constant */
	Node *special_dir;     /* constant */
	Node *special_status;  /* constant */
	Node *special_journal; /* constant */

	pthread_mutex_t through_lock; /* see above */
	pthread_mutex_t lock;
	pthread_cond_t decided; /* a verdict has been reached */
	/* all of these: lock */
	GHashTable *versions;      /* Version (id) -> the same Version, not owned */
	GHashTable *names;         /* Node (parent, name) -> the same Node, not owned */
	GHashTable *pins;          /* pin.c: thread id -> Pin */
	GHashTable *locked;        /* lock.c: nodes that somebody has locked, or waits for; owned */
	GHashTable *listings;      /* request-dir.c: open directory handles */
	struct Formers *formers;   /* former.c: what names were before */
	struct Store *store;       /* kept.c: the files that these are made of */
	struct Held *held;         /* held.c: files whose mtime was held back */
	struct Audit *audit;       /* audit.c: files whose mtime would be; NULL: this is none */
	struct Lates *lates;       /* late.c: what comes back when git has ended */
	struct Outdated *outdated; /* outdated.c: files older than what their steps have read */
	GQueue stages;             /* every stage whose session has not ended; stage.c */
	GQueue undecided; /* those that are STAGE_UNDECIDED, in the order of their closes */
	GQueue kept; /* nodes that are kept for their last unchanged session, the oldest first */
	GQueue told; /* nodes that are kept for their told ctime, the oldest first */
	unsigned n_shared;     /* sessions on files with several names */
	int dir_fd;            /* node_dir_fd(): what it has given last, or -1 */
	unsigned n_incomplete; /* sessions that ended without all that was written */
	unsigned n_failed;     /* failed.c: sessions that could not be exposed */
	int64_t retry_at; /* failed.c: when that is tried again, monotonic, in us; 0: no time is set
			   */
	int64_t retry_delay; /* failed.c: in us, how long is waited for that; 0: as short as can be
			      */
	bool ended;          /* no request is run any more */
	bool settling;       /* order.c: somebody waits for all verdicts */
	Node *writers[FS_N_WRITERS]; /* offer.c: at the thread's number modulo their count; owned */
	uint64_t last_id;
	uint64_t n_nodes, n_handles;
	unsigned n_versions_peak; /* the most there were since memory was given back */
};

/* root_fd: the directory, opened before mounting; taken, on failure too. dir: its absolute path.
 * options, inputs and journal (where its lines go; NULL: nowhere) outlive it. Sweeps what a dead
 * daemon has left. */
int fs_new(const Options *options, Inputs *inputs, Outbox *journal, int root_fd, const char *dir,
	Fs **ret_fs);
Fs *fs_free(Fs *fs);

/* Owned by the file system. */
Journal *fs_journal(Fs *fs);

/* How many outputs stay older than what their steps have read (P15). Takes fs->lock. */
unsigned fs_count_outdated(Fs *fs);

/* The content of .lklfs/status: one line of JSON. Takes fs->lock. */
char *fs_status(Fs *fs);
