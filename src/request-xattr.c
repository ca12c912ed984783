/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Extended attributes and ACLs: immediate, like mode and owner (P12).
 *
 * The daemon may do more than its callers. Who may set user.*, trusted.* and security.* the kernel
 * has decided before it asks; so it has for ACLs, and it asks for those to decide who may open
 * what (FUSE_CAP_POSIX_ACL). What it leaves to us is here: names that only a file system knows, the
 * set-group-ID bit, and that nobody but root is told of trusted.*. */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backing.h"
#include "proc.h"
#include "request.h"
#include "util.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

typedef enum { XATTR_SET, XATTR_GET, XATTR_LIST, XATTR_REMOVE } XattrOp;

typedef struct Xattr Xattr;

struct Xattr {
	XattrOp op;
	const char *name;
	const char *value; /* XATTR_SET */
	size_t size;
	int flags;
	const GArray *groups; /* XATTR_SET; gid_t: the caller's besides his first; NULL: unknown */
	char *ret_value;      /* XATTR_GET, XATTR_LIST */
};

static bool is_acl(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

/* An ACL that says no more than the mode does, as cp -p sets: three entries behind a version
 * number. */
static bool acl_is_mode(const char *path, const Xattr *x)
{
	struct posix_acl_xattr_entry entries[3];
	mode_t mode = 0;
	struct stat st;

	if (strcmp(x->name, ACL_ACCESS) != 0 ||
		x->size != sizeof(struct posix_acl_xattr_header) + sizeof(entries))
		return false;
	memcpy(entries, x->value + sizeof(struct posix_acl_xattr_header), sizeof(entries));
	for (unsigned i = 0; i < 3; i++)
		mode = mode << 3 | (le16toh(entries[i].e_perm) & 7);
	return stat(path, &st) == 0 && (st.st_mode & 0777) == mode &&
	       getxattr(path, x->name, NULL, 0) < 0 && errno == ENODATA;
}

/* Setting what is so already leaves no trace (P12). */
static bool xattr_is_so(const char *path, const Xattr *x)
{
	g_autofree char *value = g_malloc(x->size + 1);
	ssize_t n = getxattr(path, x->name, value, x->size + 1);

	return !x->flags && n >= 0 && (size_t)n == x->size && memcmp(value, x->value, x->size) == 0;
}

/* Whether a caller may change an attribute that only a file system knows: the kernel has not asked
 * whose file it is. */
static bool xattr_is_permitted(const struct stat *st, const Xattr *x)
{
	const struct fuse_in_header *caller = request_header(request_current());

	return caller->uid == 0 || caller->uid == st->st_uid || is_acl(x->name) ||
	       !g_str_has_prefix(x->name, "system.");
}

static bool xattr_is_by_group(const Xattr *x, gid_t gid)
{
	for (unsigned i = 0; x->groups && i < x->groups->len; i++)
		if (g_array_index(x->groups, gid_t, i) == gid)
			return true;
	return request_header(request_current())->gid == gid;
}

/* Of somebody who is not in the group the kernel takes the set-group-ID bit with an ACL, be it a
 * file's or a directory's; of us, if we are root, it would not. */
static int xattr_drop_set_group_id(int fd, const struct stat *st, const Xattr *x)
{
	const uid_t caller = request_header(request_current())->uid;

	if (!(st->st_mode & S_ISGID) || caller == 0 || geteuid() != 0 ||
		strcmp(x->name, ACL_ACCESS) != 0 || xattr_is_by_group(x, st->st_gid))
		return 0;
	return backing_chmod(fd, st->st_mode & ~(mode_t)S_ISGID);
}

static int xattr_change(int fd, const char *path, const Xattr *x)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!xattr_is_permitted(&st, x))
		return getxattr(path, x->name, NULL, 0) < 0 && errno == EOPNOTSUPP ? -EOPNOTSUPP
										   : -EPERM;
	if (x->op == XATTR_REMOVE)
		return removexattr(path, x->name) < 0 ? -errno : 0;
	r = xattr_drop_set_group_id(fd, &st, x);
	if (r < 0)
		return r;
	return setxattr(path, x->name, x->value, x->size, x->flags) < 0 ? -errno : 0;
}

/* A file system without ACLs has no ACL of this file: that is how the kernel wants to hear it. fd:
 * open for reading, which is quicker than by the path, or -1. */
static ssize_t xattr_get(int fd, const char *path, const Xattr *x)
{
	ssize_t n = fd >= 0 ? fgetxattr(fd, x->name, x->ret_value, x->size)
			    : getxattr(path, x->name, x->ret_value, x->size);

	if (n >= 0)
		return n;
	return errno == EOPNOTSUPP && is_acl(x->name) ? -ENODATA : -errno;
}

