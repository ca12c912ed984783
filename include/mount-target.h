/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The directories that are to be mounted over, found and opened before any of them is. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

typedef struct Target Target;

struct Target {
	const char *name;   /* as given; not owned */
	char *dir;          /* absolute and canonical; NULL: not found */
	int fd;             /* of what is to be hidden, once opened; or -1 */
	struct stat status; /* of the same; zero: not known */
};

void target_init(Target *target, const char *name);

/* Frees what the struct owns; the struct itself stays the caller's. */
void target_clear(Target *target);

/* Finds each dir. mkdir: creates those that are missing. -EINVAL: one is missing, is no directory,
 * is /, is given twice or lies within another; another -errno: only the machine refuses it. Both
 * are said. */
int target_find(Target *targets, size_t n, bool mkdir);

/* Opens each, once found. A mount of a daemon that has died is taken away; where an lklfs lives,
 * around it and inside it is refused, and so is, unless read_only, what nobody can write. -errno is
 * said. */
int target_open(Target *targets, size_t n, bool read_only);
