/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The private next version of a file while it is being written, and the session that writes it.
 *
 * The content is what the backing file has, as far as it is known to be equal (ranges), or a
 * staging file from the first difference on. It is under stage->lock. The state of the session is
 * under fs->lock, which may be taken while stage->lock is held, not the other way round. */

#include <pthread.h>

#include "compare.h"
#include "fs.h"
#include "step.h"

typedef enum {
	STAGE_OPEN,      /* being written, or promised to somebody who is about to open it */
	STAGE_UNDECIDED, /* the last writer has closed; the verdict is being reached, or waits for
			    those on sessions that were closed before */
	STAGE_FAILED,    /* the verdict could not be carried out (P17): it is reached anew later */
	STAGE_DONE,      /* exposed or dropped; handles may go on reading it */
} StageState;

struct Stage {
	int n_refs; /* atomic */
	Node *node; /* constant, owned */
	/* the session: fs->lock */
	StageState state;   /* stage_set_state() */
	GList line;         /* in fs->undecided while it is */
	Version *version;   /* the kernel's id for it; not owned; NULL once the session has ended */
	GPtrArray *aliases; /* Versions served on it besides (opened without a lookup); not owned */
	bool storing;       /* the kernel is being told the size: who opens it for writing waits */
	bool direct; /* two ids, or old readers on one of them: the kernel must not cache writes */
	unsigned n_writers;  /* writing handles whose RELEASE has not been received */
	unsigned n_pins;     /* threads that have been promised it */
	unsigned n_inflight; /* requests received for it and not answered yet */
	uint64_t n_left;     /* how many of those have been answered */
	GQueue parked;       /* requests that wait for the verdict */
	GQueue draining;     /* requests that wait until none is in flight */
	GPtrArray *openers;  /* Process, owned: who opened it for writing */
	bool other_names;    /* the exposed file had some when the session's own name went */
	unsigned n_exposing; /* threads that expose it though it goes on, or has failed */
	bool deciding;       /* somebody has been told to see to the verdict, and it is its turn,
				as far as he has not found out otherwise */
	bool seen;           /* another step has looked at it: it cannot count as unchanged (P10) */
	bool opened;         /* another step has opened it, and may see what is staged next */
	bool unknown;        /* somebody who cannot be identified has opened it for writing */
	bool by_driver;      /* a build driver itself writes it (P16) */
	bool nameless;       /* made without a name, and has got none yet */
	bool touched;        /* "now" has been asked for within the session (P11) */
	bool audited;        /* in an audit it has been exposed so far, though it would not be */
	bool moved;          /* it has got another name: others may have seen other bytes there */
	bool times_set;      /* a writer set the mtime, and wrote nothing after that */
	struct timespec mtime;      /* that mtime; for the kernel's reports the last one heard */
	struct timespec told_ctime; /* of a new name: what fstat says (P6) */
	struct timespec began;      /* CLOCK_REALTIME_COARSE */
	int64_t began_us;           /* the same, monotonic */
	bool drop_set_id;           /* somebody without the privilege to keep them wrote */
	int failed; /* -errno: it could not be exposed, and has not been since, so that
		       it is what everybody reads (P17), also when it is written
		       again; 0: failed.c */

	pthread_mutex_t lock; /* the content: all that follows */
	/* is_new, base_fd and told_fd are changed under both locks, so that either suffices to read
	 * them */
	bool is_new; /* a new name: not in the backing */
	int base_fd; /* what is exposed, to compare with; -1 for a new name */
	off_t base_size;
	ino_t base_ino; /* of what is exposed, which other names may lead to; 0 for a new name.
			   fs->lock */
	int told_fd; /* of the file whose inode number is told as long as the session lasts, though
			another has been exposed in between: then nobody else gets that number;
			-1: the number is that of what is exposed */
	bool shared; /* atomic: the exposed inode has other names, and so may change: nothing counts
			as equal */
	int fd;      /* the staging file; -1 as long as nothing differs */
	char *hidden;  /* its hidden name where files without a name cannot be had; else NULL */
	char *through; /* the hidden name under which it is being written through; NULL: it is not.
			  fs->lock */
	bool left;     /* that is the name of what was staged when it was written through in part;
			  the staging file is another one by now. fs->lock */
	bool torn;     /* the exposed inode has been written through in part; changed under both
			  locks */
	GArray *stale; /* owned; ids of which the kernel is to forget the pages; NULL: none.
			  fs->lock */
	Range claim;   /* while fd is -1: room that has been asked for; empty: none */
	Ranges equal;  /* while fd is -1: where the content is the exposed one; elsewhere zeros */
	bool resized;  /* atomic: the size has changed since it began */
	bool shrunk;   /* atomic: it has been smaller than before */
	_Alignas(8) off_t size; /* atomic; an off_t begins at 4 on i386 */
	off_t difference;       /* where the first one was seen */
	bool dirty;             /* atomic: something was written, stored or truncated */
	int error; /* the first failure of a write, -errno: then the content is not what was written
		    */
};

/* Begins a session on an existing file, which nobody has opened for writing yet; fs->lock held. The
 * node gets a reference to it. */
int stage_begin(Fs *fs, Node *node, Stage **ret_stage);

/* Begins a session on a new name with the mode, creator's umask and owner given; fs->lock held. */
int stage_create(Fs *fs, Node *node, mode_t mode, mode_t umask, uid_t uid, gid_t gid,
	Process *opener, Stage **ret_stage);

