/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* To whom what is exposed is offered, and when that ends, without a mount. */

#include "offer.h"

#include "node.h"
#include "scratch-fs.h"

#define WRITER 1000
#define ANOTHER 1001

typedef struct {
	ScratchFs place;
	Node *node;
	struct stat st; /* of what is exposed */
} Offers;

static void set_up(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	scratch_fs_begin(&o->place);
	o->node = node_get(o->place.fs, o->place.fs->root, "file");
	o->st = (struct stat){
		.st_mode = S_IFREG | 0644, .st_dev = 1, .st_ino = 2, .st_nlink = 1, .st_size = 3};
	offer_note_writer(o->place.fs, o->node, WRITER);
}

static void tear_down(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	o->node = node_unref(o->place.fs, o->node);
	scratch_fs_end(&o->place);
}

static Version *exposed(Offers *o)
{
	return node_expose(o->place.fs, o->node, &o->st);
}

/* What a lookup does. Returns whether it was answered with an offer. */
static bool looked_up(Version *version, pid_t tid)
{
	const bool offered = offer_is_due(version, tid);

	version->n_lookups++;
	version->alone = 0;
	if (offered)
		offer_make(version, tid);
	return offered;
}

static void test_to_the_writer(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Version *version = exposed(o);

	g_assert_true(looked_up(version, WRITER));
	g_assert_true(offer_is_for(version, WRITER));
	g_assert_false(offer_is_for(version, ANOTHER));
	g_assert_false(offer_is_for(version, 0));
	g_assert_true(looked_up(version, WRITER));
	g_assert_true(offer_is_for(version, WRITER));
	version_forget(o->place.fs, version, 2);
}

static void test_to_nobody_else(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Version *version = exposed(o);

	g_assert_false(offer_is_due(version, ANOTHER));
	g_assert_false(offer_is_due(version, 0));
	offer_note_writer(o->place.fs, o->node, 0);
	g_assert_false(offer_is_due(version, WRITER));
	g_assert_false(offer_is_due(version, 0));
	version_drop_unused(o->place.fs, version);
}

/* Others may have it cached. */
static void test_told_to_others(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Version *version = exposed(o);

	g_assert_true(looked_up(version, WRITER));
	g_assert_false(looked_up(version, ANOTHER));
	g_assert_false(offer_is_for(version, WRITER));
	g_assert_false(looked_up(version, WRITER));
	g_assert_false(offer_is_for(version, WRITER));
	version_forget(o->place.fs, version, 3);
}

static void test_superseded(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Version *version = exposed(o);

	g_assert_true(looked_up(version, WRITER));
	node_supersede(o->place.fs, o->node);
	g_assert_false(offer_is_for(version, WRITER));
	version_forget(o->place.fs, version, 1);
}

static void test_open(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Version *version = exposed(o);

	g_assert_true(looked_up(version, WRITER));
	version->handles = (Handle *)o;
	g_assert_false(offer_is_for(version, WRITER));
	g_assert_false(looked_up(version, WRITER));
	version->handles = NULL;
	version_forget(o->place.fs, version, 2);
}

/* Who only looks is not asked back each time. */
static void test_a_few(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	unsigned n = 0;

	while (n < 100 && looked_up(exposed(o), WRITER)) {
		version_forget(fs, o->node->exposed, 1);
		n++;
	}
	g_assert_cmpuint(n, >=, 2);
	g_assert_cmpuint(n, <, 100);
	version_forget(fs, o->node->exposed, 1);
	offer_note_writer(fs, o->node, WRITER);
	g_assert_true(looked_up(exposed(o), WRITER));
	version_forget(fs, o->node->exposed, 1);
}

static void test_removed(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	const uint64_t n_before = fs->n_nodes;

	node_unlink(fs, o->node);
	node_unref(fs, o->node);
	g_assert_cmpuint(fs->n_nodes, ==, n_before - 1);
	o->node = node_get(fs, fs->root, "file");
}

/* Many threads: those that wrote last are known, and no node is kept for the others. */
static void test_bounded(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	const uint64_t n_before = fs->n_nodes;

	for (int i = 0; i < 10 * FS_N_WRITERS; i++) {
		g_autofree char *name = g_strdup_printf("file%d", i);
		Node *node = node_get(fs, fs->root, name);

		offer_note_writer(fs, node, WRITER + i);
		node_unref(fs, node);
	}
	g_assert_cmpuint(fs->n_nodes, <=, n_before + FS_N_WRITERS);
}

static void add(const char *name, void (*test)(Offers *, gconstpointer))
{
	g_test_add(name, Offers, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/offer/to-the-writer", test_to_the_writer);
	add("/offer/to-nobody-else", test_to_nobody_else);
	add("/offer/told-to-others", test_told_to_others);
	add("/offer/superseded", test_superseded);
	add("/offer/open", test_open);
	add("/offer/a-few", test_a_few);
	add("/offer/removed", test_removed);
	add("/offer/bounded", test_bounded);
	return g_test_run();
}
