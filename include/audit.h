/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What would be, if this were no audit (-o audit). There each verdict is reached and told as ever,
 * but nothing is held back: what would be kept or restored gets the mtime that it has without
 * lklfs. So that verdicts on what comes later are those that there would be, it is written down
 * here which mtime each such file would have.
 *
 * Without an audit there is no table, and all files have the mtimes that they have. Everything here
 * is under fs->lock. */

#include "fs.h"

typedef struct Audit Audit;

Audit *audit_new(void);
Audit *audit_free(Audit *audit);

/* The file, as it is now, would have this mtime. In an audit only. */
void audit_note(Fs *fs, const struct stat *st, const struct timespec *mtime);

/* The mtime that the file would have. */
struct timespec audit_mtime(const Fs *fs, const struct stat *st);

/* The file would be stamped now: from now on it counts with the mtime that it has. Returns whether
 * it would have had another. */
bool audit_forget(Fs *fs, const struct stat *st);
