/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A model holds a descriptor, and its room on the disk as long as the session compares with it,
 * also when it is given up meanwhile. Hence only what is large, where there is room for both, and
 * what can come back itself: whose mtime alone may come back has to be stored anyway. */

#include "model.h"

#include <fcntl.h>

#include "former.h"
#include "space.h"
#include "util.h"

/* Less is stored in no time. */
#define MODEL_SIZE_MIN ((off_t)256 << 10)

void model_take(Fs *fs, Stage *stage, const Process *writer)
{
	Former *former;
	autofd fd = -1;
	off_t size;

	if (fs->audit)
		return;
	former = former_last(fs, stage->node->parent, stage->node->name, writer);
	if (!former || former_open(fs, former, &fd) < 0)
		return;
	size = lseek(fd, 0, SEEK_END);
	if (size < MODEL_SIZE_MIN || !space_is_free(fd, size))
		return;
	stage->model = former_lend(former);
	stage->own_fd = fd_steal(&stage->fd);
	stage->base_fd = fd_steal(&fd);
	stage->base_size = size;
}

bool model_match(Fs *fs, const Stage *stage, const Process *writer, Match *match)
{
	const Node *node = stage->node;

	if (node->shadow || !former_is_of(fs, stage->model, node->parent, node->name) ||
		!former_may_return(stage->model, writer) ||
		!former_is_whole(fs, stage->model, true))
		return false;
	match->fd = fcntl(stage->base_fd, F_DUPFD_CLOEXEC, 0);
	match->found = match->fd >= 0;
	if (match->found)
		match->former = former_ref(stage->model);
	return match->found;
}
