/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static void unref(gpointer file)
{
	file_unref(file);
}

File *file_new(mode_t type)
{
	File *file = g_new0(File, 1);

	file->type = type;
	file->n_refs = 1;
	file->bytes = g_byte_array_new();
	file->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
	return file;
}

File *file_ref(File *file)
{
	file->n_refs++;
	return file;
}

void file_unref(File *file)
{
	if (!file || --file->n_refs > 0)
		return;
	g_byte_array_unref(file->bytes);
	g_hash_table_unref(file->names);
	g_free(file);
}

void file_resize(File *file, off_t size)
{
	guint old = file->bytes->len;

	g_byte_array_set_size(file->bytes, (guint)size);
	if (file->bytes->len > old)
		memset(file->bytes->data + old, 0, file->bytes->len - old);
}

void file_write(File *file, const void *bytes, size_t size, off_t offset)
{
	if (size == 0)
		return;
	if (file->bytes->len < offset + size)
		file_resize(file, offset + (off_t)size);
	memcpy(file->bytes->data + offset, bytes, size);
}

void file_zero(File *file, off_t offset, off_t length)
{
	off_t end = MIN(offset + length, (off_t)file->bytes->len);

	if (offset < end)
		memset(file->bytes->data + offset, 0, (size_t)(end - offset));
}

File *file_find(const File *dir, const char *name)
{
	return g_hash_table_lookup(dir->names, name);
}

void file_name(File *dir, const char *name, File *file)
{
	if (file)
		g_hash_table_replace(dir->names, g_strdup(name), file_ref(file));
	else
		g_hash_table_remove(dir->names, name);
}

void file_rename(File *dir, const char *name, File *to, const char *new_name, unsigned flags)
{
	File *file = file_find(dir, name), *old = file_find(to, new_name);

	g_assert_nonnull(file);
	/* Two names of one file both stay. */
	if (file == old)
		return;
	file_ref(file);
	if (old)
		file_ref(old);
	file_name(to, new_name, file);
	file_name(dir, name, flags & RENAME_EXCHANGE ? old : NULL);
	file_unref(file);
	file_unref(old);
}

/* Links of a file are made by its inode number. */
void file_make(const File *dir, int fd)
{
	g_autoptr(GHashTable) made = g_hash_table_new(NULL, NULL);
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, dir->names);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		File *file = value;
		const char *other = g_hash_table_lookup(made, file);
		autofd child_fd = -1;

		if (other) {
			g_assert_cmpint(linkat(fd, other, fd, name, 0), ==, 0);
		} else if (file->type == S_IFDIR) {
			g_assert_cmpint(mkdirat(fd, name, 0755), ==, 0);
			child_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			file_make(file, child_fd);
		} else {
			child_fd = openat(fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
			g_assert_cmpint(write(child_fd, file->bytes->data, file->bytes->len), ==,
				(ssize_t)file->bytes->len);
		}
		g_hash_table_insert(made, file, name);
	}
}

static void check_bytes(const File *file, int fd, const char *name)
{
	autofd file_fd = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	g_autofree char *bytes = g_malloc(file->bytes->len + 1);
	ssize_t n = read(file_fd, bytes, file->bytes->len + 1);

	g_assert_cmpmem(bytes, (size_t)n, file->bytes->data, file->bytes->len);
}

static void check_target(const File *file, int fd, const char *name)
{
	char target[8192];
	ssize_t n = readlinkat(fd, name, target, sizeof target);

	g_assert_cmpmem(target, (size_t)n, file->bytes->data, file->bytes->len);
}

static void check_one(const File *dir, int fd, const char *name)
{
	const File *file = file_find(dir, name);
	struct stat st;

	if (!file)
		g_error("%s is there, and should not be", name);
	g_assert_cmpint(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	g_assert_cmpuint(st.st_mode & S_IFMT, ==, file->type);
	if (file->type == S_IFREG) {
		check_bytes(file, fd, name);
	} else if (file->type == S_IFLNK) {
		check_target(file, fd, name);
	} else if (file->type == S_IFDIR) {
		autofd below_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		file_check(file, below_fd);
	}
}

void file_check(const File *dir, int fd)
{
	DIR *stream = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	unsigned n = 0;

	g_assert_nonnull(stream);
	while ((entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		check_one(dir, fd, entry->d_name);
		n++;
	}
	closedir(stream);
	g_assert_cmpuint(n, ==, g_hash_table_size(dir->names));
}
