/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of a mount: what could not be exposed becomes NAME.lklfs-unsaved (P17). */

#include "stage.h"

/* Beside its name, or if that directory does not take it, in the root of the mount. The bytes must
 * be in the staging file. *ret_path: where it is, absolute, to free. stage->lock and fs->lock held.
 */
int save_in_mount(Fs *fs, Stage *stage, char **ret_path);

/* Copies it to where temporary files go: TMPDIR, or else /var/tmp. Takes stage->lock; neither lock
 * may be held. */
int save_elsewhere(Fs *fs, Stage *stage, char **ret_path);

/* It could not be saved anywhere, for r (-errno). umount, which outlives the mount, reads what is
 * written here: a file without a name, a line for each, "NAME": WHY. */
void save_note_lost(Fs *fs, const char *name, int r);
