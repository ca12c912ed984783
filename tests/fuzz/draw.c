/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "steps.h"

#include <fcntl.h>

/* Names that a user may give, or see. */
static const char *const names[] = {"a", "b", "c", "f.o", "d", "h1", "h2", "e", "stamp", "x.stamp",
	"a.lklfs-unsaved", ".lklfs", "status", "\xff\xfe", "*", "\n"};

/* What the kernel does not let through, or we do not. */
static const char *const odd_names[] = {"", ".", "..", "a/b", "../x", "/", "d/../../x",
	".lklfs-stage-1-2-3", ".lklfs-stage-1-2-3-4-5", ".lklfs-stage-", "d/"};

char *draw_name(Fuzz *fuzz)
{
	uint8_t byte = bytes_next(&fuzz->in);

	if (byte < 0xc0)
		return g_strdup(names[byte % (byte < 0x80 ? 5 : G_N_ELEMENTS(names))]);
	if (byte < 0xe0 && fuzz->raw)
		return g_strdup(odd_names[byte % G_N_ELEMENTS(odd_names)]);
	if (byte < 0xe0)
		return g_strdup(".lklfs-stage-1-2-3");
	if (byte < 0xf0)
		return g_strnfill(250 + byte % 16, 'n');
	if (byte < 0xf8 && fuzz->raw)
		return bytes_text(&fuzz->in, byte % 8 + 1);
	return g_strdup(names[byte % 8]);
}

off_t draw_offset(Fuzz *fuzz)
{
	static const off_t offsets[] = {0, 0, 1, 4095, 4096, 8192, 100, 20000};
	static const off_t far[] = {1 << 20, (off_t)1 << 32, (off_t)1 << 42, INT64_MAX,
		INT64_MAX - 4096, -1, (off_t)1 << 62, INT64_MIN};
	uint8_t byte = bytes_next(&fuzz->in);

	if (byte < 0xe0 || !fuzz->raw)
		return offsets[byte % G_N_ELEMENTS(offsets)];
	fuzz->may_fail = true;
	return far[byte % G_N_ELEMENTS(far)];
}

uint32_t draw_size(Fuzz *fuzz)
{
	static const uint32_t sizes[] = {1, 6, 100, 4096, 4097, 10000, 0, 40000};

	return sizes[bytes_below(&fuzz->in, G_N_ELEMENTS(sizes))];
}

uint64_t draw_inode(Fuzz *fuzz, mode_t type)
{
	const GPtrArray *inodes = fuzz->kernel.inodes;
	uint8_t byte = bytes_next(&fuzz->in);

	if (fuzz->raw && byte >= 0xf8)
		return byte & 1 ? bytes_next(&fuzz->in) : UINT64_MAX - byte;
	for (unsigned i = 0; i < inodes->len; i++) {
		const Inode *inode = inodes->pdata[(byte + i) % inodes->len];

		if (!type || (inode->mode & S_IFMT) == type)
			return inode->id;
	}
	return 0;
}

uint64_t draw_dir(Fuzz *fuzz)
{
	return draw_inode(fuzz, S_IFDIR);
}

Open *draw_open(Fuzz *fuzz, bool is_dir)
{
	const GPtrArray *opens = fuzz->kernel.opens;
	uint8_t byte = bytes_next(&fuzz->in);

	for (unsigned i = 0; i < opens->len; i++) {
		Open *open = opens->pdata[(byte + i) % opens->len];

		if (open->is_dir == is_dir)
			return open;
	}
	return NULL;
}

Open *draw_writer(Fuzz *fuzz)
{
	const GPtrArray *opens = fuzz->kernel.opens;
	uint8_t byte = bytes_next(&fuzz->in);

	for (unsigned i = 0; i < opens->len; i++) {
		Open *open = opens->pdata[(byte + i) % opens->len];

		if (!open->is_dir && (open->flags & O_ACCMODE) != O_RDONLY)
			return open;
	}
	return NULL;
}

File *fuzz_file(const Fuzz *fuzz, uint64_t id)
{
	return g_hash_table_lookup(fuzz->files, (gpointer)(uintptr_t)id);
}

File *fuzz_opened(const Fuzz *fuzz, const Open *open)
{
	return g_hash_table_lookup(fuzz->opened, (gpointer)(uintptr_t)open->fh);
}

void fuzz_know(Fuzz *fuzz, uint64_t id, File *file)
{
	if (file)
		g_hash_table_replace(fuzz->files, (gpointer)(uintptr_t)id, file_ref(file));
}

Body *body_new(const void *in, size_t size, const char *name)
{
	Body *body = g_byte_array_new();

	if (size > 0)
		g_byte_array_append(body, in, (guint)size);
	if (name)
		g_byte_array_append(body, (const uint8_t *)name, (guint)strlen(name) + 1);
	return body;
}

bool fuzz_call(Fuzz *fuzz, uint32_t opcode, uint64_t id, const Body *body)
{
	kernel_call(&fuzz->kernel, opcode, id, body);
	return fuzz->kernel.error == 0;
}

bool fuzz_call_open(Fuzz *fuzz, uint32_t opcode, Open *open, const Body *body)
{
	kernel_call_open(&fuzz->kernel, opcode, open, body);
	return fuzz->kernel.error == 0;
}

uint64_t fuzz_walk(Fuzz *fuzz, uint64_t dir, const char *name, File **ret_file)
{
	const File *parent = fuzz_file(fuzz, dir);
	g_autoptr(Body) body = body_new(NULL, 0, name);
	bool found = fuzz_call(fuzz, FUSE_LOOKUP, dir, body) && fuzz->kernel.id;

	*ret_file = NULL;
	/* Ours are not of the tree; nor is a directory that has been removed. */
	if (!parent || !strcmp(name, ".lklfs"))
		return found ? fuzz->kernel.id : 0;
	*ret_file = file_find(parent, name);
	g_assert_true(found == (*ret_file != NULL));
	if (found)
		fuzz_know(fuzz, fuzz->kernel.id, *ret_file);
	return found ? fuzz->kernel.id : 0;
}
