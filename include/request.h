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
 * when the kernel's first request has been answered. 0 or -errno; then some of the threads may run
 * all the same, until the connection ends. */
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
	bool nameless;     /* a CREATE that is to make a file without a name */
	bool known;        /* it has been asked who the caller is */
	bool settled;      /* every RELEASE before it has been received */
	bool in_line;      /* it has waited for the verdicts on all that was closed before */
	unsigned n_passes; /* how often everything queued has been received since */
	uint64_t n_left;   /* of the stage, before the last pass */
	uint64_t last_id;  /* of a FSYNCDIR: the last id when it was received; 0: not yet known */
	uint64_t drained;  /* of its sessions up to this id what was in flight has been answered */
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
	char *text;  /* constant, a GRefString, owned; of .lklfs/status */
};

/* An open file of a version, counted as a writer of the stage if it writes; fs->lock held. stage
 * may be NULL, fd -1; fd is taken. */
Handle *request_handle_new(Fs *fs, Version *version, Stage *stage, int fd, bool writes);

/* Answers with an entry, whose lookup has been counted, and an open file; takes both back if the
 * caller has gone. */
void request_reply_create(
	fuse_req_t req, struct fuse_entry_param *entry, Handle *handle, struct fuse_file_info *fi);

/* If this is a file that has never had a name: gives it one, answers, and returns true. */
bool request_link_nameless(
	fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);

/* Whether a name may be made: it is not ours, and nobody has it. Else -EPERM or -EEXIST, as far as
 * the tree of nodes knows. fs->lock held. */
int request_name_is_free(Fs *fs, Node *dir, const char *name);

/* The handle whose number the kernel sent. */
static inline Handle *request_handle(const struct fuse_file_info *fi)
{
	return (Handle *)(uintptr_t)fi->fh;
}

static inline Fs *request_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Whether the caller may do whatever the daemon may. For everybody else the kernel has checked
 * permissions, on what it was told; where the backing was changed behind our backs since, that is
 * not enough. */
bool request_is_trusted(void);

/* As node_dir_fd(), for something that is done in the directory for the caller. -ESTALE if its mode
 * or owner is not what the kernel was told, which then gets to know. */
int request_dir_fd(Fs *fs, Version *dir, int *ret_fd);

/* The same for the directory that holds the node's name. */
int request_parent_fd(Fs *fs, Node *node, int *ret_fd);

/* Whether the caller may remove or replace this name, if the directory is sticky: 0; -ESTALE if the
 * owner is another than the kernel was told. node: of the name, or NULL. fs->lock held. */
int request_may_remove(int dir_fd, const char *name, const Node *node);

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
void request_special_stat(const Fs *fs, const Node *node, struct stat *ret_stat);

/* The attributes of a version as the kernel is to see them; fs->lock held. */
int request_stat(Fs *fs, Version *version, struct stat *ret_stat);

/* The inode number that is told of a file: the backing's. Other file systems may be mounted below
 * the root, and all are one to whoever looks at the mount; there it is a number that no other file
 * has. */
ino_t request_number(const Fs *fs, dev_t dev, ino_t ino);

/* Answers with attributes, which may be kept for so many seconds. */
int request_reply_attr(fuse_req_t req, const struct stat *st, double timeout);

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

/* The kernel asks for the attributes of this version again, from now on. Only while a request that
 * names it is unanswered, for that keeps the kernel's inode: the kernel has nothing to wait for
 * then. No lock held. */
void request_forget_attributes(Fs *fs, uint64_t id);

/* The kernel is to forget, later, the pages of some inodes, none of which is written. Takes the
 * array. */
void request_drop_pages(Fs *fs, GArray *ids);

/* Whether the kernel may cache what it is told of this file; fs->lock held. */
bool request_is_cached(const Fs *fs, const struct stat *st);

/* Tells the kernel the last byte of a stage, and so its size: an answer on its way may bring back
 * an older one. No lock held. */
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
void request_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);
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
void request_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
void request_setlk(
	fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock, int sleep);
void request_close(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* What a caller that wants to change the bytes of a version works on: a reference to its stage. The
 * first time that a version is not being written the caller is promised a stage, and gets -ESTALE
 * to come again; if it then still names this version, that becomes the stage's.
 * fs->lock held. */
int request_writing_stage(Fs *fs, Version *version, Stage **ret_stage);

/* Exposes what is staged so far, and the session goes on; if it had failed and nobody writes it, it
 * ends after this request, and who writes afterwards begins another. As publish_now(), for the
 * current request; takes stage->lock and fs->lock. */
int request_expose(Fs *fs, Stage *stage, bool durable);

/* Somebody without the privilege to keep them has written: set-id bits go. Those of a file that is
 * there already go when it is exposed. Takes fs->lock. */
void request_drop_set_id(Fs *fs, Stage *stage);

/* A descriptor that is good for changing attributes: of the staging file of a new name, of what is
 * open without a name, else an O_PATH one of the file in the backing. fs->lock held, as for the
 * next four. */
int request_attr_target(Fs *fs, Version *version, int *ret_fd);

/* Whether what has the name is the owner's whom the kernel was told: 0 or -ESTALE. */
int request_attr_check(Fs *fs, Version *version);

/* A file without a name is about to change: it cannot come back as it was. */
void request_attr_release(Fs *fs, const Version *version, int fd);

/* What the kernel has cached of the other versions of the name is not so any more. */
void request_attr_changed(Fs *fs, Version *version);

/* The kernel is about to remember times that are not the file's. The first time the call is
 * refused, to come again with a name that is not cached; then the version is superseded by whatever
 * the next lookup finds. Where the call would not come again, for it came by a descriptor, the name
 * is expired instead, which takes a moment. */
int request_attr_uncache(Fs *fs, Version *version);

/* A hold has begun: whoever sleeps is to look when it ends. */
void request_note_hold(Fs *fs);

/* The session on a node that may be written now, begun if need be: borrowed, and open. -ESTALE if
 * the name has gone. After order_settle(); fs->lock held. */
int request_session(Fs *fs, Node *node, Stage **ret_stage);

/* Makes sure that there is a session on the node for the writer's pin, and holds it. After
 * order_settle(); fs->lock held. */
int request_pin_stage(Fs *fs, Pin *pin, Node *node);
