/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests that name inodes and open files. */

#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/file.h>

#define DATA_MAX 65536

/* A regular file by its name, as open(2) and truncate(2) get to it; raw: any that is known. */
typedef struct Named Named;

struct Named {
	uint64_t dir;
	char *name;
	uint64_t id;
	File *file;
};

static void named_clear(Named *named)
{
	g_free(named->name);
}

static bool named_walk(Fuzz *fuzz, Named *named)
{
	if (fuzz->raw)
		return named->id != 0;
	named->id = fuzz_walk(fuzz, named->dir, named->name, &named->file);
	return named->id && named->file && named->file->type == S_IFREG;
}

/* Whether it is being written by another of its names. Then what is closed last is what it holds,
 * whole; and if that comes right after the other, nobody can say which is last. */
static bool has_other_writer(const Fuzz *fuzz, const Named *named)
{
	const GPtrArray *opens = fuzz->kernel.opens;

	for (unsigned i = 0; named->file && named->file->is_shared && i < opens->len; i++) {
		const Open *open = opens->pdata[i];

		if (fuzz_opened(fuzz, open) == named->file && open->id != named->id &&
			((open->flags & O_ACCMODE) != O_RDONLY))
			return true;
	}
	return false;
}

static bool named_draw(Fuzz *fuzz, Named *ret_named)
{
	*ret_named = (Named){0};
	if (fuzz->raw) {
		ret_named->id = draw_inode(fuzz, bytes_next(&fuzz->in) < 0xf0 ? S_IFREG : 0);
	} else {
		ret_named->dir = draw_dir(fuzz);
		ret_named->name = draw_name(fuzz);
	}
	return named_walk(fuzz, ret_named) && !has_other_writer(fuzz, ret_named);
}

/* As the kernel does: what is refused with ESTALE is looked up anew, once. */
static bool named_call(Fuzz *fuzz, uint32_t opcode, Named *named, const Body *body)
{
	if (fuzz_call(fuzz, opcode, named->id, body))
		return true;
	return fuzz->kernel.error == -ESTALE && !fuzz->raw && named_walk(fuzz, named) &&
	       fuzz_call(fuzz, opcode, named->id, body);
}

static void step_open(Fuzz *fuzz)
{
	static const uint32_t flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC,
		O_RDWR | O_APPEND, O_RDONLY | O_TRUNC};
	const struct fuse_open_in in = {
		.flags = flags[bytes_below(&fuzz->in, fuzz->raw ? 6 : 5)],
	};
	__attribute__((cleanup(named_clear))) Named named;
	g_autoptr(Body) body = BODY(in, NULL);

	if (!named_draw(fuzz, &named) || !named_call(fuzz, FUSE_OPEN, &named, body) || fuzz->raw)
		return;
	g_hash_table_replace(
		fuzz->opened, (gpointer)(uintptr_t)fuzz->kernel.fh, file_ref(named.file));
	if (in.flags & O_TRUNC)
		file_resize(named.file, 0);
}

/* Bytes of few kinds, so that they are often what is there already; or just what is there. */
static void draw_data(Fuzz *fuzz, const File *file, off_t offset, uint8_t *data, uint32_t size)
{
	uint8_t byte = bytes_next(&fuzz->in);

	for (uint32_t i = 0; i < size; i++)
		data[i] = byte < 0x80 ? "hello\n"[(offset + i) % 6] : (uint8_t)(byte & 3);
	if (byte >= 0xc0 && file && offset < (off_t)file->bytes->len)
		memcpy(data, file->bytes->data + offset, MIN(size, file->bytes->len - offset));
}

static void step_write(Fuzz *fuzz)
{
	g_autofree uint8_t *data = g_malloc(DATA_MAX);
	Open *open = draw_writer(fuzz);
	uint8_t byte = bytes_next(&fuzz->in);
	off_t offset = draw_offset(fuzz);
	struct fuse_write_in in = {.offset = (uint64_t)offset, .size = draw_size(fuzz)};
	g_autoptr(Body) body = NULL;
	pid_t pid = fuzz->kernel.pid;
	File *file;

	/* The kernel does not write beyond what an offset can say. */
	if (!open || offset < 0 || offset > INT64_MAX - in.size)
		return;
	file = fuzz_opened(fuzz, open);
	draw_data(fuzz, file, offset, data, in.size);
	in.fh = open->fh;
	in.write_flags = byte & 7;
	if (in.write_flags & FUSE_WRITE_CACHE)
		fuzz->kernel.pid = 0;
	body = BODY(in, NULL);
	g_byte_array_append(body, data, in.size);
	if (fuzz_call_open(fuzz, FUSE_WRITE, open, body) && file) {
		g_assert_cmpuint(fuzz->kernel.n, ==, in.size);
		file_write(file, data, in.size, offset);
	}
	fuzz->kernel.pid = pid;
}

