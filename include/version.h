/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One content of a name: what the kernel knows as one inode. Its bytes never change while it is
 * exposed, so that the kernel may cache pages and attributes without a limit (hard links are the
 * exception). The struct is open to the modules above, which work on it under fs->lock. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

typedef struct Fs Fs;
typedef struct Handle Handle;
typedef struct Node Node;
typedef struct Stage Stage;
typedef struct Version Version;

typedef enum {
	VERSION_EXPOSED,    /* what everyone sees: the backing file of the name */
	VERSION_STAGED,     /* being written: its session is version->stage */
	VERSION_SUPERSEDED, /* something else has this name now; open handles go on */
} VersionState;

/* There may be a million of them: the order of the members leaves no room between them. */
struct Version {
	uint64_t id; /* the kernel's node id; constant, never used again */
	Node *node;  /* constant, owned */
	/* all of these: fs->lock */
	Stage *stage;       /* owned; while VERSION_STAGED, else NULL */
	uint64_t n_lookups; /* the kernel's count */
	Handle *handles;    /* list of open handles; the request layer's */
	/* what the backing file was when it was exposed; the type with it */
	dev_t dev;
	ino_t ino;
	off_t size; /* bytes */
	struct timespec mtime;
	/* what the kernel was told last; the mode with it, and these four */
	struct timespec ctime; /* by a lookup, or after a change by this name */
	uid_t uid;
	gid_t gid;
	mode_t mode;      /* 0: nothing yet */
	unsigned n_links; /* no file system has more than fit */
	mode_t type;      /* S_IFMT part */
	VersionState state;
	pid_t alone;     /* offer.c: the only thread that has been told of it; 0: others may have */
	bool told;       /* a lookup has told what is staged: an answer with it may be on its way */
	bool refreshing; /* what the kernel was told is not so any more, and it has been asked to
			    ask again */
};

/* All under fs->lock. */

/* A new version of the node, known by its id from now on. It is dropped as soon as nothing holds
 * it: lookups, handles or a stage. */
Version *version_new(Fs *fs, Node *node, VersionState state);

/* NULL if there is no such id. */
Version *version_find(Fs *fs, uint64_t id);

/* Drops the version if neither the kernel, nor a handle, nor a stage holds it. */
void version_drop_unused(Fs *fs, Version *version);

/* The kernel forgets n lookups. */
void version_forget(Fs *fs, Version *version, uint64_t n);

/* Another version has its place: the node does not point to it any more, the stage is let go. */
void version_supersede(Fs *fs, Version *version);

/* Whether the file that st describes still is this version; contents of directories do not count.
 */
bool version_matches(const Version *version, const struct stat *st);

/* Remembers what the kernel is told of it. */
void version_tell(Version *version, const struct stat *st);

/* Whether something was done to the file by another of its names since: the kernel keeps the ctime
 * of each by itself, and believes no other. */
bool version_is_overtaken(const Version *version, const struct stat *st);

/* Whether the file that st describes has the owner, group and mode that the kernel was told: what
 * it checks permissions on. */
bool version_is_told(const Version *version, const struct stat *st);

/* The attributes of what has neither a name nor an open handle any more, as far as they are known.
 * Returns -ESTALE if nothing is. */
int version_gone_stat(const Version *version, struct stat *ret_stat);

/* Remembers what the exposed file is. */
void version_identify(Version *version, const struct stat *st);
