/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is in the directory when everything is closed: names and bytes, as on any file system.
 * Staging, comparing and putting back must not show there. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct File File;

/* A file, directory, link or special file, by whichever names. */
struct File {
	mode_t type;
	GByteArray *bytes; /* of a regular file, or a link's target */
	GHashTable *names; /* of a directory: name -> File, owned */
	bool nameless;     /* has never had a name */
	bool is_shared;    /* has had two at once */
	unsigned n_refs;
};

File *file_new(mode_t type);
File *file_ref(File *file);
void file_unref(File *file);

/* Its bytes as after pwrite(2), ftruncate(2), and what leaves zeros. */
void file_write(File *file, const void *bytes, size_t size, off_t offset);
void file_resize(File *file, off_t size);
void file_zero(File *file, off_t offset, off_t length);

/* The name in a directory: NULL if it is free. */
File *file_find(const File *dir, const char *name);
/* file NULL: the name goes. */
void file_name(File *dir, const char *name, File *file);
void file_rename(File *dir, const char *name, File *to, const char *new_name, unsigned flags);

/* Makes what is in the directory that a descriptor is of. */
void file_make(const File *dir, int fd);

/* Asserts that there is nothing else in it, and that all bytes are the same. */
void file_check(const File *dir, int fd);