static void step_read(Fuzz *fuzz)
{
	Open *open = draw_open(fuzz, false);
	const struct fuse_read_in in = {
		.fh = open ? open->fh : 0,
		.offset = (uint64_t)draw_offset(fuzz) & INT64_MAX,
		.size = draw_size(fuzz),
	};
	g_autoptr(Body) body = BODY(in, NULL);
	const File *file;
	size_t left;

	if (!open || !fuzz_call_open(fuzz, FUSE_READ, open, body))
		return;
	file = fuzz_opened(fuzz, open);
	if (!file || (open->flags & O_ACCMODE) == O_RDONLY)
		return;
	/* Who writes reads what is written. */
	left = file->bytes->len - MIN(in.offset, file->bytes->len);
	g_assert_cmpuint(fuzz->kernel.answer_size, ==, MIN(left, in.size));
	for (size_t i = 0; i < fuzz->kernel.answer_size; i++)
		g_assert_cmpint(fuzz->kernel.answer[i], ==, (char)file->bytes->data[in.offset + i]);
}

static void step_release(Fuzz *fuzz)
{
	Open *open = draw_open(fuzz, bytes_next(&fuzz->in) & 1);

	if (!open || open->n_calls > 0)
		return;
	g_hash_table_remove(fuzz->opened, (gpointer)(uintptr_t)open->fh);
	kernel_release(&fuzz->kernel, open, bytes_below(&fuzz->in, 4), bytes_below(&fuzz->in, 3));
}

static const uint32_t valids[] = {FATTR_SIZE, FATTR_SIZE, FATTR_SIZE | FATTR_KILL_SUIDGID,
	FATTR_MODE, FATTR_UID | FATTR_GID, FATTR_MTIME,
	FATTR_MTIME | FATTR_MTIME_NOW | FATTR_ATIME | FATTR_ATIME_NOW, FATTR_MTIME | FATTR_ATIME,
	FATTR_MTIME | FATTR_CTIME, FATTR_ATIME};

static struct fuse_setattr_in draw_setattr(Fuzz *fuzz, unsigned n_valids)
{
	uint8_t byte = bytes_next(&fuzz->in);

	return (struct fuse_setattr_in){
		.valid = byte >= 0xf0 && fuzz->raw ? bytes_next(&fuzz->in) * 16u
						   : valids[byte % n_valids],
		.size = (uint64_t)draw_offset(fuzz) & INT64_MAX,
		.mode = S_IFREG | (byte & 0x80 ? 0755 : 0640) | (byte & 0x40 ? 06000 : 0),
		.uid = byte & 0x20 ? 0 : 65534,
		.gid = byte & 0x10 ? 0 : 65534,
		.mtime = bytes_next(&fuzz->in) * 10000000u,
		.mtimensec = byte * 1000u,
		.atime = byte,
	};
}

static void step_setattr(Fuzz *fuzz)
{
	struct fuse_setattr_in in = draw_setattr(fuzz, G_N_ELEMENTS(valids));
	__attribute__((cleanup(named_clear))) Named named;
	g_autoptr(Body) body = BODY(in, NULL);

	in.valid &= ~(uint32_t)FATTR_FH;
	memcpy(body->data, &in, sizeof in);
	if (named_draw(fuzz, &named) && named_call(fuzz, FUSE_SETATTR, &named, body) &&
		named.file && (in.valid & FATTR_SIZE))
		file_resize(named.file, (off_t)in.size);
}

/* By a descriptor. */
static void step_setattr_open(Fuzz *fuzz)
{
	struct fuse_setattr_in in = draw_setattr(fuzz, G_N_ELEMENTS(valids));
	Open *open = draw_writer(fuzz);
	g_autoptr(Body) body = NULL;
	File *file;

	if (!open)
		return;
	in.valid |= FATTR_FH;
	in.fh = open->fh;
	body = BODY(in, NULL);
	file = fuzz_opened(fuzz, open);
	if (fuzz_call_open(fuzz, FUSE_SETATTR, open, body) && file && (in.valid & FATTR_SIZE))
		file_resize(file, (off_t)in.size);
}

