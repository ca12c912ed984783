/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be done, by whom, to which names, with which bytes; and how that is written down.
 *
 * An operation is a few numbers, so that it can be sent to whoever is to do it, kept for a replay,
 * and printed as a line of a script that a human reads and `model --replay` repeats. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Who: a build driver, below it one step with a child and another step; and two that no driver has
 * started, parent and child. */
enum { DRIVER, STEP_A, CHILD_A, STEP_B, OUTSIDER, OUTSIDER_CHILD, N_ACTORS, NOBODY = -1 };

static const char *const actor_names[N_ACTORS] = {"D", "A", "A2", "B", "O", "O2"};
static const int actor_parents[N_ACTORS] = {NOBODY, DRIVER, STEP_A, DRIVER, NOBODY, OUTSIDER};

/* The names, parents first. Those that have names below them are directories or absent; the others
 * may be anything. What is below d has its like below x, in the same order. */
enum { N_PATHS = 13, PATH_D = 3, PATH_X = 8, N_BELOW = 5, ROOT = -1 };

typedef struct Path Path;

struct Path {
	const char *name;
	int parent;
	bool holds; /* has names below it */
	int mirror; /* a directory with the same names below it; ROOT: none */
};

static const Path paths[N_PATHS] = {
	{"a", ROOT, false, ROOT},
	{"b", ROOT, false, ROOT},
	{"stamp", ROOT, false, ROOT},
	{"d", ROOT, true, 8},
	{"d/a", 3, false, ROOT},
	{"d/b", 3, false, ROOT},
	{"d/e", 3, true, 11},
	{"d/e/a", 6, false, ROOT},
	{"x", ROOT, true, 3},
	{"x/a", 8, false, ROOT},
	{"x/b", 8, false, ROOT},
	{"x/e", 8, true, 6},
	{"x/e/a", 11, false, ROOT},
};

static bool path_is_below(int path, int above)
{
	for (; path != ROOT; path = paths[path].parent)
		if (path == above)
			return true;
	return false;
}

/* What is written: few texts, so that the same bytes come again and again. Some differ from
 * another in one byte. The same number chooses the target of a symbolic link. */
enum { N_TEXTS = 8, N_SLOTS = 4, SIZE_MAX_FILE = 100000 };

static const struct {
	int size;
	uint32_t seed;
	int differs; /* at this offset from the text with the same seed; -1: nowhere */
} texts[N_TEXTS] = {
	{1, 1, -1}, {20, 2, -1}, {20, 2, 19}, {4096, 3, -1}, {4096, 3, 4000}, {70000, 4, -1},
	{70000, 4, 33333}, {60, 0, -1}, /* a thin archive (P16) */
};

static void text_fill(char *buffer, int text, int from, int length)
{
	static const char magic[] = "!<thin>\n";

	for (int i = from; i < from + length; i++) {
		uint32_t x = (uint32_t)i * 2654435761u ^ texts[text].seed * 40503u;
		char c = (char)('a' + (x >> 16) % 26);

		if (texts[text].seed == 0 && i < 8)
			c = magic[i];
		if (i == texts[text].differs)
			c = '#';
		buffer[i - from] = c;
	}
}

typedef enum {
	OP_OPEN,
	OP_CLOSE,
	OP_READ,
	OP_WRITE,
	OP_FTRUNCATE,
	OP_MAP,
	OP_STORE,
	OP_UNMAP,
	OP_FSTAT,
	OP_FUTIMENS,
	OP_FSYNC,
	OP_STAT,
	OP_CAT,
	OP_LIST,
	OP_READLINK,
	OP_TRUNCATE,
	OP_UTIMENS,
	OP_CHMOD,
	OP_UNLINK,
	OP_MKDIR,
	OP_RMDIR,
	OP_RENAME,
	OP_LINK,
	OP_SYMLINK,
	OP_RESTART,
	N_OPS,
} OpKind;

/* Times that are set: now, none, or one of some that are known. */
enum { WHEN_NOW, WHEN_OMIT, WHEN_OLD, WHEN_OLDER, WHEN_FUTURE, N_WHENS };

typedef struct Op Op;

struct Op {
	int actor, kind;
	int slot;        /* of the actor's handles */
	int path, other; /* ROOT is the directory that holds them all */
	int text, from, length;
	int at;    /* an offset or a size */
	int flags; /* of open or rename; a mode; a WHEN_ */
};

/* s slot, p path, q other path, f flags of open, t text, r range of the text, a offset, n size,
 * m mode, w when, x flags of rename */
static const struct {
	const char *name, *args;
} op_forms[N_OPS] = {
	[OP_OPEN] = {"open", "spf"},
	[OP_CLOSE] = {"close", "s"},
	[OP_READ] = {"read", "s"},
	[OP_WRITE] = {"write", "stra"},
	[OP_FTRUNCATE] = {"ftruncate", "sn"},
	[OP_MAP] = {"map", "s"},
	[OP_STORE] = {"store", "stra"},
	[OP_UNMAP] = {"unmap", "s"},
	[OP_FSTAT] = {"fstat", "s"},
	[OP_FUTIMENS] = {"futimens", "sw"},
	[OP_FSYNC] = {"fsync", "s"},
	[OP_STAT] = {"stat", "p"},
	[OP_CAT] = {"cat", "p"},
	[OP_LIST] = {"list", "p"},
	[OP_READLINK] = {"readlink", "p"},
	[OP_TRUNCATE] = {"truncate", "pn"},
	[OP_UTIMENS] = {"utimens", "pw"},
	[OP_CHMOD] = {"chmod", "pm"},
	[OP_UNLINK] = {"unlink", "p"},
	[OP_MKDIR] = {"mkdir", "p"},
	[OP_RMDIR] = {"rmdir", "p"},
	[OP_RENAME] = {"rename", "pqx"},
	[OP_LINK] = {"link", "pq"},
	[OP_SYMLINK] = {"symlink", "pt"},
	[OP_RESTART] = {"restart", ""},
};

