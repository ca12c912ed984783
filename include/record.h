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
Record *record_new_moved(Fs *fs, const Node *dir, const char *name, Verdict verdict,
	Process *writer, const struct stat *st, const struct stat *old);

/* Where it was before; fs->lock held. */
void record_moved_from(Fs *fs, Record *record, const Node *dir, const char *name);

/* Keeps both files open, the old and the new one, so that it can be told where they differ; takes
 * these two; where the new bytes will be written over the old ones: looks at once (stage->lock
 * held). */
void record_keep_files(Record *record, const Stage *stage);
void record_take_files(Record *record, int *old_fd, int *fd);
void record_compare_now(Record *record, const Stage *stage);

/* It could not be exposed: -errno. */
void record_fail(Record *record, int error);

/* Puts the line into the journal, and frees the record (NULL: nothing to do). No lock held. */
void record_write(Fs *fs, Record *record);

/* There will be no such line. Any locks. */
Record *record_drop(Fs *fs, Record *record);

/* Tells that the mount begins. */
void record_mounted(Fs *fs);