static void step_getattr(Fuzz *fuzz)
{
	uint64_t id = draw_inode(fuzz, 0);
	const struct fuse_getattr_in in = {0};
	g_autoptr(Body) body = BODY(in, NULL);

	if (id)
		fuzz_call(fuzz, FUSE_GETATTR, id, body);
}

static void step_getattr_open(Fuzz *fuzz)
{
	Open *open = draw_writer(fuzz);
	const struct fuse_getattr_in in = {FUSE_GETATTR_FH, 0, open ? open->fh : 0};
	g_autoptr(Body) body = BODY(in, NULL);
	struct fuse_attr_out out;
	const File *file;

	if (!open || !fuzz_call_open(fuzz, FUSE_GETATTR, open, body))
		return;
	file = fuzz_opened(fuzz, open);
	memcpy(&out, fuzz->kernel.answer, sizeof out);
	if (file)
		g_assert_cmpuint(out.attr.size, ==, file->bytes->len);
}

static void step_opendir(Fuzz *fuzz)
{
	const struct fuse_open_in in = {.flags = O_RDONLY | O_DIRECTORY};
	uint64_t dir = draw_dir(fuzz);
	g_autoptr(Body) body = BODY(in, NULL);

	if (dir)
		fuzz_call(fuzz, FUSE_OPENDIR, dir, body);
}

static void step_readdir(Fuzz *fuzz)
{
	Open *open = draw_open(fuzz, true);
	const struct fuse_read_in in = {
		.fh = open ? open->fh : 0,
		.offset = (uint64_t)draw_offset(fuzz) & INT64_MAX,
		.size = draw_size(fuzz),
	};
	g_autoptr(Body) body = BODY(in, NULL);

	if (open)
		fuzz_call_open(fuzz, FUSE_READDIR, open, body);
}

