/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests of the kernel: received in order, admitted, run, answered once.
 *
 * request.c receives and orders; request-name.c, request-attr.c, request-dir.c and request-file.c
 * hold the callbacks, which resolve, act, answer once and touch nothing after. */

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <linux/fuse.h>

#include "fs.h"
#include "pin.h"
#include "stage.h"

typedef struct Request Request;

/* The callbacks; the userdata of their session is the Fs. */
extern const struct fuse_lowlevel_ops request_ops;

/* Starts the threads that serve a mounted session. 8 bytes are written to ready_fd (an eventfd)
 * when the kernel's first request has been answered. 0 or -errno. */
int request_start(Fs *fs, struct fuse_session *se, int ready_fd);

/* Returns when the connection has ended and all threads have. */
void request_join(Fs *fs);

/* After request_join(): exposes what is still staged. What cannot be exposed, or is still open for
 * writing and the connection was aborted, so that not all of it may have come, is saved. Returns 0,
 * or -EIO if something could not be exposed. */
int fs_finish(Fs *fs, bool aborted);

/* From here on for the request-*.c alone. */

struct Request {
	/* everything here belongs to the thread that has the request; it has one at a time */
	Fs *fs;
	char *buffer;      /* the raw request */
	size_t size;       /* bytes of it */
	bool pooled;       /* the buffer goes back to the receiver */
	bool again;        /* has waited, and has to be admitted anew */
	bool known;        /* it has been asked who the caller is */
	bool settled;      /* every RELEASE before it has been received */
	unsigned n_passes; /* how often everything queued has been received since */
	uint64_t n_left;   /* of the stage, before the last pass */
	bool flushed;      /* the kernel's dirty pages of the stage have been asked for */
	bool quick;        /* its thread still has receive->lock */
	bool glances;      /* its thread must not wait for what needs a thread like it */
	bool retry;        /* it has been put off: another thread is to run it anew */
	unsigned n_waits;  /* how often it waited for a verdict */
	Process *caller;   /* owned; NULL: unknown */
	Stage *stage;      /* owned; the stage that it is in flight for */
	uint64_t gate;     /* of a request that waits for the receiver: what it waits for */
	GPtrArray *due;    /* Stage, owned: verdicts to see to when the request has been answered */
};

/* The request is going to wait, or take long: if its thread still receives, another one does from
 * now on. fs->lock may be held. */
void request_cede(Request *r);

/* The raw header. */
static inline const struct fuse_in_header *request_header(const Request *r)
{
	return (const struct fuse_in_header *)r->buffer;
}

/* What follows the header. */
static inline const void *request_body(const Request *r)
{
	return r->buffer + sizeof(struct fuse_in_header);
}

/* The request that this thread runs. Thread-local, for libfuse's callbacks have no place to hand it
 * in. */
Request *request_current(void);

/* An open file of the kernel's. */
struct Handle {
	Version *version;     /* constant; holds it */
	Handle *next, **prev; /* the version's list; fs->lock */
	Stage *stage;         /* constant, owned; what it reads and writes, or NULL */
	int fd;               /* constant; an exposed file, for reading; or -1 */
	bool writes;          /* constant; opened for writing */
	bool direct; /* constant; the stage has two ids, whose pages the kernel must not keep */
	char *text;  /* constant, owned; of .lklfs/status */
};

/* The handle whose number the kernel sent. */
static inline Handle *request_handle(const struct fuse_file_info *fi)
{
	return (Handle *)(uintptr_t)fi->fh;
}

static inline Fs *request_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Answers with 0 or an error, given as -errno. */
void request_reply(fuse_req_t req, int r);

/* Counts a lookup and fills the entry; fs->lock held. cached: the kernel may remember the name. */
void request_entry(Fs *fs, Version *version, const struct stat *st, bool cached,
	struct fuse_entry_param *entry);

/* Answers with an entry, and takes the lookup back if the caller has gone. */
void request_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry);

/* A name that is not the build's but our own: its node, or NULL. fs->lock held. */
Node *request_special(Fs *fs, const Node *dir, const char *name);

/* Fills in who owns what we make up. */
void request_special_stat(const Node *node, struct stat *ret_stat);

/* The attributes of a version as the kernel is to see them; fs->lock held. */
int request_stat(Fs *fs, Version *version, struct stat *ret_stat);

/* A file that is kept has links that nobody can see; fs->lock held. */
void request_hide_links(const Fs *fs, struct stat *st);

/* Asks the kernel, later and from a thread that serves nothing, to look the name up anew. fs->lock
 * may be held. */
void request_expire(Fs *fs, Node *node);

/* Asks the kernel, later and from a thread that serves nothing, for the dirty pages of some inodes;
 * then the request comes again. Takes the array. */
void request_flush_later(Request *r, GArray *ids);

/* Asks the kernel, later, to ask for the attributes of a version again. */
void request_refresh(Fs *fs, const Version *version);

/* The kernel is to forget, later, the pages of some inodes, none of which is written. Takes the
 * array. */
void request_drop_pages(Fs *fs, GArray *ids);

/* Whether the kernel may cache what it is told of this file. */
bool request_is_cached(const struct stat *st);

/* Tells the kernel the last byte of a stage, and so its size: an answer on its way may bring back
 * an older one (design 3.3). No lock held. */
void request_store_tail(Fs *fs, uint64_t id, Stage *stage);

/* A buffer of REQUEST_SCRATCH bytes, and giving it back. */
#define REQUEST_SCRATCH (1 << 20)
char *request_scratch_take(Fs *fs);
void request_scratch_give(Fs *fs, char *buffer);

/* If the node has a session that nobody writes after all, its verdict is due. fs->lock held. */
void request_close_idle(Node *node);

/* Frees what the kernel has not released when the connection ended. */
void request_drop_handles(Fs *fs);
void request_drop_listings(Fs *fs);

/* The callbacks by file. */
void request_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void request_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void request_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void request_readlink(fuse_req_t req, fuse_ino_t ino);
void request_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void request_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void request_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void request_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void request_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void request_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags);
void request_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);

void request_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void request_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void request_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags);
void request_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void request_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void request_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void request_statfs(fuse_req_t req, fuse_ino_t ino);

void request_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void request_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void request_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void request_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

void request_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi);
void request_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void request_read(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void request_write(fuse_req_t req, fuse_ino_t ino, const char *buffer, size_t size, off_t offset,
	struct fuse_file_info *fi);
void request_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void request_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi);
void request_lseek(
	fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void request_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void request_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int operation);

/* What a caller that wants to change the bytes of a version works on: a reference to its stage. The
 * first time that a version is not being written the caller is promised a stage, and gets -ESTALE
 * to come again (design 3.1); if it then still names this version, that becomes the stage's.
 * fs->lock held. */
int request_writing_stage(Fs *fs, Version *version, Stage **ret_stage);

/* A hold has begun: whoever sleeps is to look when it ends. */
void request_note_hold(Fs *fs);

/* Makes sure that there is a session on the node for the writer's pin, and holds it. After
 * order_settle(); fs->lock held. */
int request_pin_stage(Fs *fs, Pin *pin, Node *node);
