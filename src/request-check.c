/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libfuse takes requests apart without a look at how long they are, and so does order.c. What the
 * kernel sends is whole. But it is cheap to make sure, and then whatever comes through the
 * descriptor is answered. */

#include "request-check.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

typedef enum {
	TEXT_NONE,
	TEXT_NAME,   /* of a directory's */
	TEXT_NAMES,  /* two of them */
	TEXT_LINK,   /* a name, then a target */
	TEXT_STRING, /* an attribute's name */
} Text;

typedef struct Shape Shape;

/* Of a request, behind its header. What is not listed is refused by libfuse, which does not look at
 * it. */
struct Shape {
	size_t size; /* of what is fixed */
	Text text;   /* what follows */
};

static const Shape shapes[] = {
	[FUSE_LOOKUP] = {0, TEXT_NAME},
	[FUSE_FORGET] = {sizeof(struct fuse_forget_in)},
	[FUSE_GETATTR] = {sizeof(struct fuse_getattr_in)},
	[FUSE_SETATTR] = {sizeof(struct fuse_setattr_in)},
	[FUSE_SYMLINK] = {0, TEXT_LINK},
	[FUSE_MKNOD] = {sizeof(struct fuse_mknod_in), TEXT_NAME},
	[FUSE_MKDIR] = {sizeof(struct fuse_mkdir_in), TEXT_NAME},
	[FUSE_UNLINK] = {0, TEXT_NAME},
	[FUSE_RMDIR] = {0, TEXT_NAME},
	[FUSE_RENAME] = {sizeof(struct fuse_rename_in), TEXT_NAMES},
	[FUSE_LINK] = {sizeof(struct fuse_link_in), TEXT_NAME},
	[FUSE_OPEN] = {sizeof(struct fuse_open_in)},
	[FUSE_READ] = {sizeof(struct fuse_read_in)},
	[FUSE_WRITE] = {sizeof(struct fuse_write_in)},
	[FUSE_RELEASE] = {sizeof(struct fuse_release_in)},
	[FUSE_FSYNC] = {sizeof(struct fuse_fsync_in)},
	[FUSE_SETXATTR] = {FUSE_COMPAT_SETXATTR_IN_SIZE, TEXT_STRING},
	[FUSE_GETXATTR] = {sizeof(struct fuse_getxattr_in), TEXT_STRING},
	[FUSE_LISTXATTR] = {sizeof(struct fuse_getxattr_in)},
	[FUSE_REMOVEXATTR] = {0, TEXT_STRING},
	[FUSE_FLUSH] = {sizeof(struct fuse_flush_in)},
	[FUSE_INIT] = {offsetof(struct fuse_init_in, flags2)},
	[FUSE_OPENDIR] = {sizeof(struct fuse_open_in)},
	[FUSE_READDIR] = {sizeof(struct fuse_read_in)},
	[FUSE_RELEASEDIR] = {sizeof(struct fuse_release_in)},
	[FUSE_FSYNCDIR] = {sizeof(struct fuse_fsync_in)},
	[FUSE_GETLK] = {sizeof(struct fuse_lk_in)},
	[FUSE_SETLK] = {sizeof(struct fuse_lk_in)},
	[FUSE_SETLKW] = {sizeof(struct fuse_lk_in)},
	[FUSE_ACCESS] = {sizeof(struct fuse_access_in)},
	[FUSE_CREATE] = {sizeof(struct fuse_create_in), TEXT_NAME},
	[FUSE_INTERRUPT] = {sizeof(struct fuse_interrupt_in)},
	[FUSE_BATCH_FORGET] = {sizeof(struct fuse_batch_forget_in)},
	[FUSE_FALLOCATE] = {sizeof(struct fuse_fallocate_in)},
	[FUSE_RENAME2] = {sizeof(struct fuse_rename2_in), TEXT_NAMES},
	[FUSE_LSEEK] = {sizeof(struct fuse_lseek_in)},
	[FUSE_TMPFILE] = {sizeof(struct fuse_create_in)},
};

/* What has not been looked at yet. */
typedef struct Rest Rest;

struct Rest {
	const char *bytes;
	size_t size;
};

/* Takes a string off. */
static int take_string(Rest *rest, const char **ret_string, size_t *ret_length)
{
	size_t length = strnlen(rest->bytes, rest->size);

	if (length == rest->size)
		return -EINVAL;
	*ret_string = rest->bytes;
	*ret_length = length;
	rest->bytes += length + 1;
	rest->size -= length + 1;
	return 0;
}

static int take_name(Rest *rest)
{
	const char *name;
	size_t length;
	int r;

	r = take_string(rest, &name, &length);
	if (r < 0)
		return r;
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	if (!length || memchr(name, '/', length) || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	return 0;
}

static int take_text(Rest *rest, Text text)
{
	const char *string;
	size_t length;
	int r = 0;

	if (text == TEXT_NAME || text == TEXT_NAMES || text == TEXT_LINK)
		r = take_name(rest);
	if (r == 0 && text == TEXT_NAMES)
		r = take_name(rest);
	if (r == 0 && (text == TEXT_LINK || text == TEXT_STRING))
		r = take_string(rest, &string, &length);
	return r;
}

/* Whether there are as many bytes at the end as the fixed part says. */
static bool has_bytes(const struct fuse_in_header *header, const void *body, const Rest *rest)
{
	const struct fuse_batch_forget_in *forget = body;
	const struct fuse_setxattr_in *xattr = body;
	const struct fuse_write_in *write = body;

	switch (header->opcode) {
	case FUSE_WRITE:
		return rest->size >= write->size;
	case FUSE_SETXATTR:
		return rest->size >= xattr->size;
	case FUSE_BATCH_FORGET:
		return rest->size / sizeof(struct fuse_forget_one) >= forget->count;
	}
	return true;
}

int request_check(const struct fuse_in_header *header, size_t size)
{
	const char *body = (const char *)(header + 1);
	Rest rest = {body, size - sizeof(*header)};
	const Shape *shape;
	int r;

	if (header->len != size)
		return -EINVAL;
	if (header->opcode >= sizeof(shapes) / sizeof(*shapes))
		return 0;
	shape = &shapes[header->opcode];
	if (rest.size < shape->size)
		return -EINVAL;
	rest.bytes += shape->size;
	rest.size -= shape->size;
	r = take_text(&rest, shape->text);
	if (r < 0)
		return r;
	return has_bytes(header, body, &rest) ? 0 : -EINVAL;
}