static const struct {
	const char *name;
	int flag;
} open_flags[] = {{"r", O_RDONLY}, {"w", O_WRONLY}, {"rw", O_RDWR}, {"creat", O_CREAT},
	{"excl", O_EXCL}, {"trunc", O_TRUNC}, {"append", O_APPEND}};

enum { N_OPEN_FLAGS = sizeof(open_flags) / sizeof(open_flags[0]) };

static const char *const when_names[N_WHENS] = {"now", "omit", "old", "older", "future"};
static const char *const rename_names[] = {"over", "noreplace", "exchange"};

/* In nanoseconds; of those WHEN_ that are known. */
static int64_t when_ns(int when)
{
	static const int64_t seconds[N_WHENS] = {
		[WHEN_OLD] = 1000000007, [WHEN_OLDER] = 987654321, [WHEN_FUTURE] = 4000000000};

	return seconds[when] * 1000000000LL + 123456789 - when;
}

static void op_print_flags(FILE *f, int flags)
{
	fprintf(f, " %s", open_flags[flags & O_ACCMODE].name);
	for (int i = 3; i < N_OPEN_FLAGS; i++)
		if (flags & open_flags[i].flag)
			fprintf(f, ",%s", open_flags[i].name);
}

static void op_print(FILE *f, const Op *op)
{
	fprintf(f, "%s %s", actor_names[op->actor], op_forms[op->kind].name);
	for (const char *a = op_forms[op->kind].args; *a; a++) {
		int path = *a == 'q' ? op->other : op->path;

		if (*a == 's')
			fprintf(f, " %d", op->slot);
		else if (*a == 'p' || *a == 'q')
			fprintf(f, " %s", path == ROOT ? "." : paths[path].name);
		else if (*a == 'f')
			op_print_flags(f, op->flags);
		else if (*a == 't')
			fprintf(f, " %d", op->text);
		else if (*a == 'r')
			fprintf(f, " %d+%d", op->from, op->length);
		else if (*a == 'a' || *a == 'n')
			fprintf(f, " %d", op->at);
		else if (*a == 'm')
			fprintf(f, " %o", (unsigned)op->flags);
		else if (*a == 'w')
			fprintf(f, " %s", when_names[op->flags]);
		else
			fprintf(f, " %s", rename_names[op->flags]);
	}
	fputc('\n', f);
}

/* The index of a word in a list; -1 if it is not there. */
static int word_find(const char *word, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return i;
	return -1;
}

static bool path_parse(const char *word, int *ret_path)
{
	*ret_path = ROOT;
	if (strcmp(word, ".") == 0)
		return true;
	for (int i = 0; i < N_PATHS; i++)
		if (strcmp(word, paths[i].name) == 0)
			*ret_path = i;
	return *ret_path != ROOT;
}

static bool flags_parse(char *word, int *ret_flags)
{
	char *rest = NULL;

	*ret_flags = 0;
	for (char *w = strtok_r(word, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
		int i = 0;

		while (i < N_OPEN_FLAGS && strcmp(w, open_flags[i].name) != 0)
			i++;
		if (i == N_OPEN_FLAGS)
			return false;
		*ret_flags |= open_flags[i].flag;
	}
	return true;
}

static bool arg_parse(Op *op, char form, char *word)
{
	switch (form) {
	case 's':
		op->slot = atoi(word);
		return op->slot >= 0 && op->slot < N_SLOTS;
	case 'p':
		return path_parse(word, &op->path);
	case 'q':
		return path_parse(word, &op->other);
	case 'f':
		return flags_parse(word, &op->flags);
	case 't':
		op->text = atoi(word);
		return op->text >= 0 && op->text < N_TEXTS;
	case 'r':
		return sscanf(word, "%d+%d", &op->from, &op->length) == 2;
	case 'a':
	case 'n':
		op->at = atoi(word);
		return op->at >= 0 && op->at <= SIZE_MAX_FILE;
	case 'm':
		op->flags = (int)strtol(word, NULL, 8);
		return true;
	case 'w':
		op->flags = word_find(word, when_names, N_WHENS);
		return op->flags >= 0;
	case 'x':
		op->flags = word_find(word, rename_names, 3);
		return op->flags >= 0;
	}
	return false;
}

/* One line of a script; false if it is none. */
static bool op_parse(char *line, Op *ret_op)
{
	char *rest = NULL, *word = strtok_r(line, " \t\n", &rest);

	*ret_op = (Op){.path = ROOT, .other = ROOT};
	ret_op->actor = word ? word_find(word, actor_names, N_ACTORS) : -1;
	word = strtok_r(NULL, " \t\n", &rest);
	if (ret_op->actor < 0 || !word)
		return false;
	while (ret_op->kind < N_OPS && strcmp(op_forms[ret_op->kind].name, word) != 0)
		ret_op->kind++;
	if (ret_op->kind == N_OPS)
		return false;
	for (const char *a = op_forms[ret_op->kind].args; *a; a++) {
		word = strtok_r(NULL, " \t\n", &rest);
		if (!word || !arg_parse(ret_op, *a, word))
			return false;
	}
	return true;
}
