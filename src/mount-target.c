/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever can be refused is refused before anything is mounted, in one sentence. What is wrong
 * with the command line comes before what is wrong with the machine, for --or-plain forgives only
 * that. A live lklfs is not looked at: it might hang. */

#include "mount-target.h"

#include "log.h"
#include "mount-daemon.h"
#include "mount-helper.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

/* fusermount3 does not find a longer line of the mount table, in which a path stands twice. */
#define MOUNT_LINE_MAX 4096
#define MOUNT_LINE_REST 256  /* what else is in it */
#define DEAD_TIMEOUT_MS 2000 /* how long a mount may take to show that it is not dead */

/* A mount that is there already is refused if it lives, and taken away if its daemon is gone. */
static int replace_dead(const char *dir)
{
	for (;;) {
		g_autoptr(GPtrArray) mounts = NULL;
		const Mount *top;
		int r;

		r = helper_read_mounts(&mounts);
		if (r < 0)
			return r;
		top = helper_top_mount(mounts, dir);
		if (!top || !helper_is_lklfs(top))
			return 0;
		r = helper_read_status(top, DEAD_TIMEOUT_MS, NULL);
		if (r == -ETIMEDOUT && daemon_bury(top) == 0)
			r = -ENOTCONN;
		if (r != -ENOTCONN) {
			log_error("%s is mounted with lklfs already: to mount it anew, first lklfs "
				  "umount it",
				dir);
			return -EBUSY;
		}
		r = helper_unmount(top, true);
		if (r < 0)
			return log_errno(r, "cannot take away the dead mount on %s", dir);
	}
}

/* Whether it is the command line that is wrong, not the machine. */
static bool is_usage(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EEXIST;
}

static void refuse_dir(int r, const char *name)
{
	if (r == -ENOENT)
		log_error("%s does not exist: create it, or add --mkdir", name);
	else if (r == -ENOTDIR)
		log_error("%s is not a directory: only a directory can be mounted over", name);
	else if (r == -EACCES)
		log_error(
			"%s cannot be read: whoever mounts needs permission to read the directory",
			name);
	else
		log_errno(r, "cannot open %s", name);
}

/* Creates a directory that is missing, its parents too. One that is a mount is not looked at.
 * -errno is not said. */
static int make_dir(const GPtrArray *mounts, const char *name)
{
	g_autofree char *dir = NULL;

	if (helper_resolve(mounts, name, &dir) == 0 && helper_top_mount(mounts, dir))
		return 0;
	return g_mkdir_with_parents(name, 0777) < 0 ? -errno : 0;
}

/* Fills in dir, and status unless it is mounted with an lklfs, which may hang. -errno is not said.
 */
static int find_one(Target *target, const GPtrArray *mounts)
{
	const Mount *top;
	int r;

	r = helper_resolve(mounts, target->name, &target->dir);
	if (r < 0)
		return r;
	top = helper_top_mount(mounts, target->dir);
	if (top && helper_is_lklfs(top))
		return 0;
	if (stat(target->dir, &target->status) < 0)
		return -errno;
	return S_ISDIR(target->status.st_mode) ? 0 : -ENOTDIR;
}

/* An overlay of an overlay could not write, and one around another would hide it. */
static int refuse_nested(const char *dir)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const Mount *around;
	int r;

	r = helper_read_mounts(&mounts);
	if (r < 0)
		return r;
	around = helper_mount_around(mounts, dir);
	if (around && helper_is_lklfs(around)) {
		log_error("%s lies inside the lklfs mount on %s, which serves it already", dir,
			around->dir);
		return -EBUSY;
	}
	for (guint i = 0; i < mounts->len; i++) {
		const Mount *mount = mounts->pdata[i];

		if (!helper_is_lklfs(mount) || !helper_is_inside(mount->dir, dir) ||
			helper_top_mount(mounts, mount->dir) != mount)
			continue;
		log_error("the lklfs mount on %s lies inside %s: first lklfs umount it", mount->dir,
			dir);
		return -EBUSY;
	}
	return 0;
}

