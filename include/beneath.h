/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Directories below the root of the backing, by their path. */

#include <stdbool.h>

/* Whether the kernel can walk a whole path that must not leave the root: openat2(2), which is there
 * from Linux 5.6 on, but may be forbidden. */
bool beneath_is_possible(int root_fd);

/* An O_PATH descriptor of a directory. path is relative, of plain names. No symbolic link is
 * followed; what has been moved out of the root is not reached if the whole path is walked at once
 * (whole), else it is walked name by name. Returns 0 or -errno: -ESTALE if there is no such
 * directory there. */
int beneath_open_dir(int root_fd, const char *path, bool whole, int *ret_fd);
