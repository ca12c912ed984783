/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes are on the disk already, in a file that has no name, so that a name is all it takes:
 * that costs next to nothing, and mostly can be had where exposing failed. If not beside the old
 * name, then in the root of the mount; and if the file system takes no names at all, for it has
 * become read-only, the bytes are copied to another one. */

#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "fileio.h"
#include "stage-content.h"
#include "util.h"

#define SUFFIX "lklfs-unsaved"
#define NAME_PART 230 /* bytes of the name that leave room for the suffix, and a number */
#define PIECE (128 * 1024)

/* A name that is free: NAME.lklfs-unsaved, or that with a number if there is one from an earlier
 * time. */
static int save_name(int dir_fd, const char *name, char **ret_name)
{
	g_autofree char *saved = g_strdup_printf("%.*s." SUFFIX, NAME_PART, name);
	bool found = false;
	int r;

	for (unsigned i = 2;; i++) {
		r = backing_find(dir_fd, saved, &found);
		if (r < 0)
			return r;
		if (!found)
			break;
		g_free(saved);
		saved = g_strdup_printf("%.*s." SUFFIX ".%u", NAME_PART, name, i);
	}
	*ret_name = g_steal_pointer(&saved);
	return 0;
}

/* dir: the path of the directory, for *ret_path. */
static int save_in(Stage *stage, int dir_fd, const char *dir, char **ret_path)
{
	g_autofree char *name = NULL;
	int r;

	r = save_name(dir_fd, stage->node->name, &name);
	if (r < 0)
		return r;
	r = backing_expose(stage->fd, &stage->hidden, dir_fd, name, true);
	if (r == 0)
		*ret_path = g_build_filename(dir, name, NULL);
	return r;
}

int save_in_mount(Fs *fs, Stage *stage, char **ret_path)
{
	g_autofree char *below = node_path(stage->node->parent);
	g_autofree char *dir = g_build_filename(fs->dir, below, NULL);
	struct stat st;
	int dir_fd, r;

	/* Who may read the old file may read this one, if that can be had. */
	if (!stage->is_new)
		(void)!backing_carry(stage->base_fd, stage->fd, stage->drop_set_id);
	r = node_parent_fd(fs, stage->node, &dir_fd);
	if (r == 0)
		r = save_in(stage, dir_fd, dir, ret_path);
	if (r == 0)
		return 0;
	/* There the directory does not keep anybody away who was kept away before. */
	if (fstat(stage->fd, &st) == 0)
		(void)!fchmod(stage->fd, st.st_mode & 0700);
	return save_in(stage, fs->root_fd, fs->dir, ret_path);
}

/* Zeros stay holes. */
static int save_copy(Fs *fs, Stage *stage, int fd)
{
	g_autofree char *piece = g_malloc(PIECE);
	off_t offset = 0;
	size_t n;
	int r;

	do {
		r = stage_read(fs, stage, piece, PIECE, offset, &n);
		if (r == 0 && !fileio_all_zero(piece, n))
			r = fileio_pwrite(fd, piece, n, offset);
		if (r < 0)
			return r;
		offset += (off_t)n;
	} while (n > 0);
	return ftruncate(fd, offset) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int save_below(Fs *fs, Stage *stage, const char *dir, char **ret_path)
{
	g_autofree char *path =
		g_strdup_printf("%s/%.*s." SUFFIX ".XXXXXX", dir, NAME_PART, stage->node->name);
	autofd fd = mkostemp(path, O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = save_copy(fs, stage, fd);
	if (r < 0)
		unlink(path);
	else
		*ret_path = g_steal_pointer(&path);
	return r;
}

int save_elsewhere(Fs *fs, Stage *stage, char **ret_path)
{
	const char *dir = getenv("TMPDIR");
	int r = -ENOENT;

	if (dir && *dir == '/')
		r = save_below(fs, stage, dir, ret_path);
	return r < 0 ? save_below(fs, stage, "/var/tmp", ret_path) : 0;
}

void save_note_lost(Fs *fs, const char *name, int r)
{
	g_autoptr(GString) line = g_string_new(NULL);

	journal_json_string(line, name);
	g_string_append_printf(line, ": %s\n", strerrordesc_np(-r));
	if (fs->lost_fd >= 0)
		(void)!write(fs->lost_fd, line->str, line->len);
}
