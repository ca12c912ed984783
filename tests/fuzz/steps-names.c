/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests that name names. */

#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>

static void step_lookup(Fuzz *fuzz)
{
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	File *file;

	fuzz_walk(fuzz, dir, name, &file);
}

/* Whether the name in the directory is free, so that the kernel asks for it to be made. */
static bool is_free(Fuzz *fuzz, uint64_t dir, const char *name)
{
	File *file;

	return fuzz->raw || (!fuzz_walk(fuzz, dir, name, &file) &&
				    (fuzz->kernel.error == 0 || fuzz->kernel.error == -ENOENT));
}

/* What has been made is in the tree, too. */
static File *note_made(Fuzz *fuzz, uint64_t dir, const char *name, mode_t type)
{
	File *parent = fuzz_file(fuzz, dir), *file;

	if (fuzz->raw)
		return NULL;
	/* Nothing can be made in ours. */
	g_assert_nonnull(parent);
	file = file_new(type);
	file_name(parent, name, file);
	fuzz_know(fuzz, fuzz->kernel.id, file);
	file_unref(file);
	return file;
}

static void step_create(Fuzz *fuzz)
{
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	const struct fuse_create_in in = {
		.flags = O_CREAT | (bytes_next(&fuzz->in) & 1 ? O_WRONLY : O_RDWR),
		.mode = S_IFREG | (bytes_next(&fuzz->in) & 1 ? 0644 : 0600),
		.umask = 022,
	};
	g_autoptr(Body) body = BODY(in, name);
	File *file;

	if (!is_free(fuzz, dir, name) || !fuzz_call(fuzz, FUSE_CREATE, dir, body) || fuzz->raw)
		return;
	file = note_made(fuzz, dir, name, S_IFREG);
	g_hash_table_replace(fuzz->opened, (gpointer)(uintptr_t)fuzz->kernel.fh, file_ref(file));
}

static void step_tmpfile(Fuzz *fuzz)
{
	uint64_t dir = draw_dir(fuzz);
	const struct fuse_create_in in = {.flags = O_TMPFILE | O_RDWR, .mode = S_IFREG | 0600};
	g_autoptr(Body) body = BODY(in, "/");
	File *file;

	if (!fuzz_call(fuzz, FUSE_TMPFILE, dir, body) || fuzz->raw)
		return;
	file = file_new(S_IFREG);
	file->nameless = true;
	fuzz_know(fuzz, fuzz->kernel.id, file);
	g_hash_table_replace(fuzz->opened, (gpointer)(uintptr_t)fuzz->kernel.fh, file);
}

static void step_mkdir(Fuzz *fuzz)
{
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	const struct fuse_mkdir_in in = {.mode = bytes_next(&fuzz->in) & 1 ? 02775 : 0755};
	g_autoptr(Body) body = BODY(in, name);

	if (is_free(fuzz, dir, name) && fuzz_call(fuzz, FUSE_MKDIR, dir, body))
		note_made(fuzz, dir, name, S_IFDIR);
}

static void step_mknod(Fuzz *fuzz)
{
	static const mode_t types[] = {S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR};
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	mode_t type = types[bytes_below(&fuzz->in, G_N_ELEMENTS(types))];
	/* The device that is /dev/null. */
	const struct fuse_mknod_in in = {.mode = type | 0644, .rdev = 0x103, .umask = 022};
	g_autoptr(Body) body = BODY(in, name);

	if (is_free(fuzz, dir, name) && fuzz_call(fuzz, FUSE_MKNOD, dir, body))
		note_made(fuzz, dir, name, type);
}

static void step_symlink(Fuzz *fuzz)
{
	static const char *const targets[] = {"a", "/etc", "..", "d/b", "nowhere", ".lklfs/status"};
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	const char *target = targets[bytes_below(&fuzz->in, G_N_ELEMENTS(targets))];
	g_autoptr(Body) body = body_new(name, strlen(name) + 1, target);
	File *file;

	if (!is_free(fuzz, dir, name) || !fuzz_call(fuzz, FUSE_SYMLINK, dir, body))
		return;
	file = note_made(fuzz, dir, name, S_IFLNK);
	if (file)
		file_write(file, target, strlen(target), 0);
}

static void remove_name(Fuzz *fuzz, uint32_t opcode)
{
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	g_autoptr(Body) body = body_new(NULL, 0, name);
	File *file = NULL;

	if (!fuzz->raw && !fuzz_walk(fuzz, dir, name, &file))
		return;
	/* The kernel sees to that. */
	if (file && (file->type == S_IFDIR) != (opcode == FUSE_RMDIR))
		return;
	if (fuzz_call(fuzz, opcode, dir, body) && !fuzz->raw) {
		g_assert_nonnull(file);
		g_assert_cmpuint(g_hash_table_size(file->names), ==, 0);
		file_name(fuzz_file(fuzz, dir), name, NULL);
	}
}

static void step_unlink(Fuzz *fuzz)
{
	remove_name(fuzz, FUSE_UNLINK);
}

static void step_rmdir(Fuzz *fuzz)
{
	remove_name(fuzz, FUSE_RMDIR);
}

