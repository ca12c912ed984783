/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One directory is open at a time. Its names are read at once; of those that are to be entered a
 * list is kept for each level, and from the last one the way leads back by "..", which has to be
 * the directory that it was on the way down: somebody might have moved it. */

#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util.h"

typedef struct Child Child;
typedef struct Level Level;

struct Child {
	char *name;
	void *token;
};

struct Level {
	FileId id;
	void *token;
	GPtrArray *children; /* Child: to be entered, the last one first */
};

static void child_free(void *p)
{
	Child *child = p;

	g_free(child->name);
	g_free(child);
}

static void level_free(void *p)
{
	Level *level = p;

	g_ptr_array_unref(level->children);
	g_free(level);
}

static void stream_clear(DIR **stream)
{
	if (*stream)
		closedir(*stream);
	*stream = NULL;
}

static bool is_directory(int dir_fd, const char *name, unsigned char type)
{
	struct stat st;

	if (type != DT_UNKNOWN)
		return type == DT_DIR;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int read_names(DIR *stream, GPtrArray *names, GByteArray *types)
{
	struct dirent *entry;

	rewinddir(stream);
	while (errno = 0, (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		g_ptr_array_add(names, g_strdup(entry->d_name));
		g_byte_array_append(types, &entry->d_type, 1);
	}
	return -errno;
}

/* Visits what is in the directory. */
static int level_visit(Level *level, DIR *stream, WalkVisit visit, void *data)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GByteArray) types = g_byte_array_new();
	int fd = dirfd(stream), r;

	r = read_names(stream, names, types);
	for (unsigned i = 0; i < names->len; i++) {
		bool is_dir = is_directory(fd, names->pdata[i], types->data[i]);
		void *token = NULL;

		if (!visit(fd, names->pdata[i], is_dir, level->token, &token, data) || !is_dir)
			continue;

		Child *child = g_new(Child, 1);

		*child = (Child){.name = g_strdup(names->pdata[i]), .token = token};
		g_ptr_array_add(level->children, child);
	}
	return r;
}

static Level *level_new(const struct stat *st, void *token)
{
	Level *level = g_new(Level, 1);

	level->id = file_id(st);
	level->token = token;
	level->children = g_ptr_array_new_with_free_func(child_free);
	return level;
}

/* Takes fd over; *stream becomes that, if it can be had. */
static int go_to(DIR **stream, int *fd)
{
	DIR *next = fdopendir(*fd);

	if (!next)
		return -errno;
	fd_steal(fd);
	stream_clear(stream);
	*stream = next;
	return 0;
}

/* Goes down. "." is looked up in it, for where that is not permitted "..", the way back, is not
 * either. */
static int go_down(DIR **stream, const char *name, struct stat *ret_stat)
{
	autofd fd = openat(dirfd(*stream), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstatat(fd, ".", ret_stat, 0) < 0)
		return -errno;
	return go_to(stream, &fd);
}

static int go_up(DIR **stream, const Level *above)
{
	autofd fd = openat(dirfd(*stream), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	FileId id;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	id = file_id(&st);
	return file_id_equal(&id, &above->id) ? go_to(stream, &fd) : -ESTALE;
}

/* One step down from a level that has children left. */
static int walk_down(DIR **stream, GPtrArray *levels, WalkVisit visit, void *data)
{
	Level *level = levels->pdata[levels->len - 1];
	Child *child = g_ptr_array_steal_index(level->children, level->children->len - 1);
	struct stat st;
	int r;

	r = go_down(stream, child->name, &st);
	if (r == 0) {
		level = level_new(&st, child->token);
		g_ptr_array_add(levels, level);
		r = level_visit(level, *stream, visit, data);
	}
	child_free(child);
	return r;
}

int walk_tree(int fd, void *token, WalkVisit visit, void *data)
{
	g_autoptr(GPtrArray) levels = g_ptr_array_new_with_free_func(level_free);
	__attribute__((cleanup(stream_clear))) DIR *stream = NULL;
	autofd dir_fd = fd;
	struct stat st;
	int first, r;

	if (fstat(dir_fd, &st) < 0)
		return -errno;
	r = go_to(&stream, &dir_fd);
	if (r < 0)
		return r;
	g_ptr_array_add(levels, level_new(&st, token));
	first = level_visit(levels->pdata[0], stream, visit, data);
	for (;;) {
		const Level *level = levels->pdata[levels->len - 1];

		if (level->children->len > 0) {
			r = walk_down(&stream, levels, visit, data);
		} else if (levels->len == 1) {
			return first;
		} else {
			g_ptr_array_set_size(levels, (int)levels->len - 1);
			r = go_up(&stream, levels->pdata[levels->len - 1]);
			if (r < 0)
				return first < 0 ? first : r;
		}
		if (first == 0)
			first = r;
	}
}
