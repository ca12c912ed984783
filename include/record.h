/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One verdict on its way into the journal. What only the moment of the verdict knows is noted under
 * its locks; what takes time, such as reading the files once more, is done when nobody waits. */

#include "stage.h"

typedef struct Record Record;

/* Begins to tell of this verdict; stage->lock and fs->lock held, before the session goes on with
 * another file. because: a constant string that says more, or NULL. Every record goes to
 * record_write() or record_drop(). */
Record *record_new(Fs *fs, const Stage *stage, Verdict verdict, const char *because);

/* The same without a session: under dir's name there is now what was under another one. writer
 * may be NULL: unknown. st: what it is; old: what was there before, or NULL. fs->lock held. */
Record *record_new_moved(Fs *fs, const Node *dir, const char *name, const Node *from_dir,
	const char *from_name, Verdict verdict, Process *writer, const struct stat *st,
	const struct stat *old);

/* Keeps both files open, the old and the new one, so that it can be told where they differ (if the
 * name is new: the one that it last was, if that is known; fs->lock held); takes these two; where
 * the new bytes will be written over the old ones: looks at once (stage->lock held). */
void record_keep_files(Record *record, const Stage *stage);
void record_keep_former(Fs *fs, Record *record, const Stage *stage);
void record_take_files(Record *record, int *old_fd, int *fd);
void record_compare_now(Record *record, const Stage *stage);

/* It could not be exposed: -errno. */
void record_fail(Record *record, int error);

/* Has the line put into the journal, by a thread that nobody waits for, which compares the files,
 * too, and takes the record (NULL: nothing to do). No lock held. */
void record_write(Fs *fs, Record *record);

/* There will be no such line. Any locks. */
Record *record_drop(Fs *fs, Record *record);

/* The thread begins; 0 or -errno. Tells that the mount begins. */
int record_begin(Fs *fs);

/* All lines are in the journal, and the thread has ended. Nothing: it had not begun. */
void record_end(Fs *fs);

/* The lines of the journal, as journal_lines(), with all that record_write() has been given. No
 * lock held. */
char *record_lines(Fs *fs);
