/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file that the journals of all mounts of a process go to, line by line, each in one piece. A
 * thread of its own writes, so that no mount waits for a disk, or for those who read a pipe. */

#include "outbox.h"

typedef struct JournalFile JournalFile;

/* fd is taken, on failure too, and so is copy_fd, a second file that gets all lines as well (-1:
 * none); path: of the first, for messages. Returns 0, or -errno if there can be no thread. */
int journal_file_new(int fd, int copy_fd, const char *path, JournalFile **ret_file);

/* Where lines are put in, GStrings; NULL if file is. */
Outbox *journal_file_outbox(JournalFile *file);

/* All lines that have been put in are in the file, unless that takes longer than five seconds: then
 * that is said. NULL: nothing to do. */
JournalFile *journal_file_free(JournalFile *file);
