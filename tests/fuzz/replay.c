/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hands each file of some directories to a fuzz target, in the order of their names: replay DIR...
 * What is written is TAP, a line for each file; a target that finds something aborts. */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_files(GPtrArray *paths, const char *dir)
{
	g_autoptr(GError) error = NULL;
	GDir *files = g_dir_open(dir, 0, &error);
	const char *name;

	if (!files) {
		printf("Bail out! %s\n", error->message);
		exit(1);
	}
	while ((name = g_dir_read_name(files)))
		g_ptr_array_add(paths, g_build_filename(dir, name, NULL));
	g_dir_close(files);
}

static void replay(const char *path)
{
	g_autofree char *text = NULL;
	uint8_t *bytes;
	size_t size;

	if (!g_file_get_contents(path, &text, &size, NULL)) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	/* Without the 0 that GLib adds: what is read behind the end is seen. */
	bytes = malloc(MAX(size, 1));
	if (!bytes)
		abort();
	memcpy(bytes, text, size);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		add_files(paths, argv[i]);
	g_ptr_array_sort(paths, compare_paths);
	printf("1..%u\n", paths->len);
	for (unsigned i = 0; i < paths->len; i++) {
		const char *path = paths->pdata[i];
		g_autofree char *name = g_path_get_basename(path);

		printf("# %s\n", name);
		replay(path);
		printf("ok %u %s\n", i + 1, name);
	}
	return paths->len > 0 ? 0 : 1;
}
