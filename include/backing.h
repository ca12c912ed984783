/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tree underneath the mount: the only place that names files on disk. Every call takes a
 * descriptor of the directory and one name in it, never follows a symbolic link, and so cannot lead
 * out of the tree. Returns are 0 or -errno. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* Names that begin so belong to lklfs: never shown, never made by anybody else, swept at mount. */
#define BACKING_HIDDEN_PREFIX ".lklfs-stage-"

bool backing_is_hidden(const char *name);

/* An O_PATH descriptor of a directory. */
int backing_open_dir(int dir_fd, const char *name, int *ret_fd);
/* A descriptor to list a directory with. */
int backing_open_list(int dir_fd, int *ret_fd);
/* An O_PATH descriptor of anything, links included. */
int backing_open_path(int dir_fd, const char *name, int *ret_fd);
/* A descriptor to read a regular file; does not move its atime if that can be had. */
int backing_open_read(int dir_fd, const char *name, int *ret_fd);
/* A descriptor of a regular file that may be written, but not read. Its owner reads it all the
 * same, by way of another mode for a moment; for anybody else nothing in it counts as equal. */
int backing_open_unreadable(int dir_fd, const char *name, int *ret_fd);
/* Whether a file could be opened for writing, as far as the file system itself has a say: -EROFS,
 * or -EPERM for one that is immutable, or to which can only be appended. fd: open for reading. */
int backing_may_write(int dir_fd, const char *name, int fd);
/* A descriptor to write and read a regular file in place (P14). */
int backing_open_write(int dir_fd, const char *name, int *ret_fd);
/* Opens once more, for reading, what fd is a descriptor of. */
int backing_reopen_read(int fd, int *ret_fd);
/* The same so that reading does not move its atime. */
int backing_reopen_quietly(int fd, int *ret_fd);
/* The same for writing, too. */
int backing_reopen_write(int fd, int *ret_fd);

/* As it is, even if the backing is a file system that caches attributes by name: there another name
 * of the same file may have had its number of links and its size changed. */
int backing_stat(int dir_fd, const char *name, struct stat *ret_stat);
int backing_stat_open(int fd, struct stat *ret_stat);
/* Whether there is something of this name; an error is neither. */
int backing_find(int dir_fd, const char *name, bool *ret_found);
bool backing_exists(int dir_fd, const char *name);

/* A new regular file without a name. mode: as of open(2), subject to the directory's default ACL.
 * Where the file system has no such thing, it gets the hidden name that is put into *ret_hidden (to
 * free), else that is NULL. If ret_hidden is NULL, there it fails. */
int backing_stage(int dir_fd, mode_t mode, int *ret_fd, char **ret_hidden);

/* To the end of the enclosing block, what this thread makes gets the group gid, or that of its
 * directory where the file system wants it so (set-group-ID, or mounted with bsdgroups). A daemon
 * that is not root's cannot choose. */
#define AS_GROUP(gid)                                                                              \
	__attribute__((cleanup(backing_group_end), unused)) gid_t as_group =                       \
		backing_group_begin(gid)
gid_t backing_group_begin(gid_t gid);
void backing_group_end(const gid_t *gid);

/* Gives a new file to its creator; mode is the one that it was made with. */
int backing_own(int fd, mode_t mode, uid_t uid);

/* The mode of what is made in this directory: the umask counts unless the directory has a default
 * ACL. */
mode_t backing_mode(int dir_fd, mode_t mode, mode_t umask);

/* Removes a hidden name of a file. The times of the directory stay as they are, where its owner
 * permits: the name has never been there. */
int backing_drop(int dir_fd, const char *hidden);

/* Gives a file without a name the name, which must be free (-EEXIST). */
int backing_link(int fd, int dir_fd, const char *name);

/* Puts a staged file in the place of name, atomically; fresh if nothing is expected to be there.
 * *hidden is the name that it has already, or NULL, as it is afterwards; after a failure, where the
 * file could not be without a name any more, the one that it has got. The times of the directory
 * stay as they are, where its owner permits. */
int backing_expose(int fd, char **hidden, int dir_fd, const char *name, bool fresh);

/* Gives a staged file a hidden name that says which inode its bytes are being written through to:
 * the one that to_fd is a descriptor of. It gets that instead of *hidden, the one that it has, or
 * NULL. Returns the name, to free, or NULL if it cannot be had. A sweep finishes the writing. */
char *backing_link_through(int fd, char **hidden, int dir_fd, int to_fd);

/* The reverse, before anything has been written: a plain hidden name, to free. */
int backing_hide_through(int dir_fd, const char *through, char **ret_hidden);

/* Of a hidden name: whether a daemon has made it; others are somebody's own. */
bool backing_is_made(const char *hidden);

/* Of a hidden name: whether it is such a one, and for which inode, made when (0: that is not
 * known). backing_is_born() tells whether that is this file. */
bool backing_is_through(const char *hidden, ino_t *ret_ino, uint64_t *ret_birth);
bool backing_is_born(int fd, uint64_t birth);

/* Of a hidden name: whether the daemon that it belongs to may be living. */
bool backing_is_living(const char *hidden);

/* A hidden directory to keep files in: its name, to free, and an O_PATH descriptor. */
int backing_make_store(int root_fd, char **ret_name, int *ret_fd);
/* Removes it, with what is in it. */
void backing_remove_store(int root_fd, const char *name);
/* Moves a kept file to its name, in place of what is there. The times of the directory stay as they
 * are, where its owner permits. */
int backing_put_back(int store_fd, const char *kept, int dir_fd, const char *name);

/* Moves the mtime of a directory to now, as when a name appears in it or leaves it. */
void backing_touch_dir(int dir_fd);

/* Carries owner, mode, atime, ACL and extended attributes over as a write in place would leave
 * them: file capabilities are dropped, set-id bits if drop_set_id. Fails if not all of it can be
 * carried. */
int backing_carry(int from_fd, int to_fd, bool drop_set_id);

/* The mode without the set-id bits that go when somebody writes who may not keep them. */
mode_t backing_mode_after_write(mode_t mode);

/* Whether no program has given this symbolic link extended attributes: trusted.* then, for user.*
 * cannot be on one, and security.* come from the system's policy. */
bool backing_link_is_plain(int dir_fd, const char *name);

/* Makes owner, mode, ACL and extended attributes of one file those of another, as a rename over it
 * would; touches nothing that is so already. Fails if not all of it can be had. */
int backing_assume(int from_fd, int to_fd);

/* By O_PATH descriptor: mode, owner (-1 leaves it). What is so already is left alone (P12). */
int backing_chmod(int path_fd, mode_t mode);
int backing_chown(int path_fd, uid_t uid, gid_t gid);