/* Takes the names out that only root is told of. Returns what is left of n bytes. */
static size_t names_filter(char *names, size_t n)
{
	size_t kept = 0, length;

	for (size_t i = 0; i < n; i += length) {
		length = strnlen(names + i, n - i) + 1;
		if (g_str_has_prefix(names + i, "trusted."))
			continue;
		memmove(names + kept, names + i, length);
		kept += length;
	}
	return kept;
}

static ssize_t xattr_list(const char *path, const Xattr *x)
{
	g_autofree char *names = NULL;
	ssize_t n = listxattr(path, NULL, 0);

	if (n <= 0)
		return n < 0 ? -errno : 0;
	names = g_malloc0((size_t)n + 1);
	n = listxattr(path, names, (size_t)n);
	if (n < 0)
		return -errno;
	if (request_header(request_current())->uid != 0)
		n = (ssize_t)names_filter(names, (size_t)n);
	if (x->size == 0)
		return n;
	if ((size_t)n > x->size)
		return -ERANGE;
	memcpy(x->ret_value, names, (size_t)n);
	return n;
}

/* While the file is written the kernel asks for its capabilities each time: what is open already
 * tells. -1: nothing is, or the caller may not be told without being checked. */
static int xattr_open_fd(const Version *version, const Xattr *x)
{
	const Stage *stage = version->stage;

	return x->op == XATTR_GET && stage && !stage->is_new && request_is_trusted()
		       ? stage->base_fd
		       : -1;
}

static ssize_t xattr_do(Fs *fs, fuse_ino_t ino, const Xattr *x)
{
	Version *version;
	autofd fd = -1;
	char path[32];
	struct stat st;
	int open_fd, r;
	HOLD(&fs->lock);

	version = version_find(fs, ino);
	if (!version)
		return -ESTALE;
	if (version->node->special)
		return x->op == XATTR_LIST ? 0 : x->op == XATTR_GET ? -ENODATA : -EPERM;
	open_fd = xattr_open_fd(version, x);
	r = open_fd < 0 ? request_attr_target(fs, version, &fd) : 0;
	if (r < 0)
		return r;
	/* This leads to the very file, even if it is a symbolic link. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", open_fd < 0 ? fd : open_fd);
	if (x->op == XATTR_GET)
		return xattr_get(open_fd, path, x);
	if (x->op == XATTR_LIST)
		return xattr_list(path, x);
	if (x->op == XATTR_SET && (acl_is_mode(path, x) || xattr_is_so(path, x)))
		return request_attr_uncache(fs, version);
	request_attr_release(fs, version, fd);
	r = xattr_change(fd, path, x);
	/* An ACL changes the mode as well: the kernel knows, and asks for it. */
	request_attr_changed(fs, version);
	if (fstat(fd, &st) == 0)
		version_tell(version, &st);
	return r;
}

/* The groups of an ordinary caller. The kernel's request is with a thread that may look, if there
 * is a bit that depends on them. */
static GArray *setter_groups(const char *name)
{
	const Request *current = request_current();
	GArray *groups = NULL;

	if (current->known && request_header(current)->uid != 0 && is_acl(name))
		(void)!proc_groups((pid_t)request_header(current)->pid, &groups);
	return groups;
}

void request_setxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	g_autoptr(GArray) groups = setter_groups(name);
	const Xattr x = {XATTR_SET, .name = name, .value = value, .size = size, .flags = flags,
		.groups = groups};

	request_reply(req, (int)xattr_do(request_fs(req), ino, &x));
}

static void xattr_reply(fuse_req_t req, fuse_ino_t ino, Xattr *x)
{
	g_autofree char *value = x->size > 0 ? g_malloc(x->size) : NULL;
	ssize_t n;

	x->ret_value = value;
	n = xattr_do(request_fs(req), ino, x);
	if (n < 0)
		request_reply(req, (int)n);
	else if (x->size == 0)
		fuse_reply_xattr(req, (size_t)n);
	else
		fuse_reply_buf(req, value, (size_t)n);
}

void request_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	xattr_reply(req, ino, &(Xattr){XATTR_GET, .name = name, .size = size});
}

void request_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	xattr_reply(req, ino, &(Xattr){XATTR_LIST, .size = size});
}

void request_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	request_reply(
		req, (int)xattr_do(request_fs(req), ino, &(Xattr){XATTR_REMOVE, .name = name}));
}
