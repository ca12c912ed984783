/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread that looks again and again without writing is not to be asked back each time: it gets a
 * few offers, each of which may take two lookups (the kernel asks whether the id it has is right
 * still, and then for the right one), and then what everybody gets. In between the kernel may
 * forget all it knew of the file, so the last node that a thread wrote is kept. */

#include "offer.h"

#include "fs.h"

#define N_OFFERS_MAX 4

static Node **offer_slot(Fs *fs, pid_t tid)
{
	return &fs->writers[(unsigned)tid % FS_N_WRITERS];
}

void offer_note_writer(Fs *fs, Node *node, pid_t tid)
{
	Node **slot = offer_slot(fs, tid), *old = *slot;

	NodeMore *more = node_set_more(node);

	more->writer = tid;
	more->n_offers = 0;
	if (tid <= 0)
		return;
	*slot = node_ref(node);
	node_unref(fs, old);
}

bool offer_is_due(const Version *version, pid_t tid)
{
	const Node *node = version->node;

	return tid > 0 && node_more(node)->writer == tid && !node->stage && !version->handles &&
	       (version->n_lookups == 0 || version->alone == tid) &&
	       node_more(node)->n_offers < N_OFFERS_MAX;
}

void offer_make(Version *version, pid_t tid)
{
	version->alone = tid;
	node_set_more(version->node)->n_offers++;
}

bool offer_is_for(const Version *version, pid_t tid)
{
	const Node *node = version->node;

	return tid > 0 && version->alone == tid && node->exposed == version && !node->stage &&
	       !version->handles;
}

void offer_forget(Fs *fs, Node *node)
{
	Node **slot = offer_slot(fs, node_more(node)->writer);

	if (*slot == node)
		*slot = node_unref(fs, node);
}

void offers_end(Fs *fs)
{
	for (unsigned i = 0; i < FS_N_WRITERS; i++)
		fs->writers[i] = node_unref(fs, fs->writers[i]);
}
