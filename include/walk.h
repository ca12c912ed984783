/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Goes through the tree below a directory. However deep that is, two descriptors are open at a
 * time, and nothing recurses. Symbolic links are not followed. */

#include <stdbool.h>

/* Called for each entry of a directory, once all its names have been read, so that they may be
 * changed. token: what the entry's directory was given. Returns whether to enter a directory, after
 * all entries beside it; it is given *ret_token, or NULL. */
typedef bool (*WalkVisit)(
	int dir_fd, const char *name, bool is_dir, void *token, void **ret_token, void *data);

/* fd: of the directory, for listing; taken. token: what it is given. Returns 0, or the first error
 * if not everything could be visited: -errno. */
int walk_tree(int fd, void *token, WalkVisit visit, void *data);