/* Begins a session on a file that is made in this directory without a name, on a node of its own;
 * -EOPNOTSUPP where the backing cannot. stage_name() gives it a name, if it ever gets one. fs->lock
 * held. */
int stage_create_nameless(Fs *fs, Node *dir, mode_t mode, mode_t umask, uid_t uid, gid_t gid,
	Process *opener, Stage **ret_stage);

/* Gives a file without a name this one, which must be free: it is a new name from now on. If its
 * session has ended, another one begins, which nobody writes. Returns a borrowed reference to the
 * session. fs->lock held. */
int stage_name(Fs *fs, Stage *stage, Node *dir, const char *name, Stage **ret_stage);

Stage *stage_ref(Stage *stage);
/* fs may be NULL only if the stage is not the last reference's; fs->lock held. */
Stage *stage_unref(Fs *fs, Stage *stage);

/* The version becomes an id of the stage: its only one, if nobody knows of the other yet. fs->lock
 * held. */
void stage_serve_on(Fs *fs, Stage *stage, Version *version);

/* The session goes on under another name, or in another directory, or under one more; fs->lock
 * held.
 */
void stage_move(Stage *stage);

/* That of a name that has been moved, and those of all names below it; fs->lock held. */
void stage_move_below(Fs *fs, const Node *moved);

/* The exposed inode has several names; fs->lock held. */
void stage_share(Fs *fs, Stage *stage);

/* Whether a session may change the inode of this number, by whatever name; fs->lock held. */
bool stage_is_shared(const Fs *fs, ino_t ino);

/* A process (NULL: unknown) opens it for writing, and is one of the openers from now on; fs->lock
 * held. */
void stage_join(Stage *stage, Process *opener);

/* Whether process belongs to the family (P5); fs->lock held. */
bool stage_is_family(const Stage *stage, const Process *process);

/* Whether process sees what is staged, and not what is exposed; fs->lock held. */
bool stage_is_shown(const Stage *stage, const Process *process);

/* process is told size or times (bytes: opens the bytes) of what is staged; fs->lock held. */
void stage_look(Stage *stage, const Process *process, bool bytes);

/* Everybody who has opened it for writing has looked at the name, and at other bytes than what is
 * exposed there; fs->lock held. */
void stage_note_openers(Fs *fs, const Stage *stage);

/* Somebody opens it, without truncating it. Returns whether the kernel is to be told the size
 * before he gets on: stage->storing is set then. The kernel can be told a larger one only, so what
 * may have shrunk is not cached from now on. fs->lock held. */
bool stage_begin_store(Stage *stage);

/* Either lock. */
bool stage_is_new(const Stage *stage);

/* If nobody writes it or is about to, the session is undecided from now on; fs->lock held. Returns
 * true if nothing is in flight, so that the caller has to see to the verdict at once. */
bool stage_close(Fs *fs, Stage *stage);

/* Changes stage->state, and with that its place in the line of those that are undecided; fs->lock
 * held. Whoever takes the first one away sees to stage_next(). */
void stage_set_state(Fs *fs, Stage *stage, StageState state);

/* Whether its verdict is the next one; fs->lock held. */
bool stage_is_next(const Fs *fs, const Stage *stage);

/* The session whose verdict is the next one, if nothing is in flight for it and nobody has been
 * told to see to it: the caller has to, then. Else NULL. fs->lock held. */
Stage *stage_next(Fs *fs);

/* A request for the content is received, and answered; fs->lock held. The second returns true if
 * the caller has to see to the verdict. */
void stage_enter(Stage *stage);
bool stage_leave(Stage *stage);

/* Whether the exposed file has names left, though the one that the session is on has gone: what is
 * written is to be seen by them. fs->lock held. */
bool stage_is_missed(const Fs *fs, const Stage *stage);

/* The file with this inode number has been put back under a name: what is written by sessions whose
 * name has gone is not for it. fs->lock held. */
void stage_came_back(Fs *fs, ino_t ino);

/* The name has gone. What could not be exposed is tried again as long as it is missed, and dropped
 * else; fs->lock held. */
void stage_out_of_sight(Fs *fs, Stage *stage);

/* The session has ended: all its ids are superseded, except keep, which stays for the caller; the
 * node lets go of it; fs->lock held. */
void stage_end(Fs *fs, Stage *stage, Version *keep);

/* It has been written through, or never will be; fs->lock held. */
void stage_drop_through(Fs *fs, Stage *stage);

/* It is not going to be written through now: its staging file, which cannot be without a name any
 * more, has a hidden name like any other from now on, which a sweep removes; fs->lock held. */
void stage_hide_through(Fs *fs, Stage *stage);
void stage_drop_hidden(Fs *fs, Stage *stage);

/* Nobody writes it, and everybody is to read it: if what the kernel has in mind of its ids cannot
 * be relied upon, it gets another one; fs->lock held. */
void stage_renumber(Fs *fs, Stage *stage);

/* The stage whose attributes are those of the version: its own, or that of its name as long as the
 * backing does not have it. NULL: none; fs->lock held. */
Stage *stage_of(const Version *version);

/* If it has failed, it is undecided again. Returns true if the caller has to see to the verdict;
 * fs->lock held. */
bool stage_decide_anew(Fs *fs, Stage *stage);

/* The attributes of what is staged; fs->lock held. */
int stage_stat(const Stage *stage, struct stat *ret_stat);

/* If r says that the disk is full: gives up what is only kept. False if there was nothing. Takes
 * fs->lock. */
bool stage_make_room(Fs *fs, int r);
