/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a kernel that works never sends, and what would lead beyond a request's end, or out of the
 * directory that it names. Numbers of inodes are looked up, and numbers of open files are the
 * kernel's to keep right. */

#include <linux/fuse.h>
#include <stddef.h>

/* Whether a request is as long as it says, has all that its kind has, and names only what a
 * directory can hold: 0, -EINVAL or -ENAMETOOLONG, which is what it is to be answered with. size:
 * bytes of it, a header's at least. */
int request_check(const struct fuse_in_header *header, size_t size);
