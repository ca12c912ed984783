/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* To whom an id is offered, and when that ends, without a mount. */

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

static Version *offered(Offers *o)
{
	Version *version = offer_make(o->place.fs, o->node, &o->st, WRITER);

	g_assert_nonnull(version);
	version->n_lookups++;
	return version;
}

static void test_to_the_writer(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	Version *version = offered(o);

	g_assert_true(version != node_expose(fs, o->node, &o->st));
	g_assert_true(offer_is_for(version, WRITER));
	g_assert_false(offer_is_for(version, ANOTHER));
	g_assert_false(offer_is_for(version, 0));
	g_assert_false(offer_is_for(o->node->exposed, WRITER));
	g_assert_null(offer_make(fs, o->node, &o->st, ANOTHER));
	g_assert_null(offer_make(fs, o->node, &o->st, 0));
	/* Asked again, it is the same. */
	g_assert_true(offered(o) == version);
	version_forget(fs, version, 2);
}

static void test_nobody_known(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	offer_note_writer(o->place.fs, o->node, 0);
	g_assert_null(offer_make(o->place.fs, o->node, &o->st, WRITER));
	g_assert_null(offer_make(o->place.fs, o->node, &o->st, 0));
}

static void test_withdrawn(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	Version *version = offered(o);

	offer_withdraw(o->node);
	g_assert_false(offer_is_for(version, WRITER));
	version_forget(fs, version, 1);
	/* Something else is exposed. */
	version = offered(o);
	version_supersede(fs, node_expose(fs, o->node, &o->st));
	g_assert_false(offer_is_for(version, WRITER));
	version_forget(fs, version, 1);
}

static void test_the_name_goes(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	Version *version = offered(o);

	node_move(fs, o->node, fs->root, "another");
	g_assert_false(offer_is_for(version, WRITER));
	version_forget(fs, version, 1);
}

static void test_the_file_differs(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	Version *version = offered(o), *next;

	o->st.st_size++;
	next = offered(o);
	g_assert_true(next != version);
	g_assert_false(offer_is_for(version, WRITER));
	g_assert_true(offer_is_for(next, WRITER));
	version_forget(fs, version, 1);
	version_forget(fs, next, 1);
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

/* Who only looks is not asked back each time. */
static void test_a_few(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	unsigned n = 0;
	Version *version;

	while (n < 100 && (version = offer_make(fs, o->node, &o->st, WRITER))) {
		version->n_lookups++;
		version_forget(fs, version, 1);
		n++;
	}
	g_assert_cmpuint(n, >=, 2);
	g_assert_cmpuint(n, <, 100);
	offer_note_writer(fs, o->node, WRITER);
	version_forget(fs, offered(o), 1);
}

/* Many threads: those that wrote last are known, and no node is kept for the others. */
static void test_bounded(Offers *o, gconstpointer data G_GNUC_UNUSED)
{
	Fs *fs = o->place.fs;
	const uint64_t n_before = fs->n_nodes;

	for (int i = 0; i < 10 * FS_WRITERS; i++) {
		g_autofree char *name = g_strdup_printf("file%d", i);
		Node *node = node_get(fs, fs->root, name);

		offer_note_writer(fs, node, WRITER + i);
		node_unref(fs, node);
	}
	g_assert_cmpuint(fs->n_nodes, <=, n_before + FS_WRITERS);
}

static void add(const char *name, void (*test)(Offers *, gconstpointer))
{
	g_test_add(name, Offers, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/offer/to-the-writer", test_to_the_writer);
	add("/offer/nobody-known", test_nobody_known);
	add("/offer/withdrawn", test_withdrawn);
	add("/offer/the-name-goes", test_the_name_goes);
	add("/offer/the-file-differs", test_the_file_differs);
	add("/offer/removed", test_removed);
	add("/offer/a-few", test_a_few);
	add("/offer/bounded", test_bounded);
	return g_test_run();
}
