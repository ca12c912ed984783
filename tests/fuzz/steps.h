/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From bytes to requests. There are two ways to draw them. As programs make the kernel send them:
 * every path is walked before it is used, what is refused with ESTALE is tried again, one request
 * after the other; then what the answers say, and what the directory holds at the end, has to be
 * what a plain tree (tree.h) does. And raw: any inode that is known, any open file, any number,
 * several at once, names that no kernel sends, bodies that are cut short, the directory changed
 * behind the mount; then nothing is asked but that everything is answered, once, and nothing is
 * left over. */

#include "fuzz.h"
#include "kernel.h"
#include "tree.h"

typedef struct Fuzz Fuzz;

struct Fuzz {
	Kernel kernel;
	Bytes in;
	bool raw;
	bool may_fail; /* the directory was changed behind the mount, or is to hold what it may be
			  unable to */
	int root_fd;   /* of that */
	File *root;    /* NULL: raw */
	GHashTable *files;  /* id -> File, owned */
	GHashTable *opened; /* fh -> File, owned */
	pid_t pids[8];      /* who may call */
};

/* Draws. */
char *draw_name(Fuzz *fuzz);
uint64_t draw_dir(Fuzz *fuzz);
/* An inode of a type, of any if it is 0; raw: sometimes any other number. 0: there is none. */
uint64_t draw_inode(Fuzz *fuzz, mode_t type);
/* An open file, or directory; NULL: there is none. */
Open *draw_open(Fuzz *fuzz, bool is_dir);
/* One that is open for writing. */
Open *draw_writer(Fuzz *fuzz);
off_t draw_offset(Fuzz *fuzz);
uint32_t draw_size(Fuzz *fuzz);

/* The plain tree's; NULL if it is raw, or not known. */
File *fuzz_file(const Fuzz *fuzz, uint64_t id);
File *fuzz_opened(const Fuzz *fuzz, const Open *open);
void fuzz_know(Fuzz *fuzz, uint64_t id, File *file);

/* Bodies. */
typedef GByteArray Body;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Body, g_byte_array_unref)
Body *body_new(const void *in, size_t size, const char *name);
#define BODY(in, name) body_new(&(in), sizeof(in), name)

/* Walks to a name; returns its id, or 0. *ret_file: the plain tree's, or NULL. */
uint64_t fuzz_walk(Fuzz *fuzz, uint64_t dir, const char *name, File **ret_file);

/* Sends a request that names an inode or a file; raw: perhaps without waiting for the answer.
 * Returns whether it succeeded as far as is known. */
bool fuzz_call(Fuzz *fuzz, uint32_t opcode, uint64_t id, const Body *body);
bool fuzz_call_open(Fuzz *fuzz, uint32_t opcode, Open *open, const Body *body);

typedef void Step(Fuzz *fuzz);

extern Step *const steps_of_names[];
extern const unsigned n_steps_of_names;
extern Step *const steps_of_files[];
extern const unsigned n_steps_of_files;