static bool is_below(const File *file, const File *dir)
{
	GHashTableIter iter;
	gpointer value;

	if (file == dir)
		return true;
	g_hash_table_iter_init(&iter, dir->names);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (is_below(file, value))
			return true;
	return false;
}

typedef struct Rename Rename;

struct Rename {
	uint64_t dir, new_dir;
	char *name, *new_name;
	uint32_t flags;
};

/* Whether the kernel lets it through. */
static bool may_rename(Fuzz *fuzz, const Rename *rename)
{
	const File *to = fuzz_file(fuzz, rename->new_dir), *from = fuzz_file(fuzz, rename->dir);
	File *file, *old;

	if (fuzz->raw)
		return true;
	if (!fuzz_walk(fuzz, rename->dir, rename->name, &file) || !file || !to || !from)
		return false;
	fuzz_walk(fuzz, rename->new_dir, rename->new_name, &old);
	if (!strcmp(rename->new_name, ".lklfs") || (!old && rename->flags == RENAME_EXCHANGE))
		return false;
	if (is_below(to, file) || (old && is_below(from, old)))
		return false;
	if (!old || rename->flags == RENAME_EXCHANGE)
		return true;
	return rename->flags != RENAME_NOREPLACE && file != old &&
	       (file->type == S_IFDIR) == (old->type == S_IFDIR);
}

static void step_rename(Fuzz *fuzz)
{
	static const uint32_t flags[] = {
		0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT, 0xff, 0};
	const Rename rename = {draw_dir(fuzz), draw_dir(fuzz), draw_name(fuzz), draw_name(fuzz),
		flags[bytes_below(&fuzz->in, fuzz->raw ? 8 : 5)]};
	const struct fuse_rename2_in in = {.newdir = rename.new_dir, .flags = rename.flags};
	g_autofree char *name = rename.name, *new_name = rename.new_name;
	g_autoptr(Body) body = BODY(in, name);
	bool done = false;

	g_byte_array_append(body, (const uint8_t *)new_name, (guint)strlen(new_name) + 1);
	for (unsigned i = 0; i < 3 && !done && may_rename(fuzz, &rename); i++) {
		done = fuzz_call(fuzz, FUSE_RENAME2, rename.dir, body);
		if (fuzz->kernel.error != -ESTALE || fuzz->raw)
			break;
	}
	if (done && !fuzz->raw)
		file_rename(fuzz_file(fuzz, rename.dir), name, fuzz_file(fuzz, rename.new_dir),
			new_name, rename.flags);
}

/* What the link leads to: a name, or what is open and has never had one. */
static uint64_t draw_linked(Fuzz *fuzz, File **ret_file)
{
	uint64_t dir = draw_dir(fuzz), id;
	g_autofree char *name = draw_name(fuzz);
	const Open *open = draw_open(fuzz, false);

	*ret_file = open ? fuzz_opened(fuzz, open) : NULL;
	if (open && (fuzz->raw || (*ret_file && (*ret_file)->nameless)))
		return open->id;
	id = fuzz_walk(fuzz, dir, name, ret_file);
	return *ret_file && (*ret_file)->type == S_IFDIR ? 0 : id;
}

static void step_link(Fuzz *fuzz)
{
	File *file;
	const struct fuse_link_in in = {.oldnodeid = draw_linked(fuzz, &file)};
	uint64_t dir = draw_dir(fuzz);
	g_autofree char *name = draw_name(fuzz);
	g_autoptr(Body) body = BODY(in, name);

	if (!in.oldnodeid || (!fuzz->raw && (!file || !is_free(fuzz, dir, name))))
		return;
	if (!fuzz_call(fuzz, FUSE_LINK, dir, body) || fuzz->raw)
		return;
	g_assert_nonnull(fuzz_file(fuzz, dir));
	file->is_shared |= !file->nameless;
	file->nameless = false;
	file_name(fuzz_file(fuzz, dir), name, file);
	fuzz_know(fuzz, fuzz->kernel.id, file);
}

static void step_forget(Fuzz *fuzz)
{
	const GPtrArray *inodes = fuzz->kernel.inodes;
	uint8_t byte = bytes_next(&fuzz->in);
	Inode *chosen[4];
	unsigned n = 0, max = 1 + byte % 4;

	for (unsigned i = 1; i < inodes->len && n < max; i++) {
		Inode *inode = inodes->pdata[1 + (byte + i) % (inodes->len - 1)];

		if (inode->n_users == 0)
			chosen[n++] = inode;
	}
	if (n > 0)
		kernel_forget(&fuzz->kernel, chosen, n, byte & 0x80 ? 1 : UINT64_MAX);
}

static void step_readlink(Fuzz *fuzz)
{
	uint64_t id = draw_inode(fuzz, S_IFLNK);
	g_autoptr(Body) body = body_new(NULL, 0, NULL);

	if (id)
		fuzz_call(fuzz, FUSE_READLINK, id, body);
}

Step *const steps_of_names[] = {step_lookup, step_create, step_unlink, step_rename, step_link,
	step_mkdir, step_rmdir, step_mknod, step_symlink, step_tmpfile, step_forget, step_readlink};
const unsigned n_steps_of_names = G_N_ELEMENTS(steps_of_names);
