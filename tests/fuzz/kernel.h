/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's side of a FUSE connection, without a kernel: a socket that keeps messages apart, of
 * which the request layer has the other end. It keeps what the kernel keeps and a user cannot
 * break: which inodes are looked up how often, which files are open, and that neither goes while a
 * request names it. Each request is answered once, and what the answer holds is checked. A single
 * thread. */

#include <glib.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs.h"

typedef struct Kernel Kernel;
typedef struct Inode Inode;
typedef struct Open Open;
typedef struct Call Call;

/* An inode that the file system has told of. */
struct Inode {
	uint64_t id, n_lookups;
	uint32_t mode;
	unsigned n_users; /* open files and requests that name it */
};

/* An open file or directory. */
struct Open {
	uint64_t fh, id;
	uint32_t flags;
	bool is_dir;
	unsigned n_calls; /* unanswered requests that name it */
};

/* A request that has not been answered. */
struct Call {
	uint64_t unique, id, fh;
	uint32_t opcode;
	uint32_t flags; /* of an open */
	uint32_t size;  /* that a read asks for */
};

struct Kernel {
	/* who calls */
	pid_t pid;
	uid_t uid;
	unsigned cut; /* so many bytes are missing at the end of the next request that can do
			 without */
	bool later;   /* kernel_call() does not wait for the answer */

	/* the last answer to a call that was waited for */
	int error;
	uint64_t id, fh;    /* of what it opened or looked up, else 0 */
	uint32_t n;         /* bytes written */
	const char *answer; /* what came behind its header */
	size_t answer_size;

	/* kernel.c's */
	Options options;
	Inputs *inputs;
	Fs *fs;
	struct fuse_session *se;
	int fd, ready_fd;
	uint64_t unique;
	GPtrArray *inodes; /* Inode, owned; the first is the root */
	GPtrArray *opens;  /* Open, owned */
	GPtrArray *calls;  /* Call, owned */
};

/* Serves the directory root_fd (taken), called dir. options: taken over. */
void kernel_begin(Kernel *kernel, const Options *options, int root_fd, const char *dir);

/* Answers what waits, closes what is open, forgets what is known, and ends the connection. Returns
 * what fs_finish() does. */
int kernel_end(Kernel *kernel);

/* Sends a request, and waits for the answer unless kernel->later. */
void kernel_call(Kernel *kernel, uint32_t opcode, uint64_t id, const GByteArray *body);

/* The same for one that names an open file. */
void kernel_call_open(Kernel *kernel, uint32_t opcode, Open *open, const GByteArray *body);

/* Closes it; not while a request names it. */
void kernel_release(Kernel *kernel, Open *open, uint32_t flags, uint64_t lock_owner);

/* Forgets n lookups, or all, of some inodes that nothing names. */
void kernel_forget(Kernel *kernel, Inode *const *inodes, unsigned n_inodes, uint64_t n);

/* Interrupts the oldest request that has not been answered. */
void kernel_interrupt(Kernel *kernel);

Inode *kernel_inode(const Kernel *kernel, uint64_t id);
Open *kernel_opened(const Kernel *kernel, uint64_t fh);
