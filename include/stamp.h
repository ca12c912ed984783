/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The times of files in the backing, set so that they are set: where one time of two is passed over
 * in silence, both are given. Each call takes a descriptor of the directory and one name in it, and
 * never follows a symbolic link. Returns are 0 or -errno. */

#include <time.h>

/* As utimensat(2). */
int stamp_set(int dir_fd, const char *name, const struct timespec times[static 2]);
/* As futimens(3). */
int stamp_set_open(int fd, const struct timespec times[static 2]);

/* Moves the mtime to now by the backing file system's own clock, so that no two neighbours tie. A
 * regular file must be open for writing, and nobody else may be changing its size. */
int stamp_now(int fd);
/* The same for whatever has the name. */
int stamp_now_name(int dir_fd, const char *name);

/* What to set so that the mtime of a directory is again what it is now, after something in it has
 * been changed. */
void stamp_save_dir(int dir_fd, struct timespec ret_times[static 2]);
/* Sets it back, where its owner permits. */
void stamp_restore_dir(int dir_fd, const struct timespec times[static 2]);
