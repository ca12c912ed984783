/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nobody may change the file as long as the session's bytes are there alone. In the store it is out
 * of everybody's reach, and what is lent is put back by the session alone that it is lent to. If it
 * is forgotten meanwhile it loses its name, and the descriptor keeps it.
 *
 * Whether it may come back is decided at the end, as if it had not been lent; if it may not, the
 * bytes are copied from it. There must be room for that: a version that is given up for a full disk
 * takes its room as long as it is lent (P17). */

#include "loan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "former.h"
#include "util.h"

/* What is smaller is stored sooner than a descriptor and room for it are had. */
#define LOAN_MIN ((off_t)256 << 10)

void loan_begin(Fs *fs, Stage *stage)
{
	const Process *opener = stage->openers->len > 0 ? stage->openers->pdata[0] : NULL;
	const Node *node = stage->node;
	Former *former;
	struct stat st;
	autofd fd = -1;

	/* In an audit what has been written is exposed all the same. */
	former = fs->audit ? NULL : former_last(fs, node->parent, node->name, opener);
	if (!former || former_lend(fs, former, LOAN_MIN, &fd) < 0)
		return;
	if (fstat(fd, &st) < 0) {
		former_set_lent(former, false);
		return;
	}
	stage->lent = former_ref(former);
	stage->loan_fd = fd_steal(&fd);
	stage->loan_size = st.st_size;
}

bool loan_is_open(const Stage *stage)
{
	return stage->loan_fd >= 0;
}

int loan_claim(const Stage *stage)
{
	return fallocate(stage->fd, FALLOC_FL_KEEP_SIZE, 0, stage->loan_size) < 0 ? -errno : 0;
}

bool loan_is_next(Fs *fs, const Stage *stage, const Process *writer)
{
	const Node *node = stage->node;

	return !node->shadow && stage->size == stage->loan_size &&
	       former_last(fs, node->parent, node->name, writer) == stage->lent;
}

void loan_stat(const Stage *stage, struct stat *st)
{
	if (!loan_is_open(stage))
		return;
	st->st_size = __atomic_load_n(&stage->size, __ATOMIC_RELAXED);
	st->st_blocks = (st->st_size + 511) / 512;
}

void loan_end(Stage *stage)
{
	if (!loan_is_open(stage))
		return;
	fd_clear(&stage->loan_fd);
	former_set_lent(stage->lent, false);
	stage->lent = former_unref(stage->lent);
}
