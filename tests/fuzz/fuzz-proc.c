/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What /proc says of a process. Its name is the process's own choice; it must not be taken for
 * anything else. The first byte says which file it is. */

#include "fuzz.h"

#include <stdio.h>

#include "proc.h"

/* Any text. */
static void fuzz_line(Bytes *in)
{
	g_autofree char *line = bytes_text(in, 1023);
	ProcStat stat;

	if (proc_parse_stat(line, &stat) == 0)
		g_assert_cmpuint(strlen(stat.command), <, PROC_COMMAND_MAX);
}

/* A process of any name, of up to 63 bytes. */
static void fuzz_stat(Bytes *in)
{
	static const char states[] = "RSDZTtXI";
	char state = states[bytes_below(in, 8)];
	int parent = bytes_next(in) * 1000, n_threads = bytes_next(in);
	unsigned long long start = bytes_next(in) * 1234567890123ull;
	g_autofree char *command = bytes_text(in, 63);
	g_autofree char *line = g_strdup_printf("4194304 (%s) %c %d 1 1 0 -1 4194560 106 0 0 0 1 2 "
						"3 4 20 0 %d 0 %llu 5 6 18446744073709551615\n",
		command, state, parent, n_threads, start);
	ProcStat stat;

	g_assert_cmpint(proc_parse_stat(line, &stat), ==, 0);
	g_assert_cmpstr(stat.command, ==, command);
	g_assert_cmpint(stat.state, ==, state);
	g_assert_cmpint(stat.parent, ==, parent);
	g_assert_cmpint(stat.n_threads, ==, n_threads);
	g_assert_true(stat.start == start);
}

/* The kernel writes the name with \n and \\ for what would break the line. */
static void fuzz_status(Bytes *in)
{
	pid_t process = 1 + bytes_next(in), found;
	unsigned n_groups = bytes_below(in, 5);
	gid_t first = bytes_next(in) * 1000003u;
	g_autofree char *name = bytes_text(in, 15);
	g_autofree char *escaped = g_strescape(name, NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GArray) groups = NULL;

	g_string_printf(text, "Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t7\nGroups:\t",
		escaped, process);
	for (unsigned i = 0; i < n_groups; i++)
		g_string_append_printf(text, "%u ", first + i);
	g_string_append(text, "\nNStgid:\t1\n");
	g_assert_cmpint(proc_parse_process(text->str, &found), ==, 0);
	g_assert_cmpint(found, ==, process);
	g_assert_cmpint(proc_parse_groups(text->str, &groups), ==, 0);
	g_assert_cmpuint(groups->len, ==, n_groups);
	for (unsigned i = 0; i < n_groups; i++)
		g_assert_cmpuint(g_array_index(groups, gid_t, i), ==, first + i);
}

static void fuzz_text(Bytes *in)
{
	g_autofree char *text = bytes_text(in, 4095);
	g_autoptr(GArray) groups = NULL;
	pid_t process = 0;

	if (proc_parse_process(text, &process) == 0)
		g_assert_cmpint(process, >, 0);
	(void)!proc_parse_groups(text, &groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const files[])(Bytes * in) = {fuzz_line, fuzz_stat, fuzz_status, fuzz_text};
	Bytes in = {data, size};
	unsigned file = bytes_below(&in, G_N_ELEMENTS(files));

	files[file](&in);
	return 0;
}
