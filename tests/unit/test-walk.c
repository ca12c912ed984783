/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "walk.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "scratch.h"

#define DEPTH 1000 /* with names of four bytes: longer than any path */

typedef struct Count Count;

struct Count {
	unsigned n_files, n_dirs;
	const char *leave_out; /* a directory that is not to be entered */
};

/* Each directory is given its depth. */
static bool count(
	int dir_fd, const char *name, bool is_dir, void *token, void **ret_token, void *data)
{
	Count *count = data;
	struct stat st;

	g_assert_cmpint(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	g_assert_true(S_ISDIR(st.st_mode) == is_dir);
	*(is_dir ? &count->n_dirs : &count->n_files) += 1;
	*ret_token = GUINT_TO_POINTER(GPOINTER_TO_UINT(token) + 1);
	return !count->leave_out || strcmp(name, count->leave_out) != 0;
}

static int make_root(char name[static 12])
{
	int fd;

	strcpy(name, "walk-XXXXXX");
	g_assert_nonnull(mkdtemp(name));
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void remove_root(int fd, const char *name)
{
	close(fd);
	g_assert_cmpint(rmdir(name), ==, 0);
}

static int down(int fd, const char *name)
{
	int child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	g_assert_cmpint(child, >=, 0);
	return child;
}

static void make_file(int fd, const char *name)
{
	int file = openat(fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

	g_assert_cmpint(file, >=, 0);
	close(file);
}

/* A directory in a directory in ..., with a file in each. */
static void make_deep(int root_fd, unsigned depth)
{
	int fd = dup(root_fd);

	for (unsigned i = 0; i < depth; i++) {
		int child;

		make_file(fd, "file");
		g_assert_cmpint(mkdirat(fd, "deep", 0777), ==, 0);
		child = down(fd, "deep");
		close(fd);
		fd = child;
	}
	close(fd);
}

/* The way up, as rm -r would go it. */
static void remove_deep(int root_fd)
{
	int fd = dup(root_fd);

	for (int child; (child = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0;) {
		close(fd);
		fd = child;
	}
	for (int parent; (parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0;) {
		close(fd);
		fd = parent;
		unlinkat(fd, "file", 0);
		if (unlinkat(fd, "deep", AT_REMOVEDIR) < 0)
			break;
	}
	close(fd);
}

static void test_deep(void)
{
	Count all = {}, upper = {.leave_out = "deep"};
	int status = -1, root_fd;
	char root[12];
	pid_t pid;

	root_fd = make_root(root);
	make_deep(root_fd, DEPTH);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		int copy = dup(root_fd);
		struct rlimit limit = {(rlim_t)copy + 2, (rlim_t)copy + 2};

		/* this one, and one more */
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(2);
		_exit(walk_tree(copy, NULL, count, &all) == 0 && all.n_dirs == DEPTH &&
					all.n_files == DEPTH
				? 0
				: 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	ASSERT_OK(walk_tree(dup(root_fd), NULL, count, &upper));
	g_assert_cmpuint(upper.n_dirs, ==, 1);
	g_assert_cmpuint(upper.n_files, ==, 1);
	remove_deep(root_fd);
	remove_root(root_fd, root);
}

static bool check_token(
	int dir_fd, const char *name, bool is_dir, void *token, void **ret_token, void *data)
{
	GString *out = data;

	(void)dir_fd;
	g_string_append_printf(out, "%s/%s ", (const char *)token, name);
	*ret_token = is_dir ? (void *)g_intern_string(name) : NULL;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a directory is given reaches what is in it; links are not followed. */
static void test_tokens(void)
{
	static const char *const dirs[] = {"a", "a/b", "a/b/c", "d", "d/e", NULL};
	static const char *const files[] = {"1", "a/2", "a/b/c/3", "d/4", NULL};
	g_autoptr(GString) out = g_string_new(NULL);
	g_auto(GStrv) words = NULL;
	g_autofree char *sorted = NULL;
	char root[12];
	int root_fd = make_root(root);

	for (const char *const *p = dirs; *p; p++)
		g_assert_cmpint(mkdirat(root_fd, *p, 0777), ==, 0);
	for (const char *const *p = files; *p; p++)
		make_file(root_fd, *p);
	g_assert_cmpint(symlinkat("../a", root_fd, "d/link"), ==, 0);
	ASSERT_OK(walk_tree(dup(root_fd), (void *)"root", check_token, out));
	words = g_strsplit(g_strchomp(out->str), " ", -1);
	qsort(words, g_strv_length(words), sizeof *words, by_name);
	sorted = g_strjoinv(" ", words);
	g_assert_cmpstr(sorted, ==, "a/2 a/b b/c c/3 d/4 d/e d/link root/1 root/a root/d");
	for (const char *const *p = files; *p; p++)
		unlinkat(root_fd, *p, 0);
	unlinkat(root_fd, "d/link", 0);
	for (int i = (int)G_N_ELEMENTS(dirs) - 2; i >= 0; i--)
		g_assert_cmpint(unlinkat(root_fd, dirs[i], AT_REMOVEDIR), ==, 0);
	remove_root(root_fd, root);
}

static bool remove_it(
	int dir_fd, const char *name, bool is_dir, void *token, void **ret_token, void *data)
{
	(void)token, (void)ret_token;
	*(unsigned *)data += 1;
	if (!is_dir)
		g_assert_cmpint(unlinkat(dir_fd, name, 0), ==, 0);
	return true;
}

static bool remove_dir(
	int dir_fd, const char *name, bool is_dir, void *token, void **ret_token, void *data)
{
	(void)token, (void)ret_token;
	*(unsigned *)data += 1;
	if (is_dir)
		g_assert_cmpint(unlinkat(dir_fd, name, AT_REMOVEDIR), ==, 0);
	return true;
}

/* Names may be removed while they are visited; a directory that is gone is an error, and the rest
 * is visited all the same. */
static void test_removed(void)
{
	char root[12];
	int root_fd = make_root(root);
	unsigned n = 0;

	for (unsigned i = 0; i < 500; i++) {
		g_autofree char *name = g_strdup_printf("file%u", i);

		make_file(root_fd, name);
	}
	g_assert_cmpint(mkdirat(root_fd, "dir", 0777), ==, 0);
	make_file(root_fd, "dir/file");
	ASSERT_OK(walk_tree(dup(root_fd), NULL, remove_it, &n));
	g_assert_cmpuint(n, ==, 502);
	n = 0;
	make_file(root_fd, "file");
	g_assert_cmpint(mkdirat(root_fd, "dir2", 0777), ==, 0);
	ASSERT_ERROR(walk_tree(dup(root_fd), NULL, remove_dir, &n), ENOENT);
	g_assert_cmpuint(n, ==, 3);
	g_assert_cmpint(unlinkat(root_fd, "file", 0), ==, 0);
	remove_root(root_fd, root);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/walk/deep", test_deep);
	g_test_add_func("/walk/tokens", test_tokens);
	g_test_add_func("/walk/removed", test_removed);
	return g_test_run();
}
