/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each build step has read: the names of the files that it opened through any of the mounts of
 * this process, and how new the newest is. An output that is older than that is out of date for
 * make and for ninja, however often it is rewritten with the same bytes (P15).
 *
 * Whatever is forgotten here leaves an output as it is. Thread safe: a lock of its own, which is a
 * leaf. */

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "step.h"

typedef struct Inputs Inputs;

Inputs *inputs_new(void);
Inputs *inputs_free(Inputs *inputs);

/* Whether it is known who the thread is, so that inputs_read() can do without a reader. */
bool inputs_know(Inputs *inputs, pid_t tid);

/* writer (NULL: unknown) has written this file, as it is now. */
void inputs_wrote(Inputs *inputs, Process *writer, const struct stat *st);

/* Whether the step of writer (NULL: unknown) has written this file. */
bool inputs_is_own(Inputs *inputs, const Process *writer, const struct stat *st);

/* The thread tid of reader (NULL: whoever the thread has been known as, if it has) has opened a
 * file for reading. mtime: what counts as that of the file. What was written inside its own step is
 * no input of that. name: tells its names apart, mostly. Whether its path is wanted: its step has
 * not read it by that name before. */
bool inputs_read(Inputs *inputs, pid_t tid, Process *reader, const struct stat *st,
	const struct timespec *mtime, unsigned name);

/* And this is the path. */
void inputs_name_read(Inputs *inputs, pid_t tid, Process *reader, const struct stat *st,
	unsigned name, const char *path);

/* The paths that the step of writer (NULL: unknown) has read since this was asked last: an array
 * that owns its strings; NULL: none. *ret_more: the step has read more
 * than was ever given, for there were too many. */
GPtrArray *inputs_take_names(Inputs *inputs, Process *writer, bool *ret_more);

/* Whether the step that writer (NULL: unknown) belongs to has read something newer than mtime, and
 * then, unless ret_newest is NULL, the mtime of the newest. */
bool inputs_are_newer(
	Inputs *inputs, Process *writer, const struct timespec *mtime, struct timespec *ret_newest);

/* The same of the step that has written this file. False if that is unknown. */
bool inputs_of_file_are_newer(Inputs *inputs, const struct stat *st, const struct timespec *mtime,
	struct timespec *ret_newest);
