/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machine's view of mounts: the mount table, mounting's helpers, who uses a mount. Nothing here
 * touches a mounted lklfs from this process; what must is done by a short-lived child. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct Mount Mount;

/* A line of mountinfo(5). */
struct Mount {
	int id, parent_id;
	unsigned major, minor;
	char *root; /* what of the file system is mounted: "/" unless it is a bind mount */
	char *dir;  /* where */
	char *type;
	uid_t uid; /* FUSE: who mounted it, the only one let in without allow_other */
	gid_t gid;
};

/* The lines of a mountinfo text, in its order; lines that make no sense are left out. Array of
 * Mount. */
GPtrArray *helper_parse_mounts(const char *text);

/* The same of this process's own. -errno is said. */
int helper_read_mounts(GPtrArray **ret_mounts);

/* The mount that a path walk to dir (absolute, canonical) ends on, if dir is a mount point, or
 * NULL: of several on top of each other the topmost, and none that is hidden by a mount further up.
 */
const Mount *helper_top_mount(const GPtrArray *mounts, const char *dir);

/* The mount that a path walk to dir (absolute, canonical) ends in. NULL: that of our root, which
 * need not be listed. */
const Mount *helper_mount_around(const GPtrArray *mounts, const char *dir);

/* The mount that this one was put on, if it was put on its very root, or NULL. */
const Mount *helper_mount_below(const GPtrArray *mounts, const Mount *mount);

bool helper_is_lklfs(const Mount *mount);

/* Whether path is dir or below it. Both absolute and canonical. */
bool helper_is_inside(const char *path, const char *dir);

/* The canonical absolute path of path, whose last component need not exist. A mount on it is not
 * touched; a symbolic link to it is followed. -errno is not said. */
int helper_resolve(const GPtrArray *mounts, const char *path, char **ret_dir);

/* The content of DIR/.lklfs/status, whose answer also means that the daemon has received every
 * request that was queued before. -ENOTCONN: the daemon is gone. -ETIMEDOUT: it does not answer.
 * -EACCES: somebody else's. ret_text may be NULL. */
int helper_read_status(const Mount *mount, int timeout_ms, char **ret_text);

/* The same, after every file that has been closed is exposed, or could not be, once more. */
int helper_settle(const Mount *mount, int timeout_ms, char **ret_text);

/* The same of DIR/.lklfs/journal. */
int helper_read_journal(const Mount *mount, int timeout_ms, char **ret_text);

/* The path of fusermount3, as libfuse looks for it. -ENOENT. */
int helper_find_fusermount(char **ret_path);

/* Unmounts this very mount, which has to be a top mount; it is no error if it is gone. -EBUSY,
 * unless lazy: then it is detached now, and ends when nobody uses it any more. -errno is not said.
 */
int helper_unmount(const Mount *mount, bool lazy);

/* Ends the connection of a FUSE mount, as if its daemon had died. -errno is not said. */
int helper_abort(unsigned minor);

/* Waits until mount is in the table no longer. -ETIMEDOUT. */
int helper_wait_gone(const Mount *mount, int timeout_ms);

/* Whether process pid uses a mount of the file system of that minor: working directory, root, an
 * open file, a mapped file, or a mount of it in a namespace of its own. No permission to look means
 * no. */
bool helper_is_holder(pid_t pid, unsigned minor);

/* Every process there is, ourselves left out. Array of pid_t. */
GArray *helper_processes(void);

/* "PID (NAME), PID (NAME), ..." of the processes that hold it; empty if none is known. */
char *helper_name_holders(unsigned minor);