static void step_fallocate(Fuzz *fuzz)
{
	static const uint32_t modes[] = {0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
	Open *open = draw_writer(fuzz);
	const struct fuse_fallocate_in in = {
		.fh = open ? open->fh : 0,
		.offset = (uint64_t)draw_offset(fuzz) & 0xffff,
		.length = 1 + draw_size(fuzz),
		.mode = modes[bytes_below(&fuzz->in, G_N_ELEMENTS(modes))],
	};
	g_autoptr(Body) body = BODY(in, NULL);
	off_t end = (off_t)(in.offset + in.length);
	File *file;

	if (!open || !fuzz_call_open(fuzz, FUSE_FALLOCATE, open, body))
		return;
	file = fuzz_opened(fuzz, open);
	if (file && in.mode & (FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE))
		file_zero(file, (off_t)in.offset, (off_t)in.length);
	if (file && !(in.mode & FALLOC_FL_KEEP_SIZE) && end > (off_t)file->bytes->len)
		file_resize(file, end);
}

static void step_lseek(Fuzz *fuzz)
{
	Open *open = draw_open(fuzz, false);
	const struct fuse_lseek_in in = {
		.fh = open ? open->fh : 0,
		.offset = (uint64_t)draw_offset(fuzz),
		.whence = bytes_next(&fuzz->in) & 1 ? SEEK_DATA : SEEK_HOLE,
	};
	g_autoptr(Body) body = BODY(in, NULL);

	if (open)
		fuzz_call_open(fuzz, FUSE_LSEEK, open, body);
}

static void step_fsync(Fuzz *fuzz)
{
	bool is_dir = bytes_next(&fuzz->in) & 1;
	Open *open = draw_open(fuzz, is_dir);
	const struct fuse_fsync_in in = {.fh = open ? open->fh : 0, .fsync_flags = is_dir};
	g_autoptr(Body) body = BODY(in, NULL);

	if (open)
		fuzz_call_open(fuzz, is_dir ? FUSE_FSYNCDIR : FUSE_FSYNC, open, body);
}

static void step_flush(Fuzz *fuzz)
{
	Open *open = draw_open(fuzz, false);
	const struct fuse_flush_in in = {
		.fh = open ? open->fh : 0, .lock_owner = bytes_below(&fuzz->in, 3)};
	g_autoptr(Body) body = BODY(in, NULL);

	if (open)
		fuzz_call_open(fuzz, FUSE_FLUSH, open, body);
}

/* Some wait: nothing waits for their answer. */
static void step_lock(Fuzz *fuzz)
{
	static const uint32_t opcodes[] = {FUSE_SETLK, FUSE_SETLKW, FUSE_GETLK};
	static const uint32_t types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
	uint8_t byte = bytes_next(&fuzz->in);
	Open *open = draw_open(fuzz, false);
	uint32_t opcode = opcodes[bytes_below(&fuzz->in, 3)];
	bool later = fuzz->kernel.later;
	const struct fuse_lk_in in = {
		.fh = open ? open->fh : 0,
		.owner = byte & 3,
		.lk.start = byte & 0x10 ? 0 : byte & 0xc,
		.lk.end = byte & 0x20 ? INT64_MAX : 16,
		.lk.type = types[bytes_below(&fuzz->in, 3)],
		.lk_flags = byte & 0x80 && opcode != FUSE_GETLK ? FUSE_LK_FLOCK : 0,
	};
	g_autoptr(Body) body = BODY(in, NULL);

	if (!open)
		return;
	fuzz->kernel.later |= opcode == FUSE_SETLKW;
	fuzz_call_open(fuzz, opcode, open, body);
	fuzz->kernel.later = later;
}

static void step_xattr(Fuzz *fuzz)
{
	static const char *const names[] = {"user.a", "user.b", "security.capability",
		"system.posix_acl_access", "system.posix_acl_default", "trusted.lklfs", "user.", "",
		"none"};
	static const uint32_t opcodes[] = {
		FUSE_SETXATTR, FUSE_GETXATTR, FUSE_LISTXATTR, FUSE_REMOVEXATTR};
	uint32_t opcode = opcodes[bytes_below(&fuzz->in, 4)];
	uint64_t id = draw_inode(fuzz, 0);
	const char *name = names[bytes_below(&fuzz->in, G_N_ELEMENTS(names))];
	uint8_t byte = bytes_next(&fuzz->in);
	g_autofree char *value = bytes_text(&fuzz->in, byte & 0x3f);
	const struct fuse_setxattr_in set = {.size = (uint32_t)strlen(value), .flags = byte >> 6};
	const struct fuse_getxattr_in get = {.size = byte & 1 ? 0 : byte};
	g_autoptr(Body) body = NULL;

	if (!id)
		return;
	if (opcode == FUSE_SETXATTR) {
		/* What libfuse has not been told it would understand is not sent. */
		body = body_new(&set, FUSE_COMPAT_SETXATTR_IN_SIZE, name);
		g_byte_array_append(body, (const uint8_t *)value, set.size);
	} else if (opcode == FUSE_REMOVEXATTR) {
		body = body_new(NULL, 0, name);
	} else {
		body = BODY(get, opcode == FUSE_GETXATTR ? name : NULL);
	}
	fuzz_call(fuzz, opcode, id, body);
}

/* What is not served, or by libfuse alone. */
static void step_other(Fuzz *fuzz)
{
	static const uint32_t opcodes[] = {FUSE_STATFS, FUSE_ACCESS, FUSE_IOCTL, FUSE_POLL,
		FUSE_BMAP, FUSE_COPY_FILE_RANGE, FUSE_READDIRPLUS, FUSE_SYNCFS, FUSE_SETUPMAPPING,
		52, 60, 4096, 0};
	const uint8_t nothing[128] = {0};
	uint32_t opcode = opcodes[bytes_below(&fuzz->in, G_N_ELEMENTS(opcodes))];
	uint64_t id = draw_inode(fuzz, 0);
	g_autoptr(Body) body = BODY(nothing, NULL);

	if (id)
		fuzz_call(fuzz, opcode, id, body);
}

Step *const steps_of_files[] = {step_open, step_open, step_write, step_write, step_release,
	step_release, step_read, step_setattr, step_setattr_open, step_getattr, step_getattr_open,
	step_opendir, step_readdir, step_fallocate, step_lseek, step_fsync, step_flush, step_lock,
	step_xattr, step_other};
const unsigned n_steps_of_files = G_N_ELEMENTS(steps_of_files);