/* An ordinary user could mount over it, but not unmount. */
static int refuse_long(const char *dir)
{
	size_t n = 0;

	for (const char *p = dir; *p; p++)
		n += strchr(" \t\n\\#", *p) ? 4 : 1;
	if (geteuid() == 0 || 2 * n + MOUNT_LINE_REST < MOUNT_LINE_MAX)
		return 0;
	log_error("%s is too long a path for fusermount3, which could not unmount it: mount over a "
		  "directory above it",
		dir);
	return -ENAMETOOLONG;
}

/* All would seem to go well until a first file could not be exposed. */
static int refuse_read_only(const Target *target)
{
	struct statvfs st;

	if (fstatvfs(target->fd, &st) < 0 || !(st.f_flag & ST_RDONLY))
		return 0;
	log_error("%s is on a file system that is mounted read-only: remount that writable, or "
		  "mount lklfs with -o ro, too",
		target->name);
	return -EROFS;
}

static int open_one(Target *target, bool read_only)
{
	int r;

	r = refuse_long(target->dir);
	if (r < 0)
		return r;
	r = replace_dead(target->dir);
	if (r < 0)
		return r;
	r = refuse_nested(target->dir);
	if (r < 0)
		return r;
	target->fd = open(target->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->fd < 0 || fstat(target->fd, &target->status) < 0) {
		r = -errno;
		refuse_dir(r, target->name);
		return r;
	}
	return read_only ? 0 : refuse_read_only(target);
}

static int refuse_pair(const Target *a, const Target *b)
{
	FileId a_id = file_id(&a->status), b_id = file_id(&b->status);

	if (!a->dir || !b->dir)
		return 0;
	if (!strcmp(a->dir, b->dir) || (a->status.st_ino && file_id_equal(&a_id, &b_id)))
		return log_error("%s is given twice: leave one of them out", b->dir);
	if (helper_is_inside(b->dir, a->dir))
		return log_error("%s lies inside %s: mount the outer one alone", b->dir, a->dir);
	if (helper_is_inside(a->dir, b->dir))
		return log_error("%s lies inside %s: mount the outer one alone", a->dir, b->dir);
	return 0;
}

static int check_pairs(const Target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			int r = refuse_pair(&targets[j], &targets[i]);

			if (r < 0)
				return r;
		}
	return 0;
}

void target_init(Target *target, const char *name)
{
	*target = (Target){.name = name, .fd = -1};
}

void target_clear(Target *target)
{
	g_clear_pointer(&target->dir, g_free);
	fd_clear(&target->fd);
}

/* Says what is wrong with a target that could not be found, unless it is the machine that is. */
static int refuse_usage(const Target *target, int r)
{
	if (is_usage(r)) {
		refuse_dir(r, target->name);
		return -EINVAL;
	}
	if (target->dir && !strcmp(target->dir, "/"))
		return log_error("/ cannot be mounted over, for nobody would see the mount: give a "
				 "directory below it");
	return 0;
}

int target_find(Target *targets, size_t n, bool mkdir)
{
	g_autoptr(GPtrArray) mounts = NULL;
	const char *refused = NULL; /* by the machine */
	bool makes = false;
	int r, error = 0;

	r = helper_read_mounts(&mounts);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		bool made = !mkdir || (r = make_dir(mounts, targets[i].name)) == 0;

		if (made)
			r = find_one(&targets[i], mounts);
		if (r < 0 && !refused) {
			refused = targets[i].name;
			makes = !made;
			error = r;
		}
		r = refuse_usage(&targets[i], r);
		if (r < 0)
			return r;
	}
	r = check_pairs(targets, n);
	if (r < 0 || !refused)
		return r;
	if (makes)
		log_errno(error, "cannot create %s", refused);
	else
		refuse_dir(error, refused);
	return error == -EINVAL ? -EIO : error;
}

int target_open(Target *targets, size_t n, bool read_only)
{
	for (size_t i = 0; i < n; i++) {
		int r = open_one(&targets[i], read_only);

		if (r < 0)
			return r;
	}
	/* Once more: now what was under dead mounts is known, too. */
	return check_pairs(targets, n);
}
