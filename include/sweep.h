/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a dead daemon has left in the tree underneath (P18). */

/* Removes every hidden name below root_fd that no living process owns, and finishes what was being
 * written through (P14). What has been finished is said; so is what cannot be removed or finished,
 * which is left alone. */
void sweep_tree(int root_fd);
