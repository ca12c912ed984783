/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread that looks again and again without writing is not to be asked back each time: it gets a
 * few offers, each of which may take two lookups (the kernel asks whether the id it has is right
 * still, and then for the right one), and then what everybody gets. In between the kernel may
 * forget all it knew of the file, so the last node that a thread wrote is kept. */

#include "offer.h"

#include "fs.h"

#define N_OFFERS_MAX 4

void offer_note_writer(Fs *fs, Node *node, pid_t tid)
{
	Node **slot = &fs->writers[(unsigned)tid % FS_WRITERS], *old = *slot;

	offer_withdraw(node);
	if (node->offered && node->offered->state == VERSION_STAGED)
		node->offered = NULL;
	node->writer = tid;
	node->n_offers = 0;
	if (tid <= 0)
		return;
	*slot = node_ref(node);
	node_unref(fs, old);
}

Version *offer_make(Fs *fs, Node *node, const struct stat *st, pid_t tid)
{
	if (tid <= 0 || node->writer != tid || node->stage || node->n_offers == N_OFFERS_MAX)
		return NULL;
	node->n_offers++;
	if (node->offer_holds && version_matches(node->offered, st))
		return node->offered;
	/* Whoever has the last one open is to be told of what is set by another id. */
	if (node->offered && node->offered->handles)
		return NULL;
	if (node->offered)
		version_supersede(fs, node->offered);
	node->offered = version_new(fs, node, VERSION_EXPOSED);
	version_identify(node->offered, st);
	node->offer_holds = true;
	return node->offered;
}

void offer_withdraw(Node *node)
{
	node->offer_holds = false;
}

void offer_forget(Fs *fs, Node *node)
{
	Node **slot = &fs->writers[(unsigned)node->writer % FS_WRITERS];

	if (*slot == node)
		*slot = node_unref(fs, node);
}

void offers_end(Fs *fs)
{
	for (unsigned i = 0; i < FS_WRITERS; i++)
		fs->writers[i] = node_unref(fs, fs->writers[i]);
}

bool offer_is_for(const Version *version, pid_t tid)
{
	const Node *node = version->node;

	return tid > 0 && node->offer_holds && node->offered == version && node->writer == tid &&
	       !node->stage && !version->handles;
}
