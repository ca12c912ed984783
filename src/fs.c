/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Made before the mount, freed after it; nothing here knows requests. */

#include "fs.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "audit.h"
#include "beneath.h"
#include "failed.h"
#include "former.h"
#include "held.h"
#include "kept.h"
#include "late.h"
#include "offer.h"
#include "outdated.h"
#include "stage.h"
#include "step.h"
#include "sweep.h"
#include "usage.h"
#include "util.h"

#define STATUS_NAMES_MAX 100
#define FS_DESCRIPTORS_PART 8 /* of all that may be open, for each that keeps some open */

static guint name_hash(gconstpointer key)
{
	return node_name_hash(key);
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
	const Node *x = a, *y = b;

	return x->parent == y->parent && strcmp(x->name, y->name) == 0;
}

static guint version_hash(gconstpointer key)
{
	return g_int64_hash(&((const Version *)key)->id);
}

static gboolean version_equal(gconstpointer a, gconstpointer b)
{
	return ((const Version *)a)->id == ((const Version *)b)->id;
}

/* How many descriptors may be kept open for one purpose. */
static unsigned descriptors_max(unsigned min, unsigned max)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return min;
	return (unsigned)CLAMP(limit.rlim_cur / FS_DESCRIPTORS_PART, min, max);
}

static Node *add_special_file(Fs *fs, const char *name, Special special)
{
	Node *node = node_get(fs, fs->special_dir, name);

	node->special = special;
	node->exposed = version_new(fs, node, VERSION_EXPOSED);
	node->exposed->n_lookups = 1;
	return node;
}

static void add_special(Fs *fs)
{
	fs->special_dir = node_get(fs, fs->root, ".lklfs");
	fs->special_dir->special = SPECIAL_DIR;
	fs->special_dir->exposed = version_new(fs, fs->special_dir, VERSION_EXPOSED);
	fs->special_dir->exposed->n_lookups = 1;
	fs->special_status = add_special_file(fs, "status", SPECIAL_STATUS);
	fs->special_journal = add_special_file(fs, "journal", SPECIAL_JOURNAL);
}

int fs_new(const Options *options, Inputs *inputs, Outbox *journal, int root_fd, const char *dir,
	Fs **ret_fs)
{
	autofd fd = root_fd;
	struct statfs kind;
	struct stat st;
	Fs *fs;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &kind) < 0)
		return -errno;
	sweep_tree(fd);

	fs = g_new0(Fs, 1);
	fs->options = options;
	fs->dir = g_strdup(dir);
	fs->root_fd = fd_steal(&fd);
	fs->lost_fd = memfd_create(FS_LOST, MFD_CLOEXEC);
	fs->root_dev = st.st_dev;
	fs->on_fuse = kind.f_type == FUSE_SUPER_MAGIC;
	fs->journal = journal_new(journal);
	fs->inputs = inputs;
	pthread_mutex_init(&fs->through_lock, NULL);
	pthread_mutex_init(&fs->lock, NULL);
	pthread_cond_init(&fs->decided, NULL);
	fs->versions = g_hash_table_new(version_hash, version_equal);
	fs->names = g_hash_table_new(name_hash, name_equal);
	fs->pins = g_hash_table_new(NULL, NULL);
	fs->locked = g_hash_table_new(NULL, NULL);
	fs->listings = g_hash_table_new(NULL, NULL);
	fs->store = store_new();
	fs->formers = formers_new();
	fs->held = held_new(HELD_MAX);
	fs->audit = options->audit ? audit_new() : NULL;
	fs->lates = lates_new();
	fs->outdated = outdated_new();
	g_queue_init(&fs->stages);
	g_queue_init(&fs->undecided);
	g_queue_init(&fs->kept);
	g_queue_init(&fs->told);
	fs->dir_fd = -1;
	fs->walks_at_once = beneath_is_possible(fs->root_fd);
	fs->steps = steps_new(options->drivers, descriptors_max(16, 2 * STEPS_KNOWN_MAX) / 2);
	fs->root = node_new_root(fs);
	fs->root_version = version_new(fs, fs->root, VERSION_EXPOSED); /* id 1, as FUSE wants it */
	fs->root_version->n_lookups = 1;
	version_identify(fs->root_version, &st);
	fs->root->exposed = fs->root_version;
	add_special(fs);
	*ret_fs = fs;
	return 0;
}

/* Letting go of one may take others along, so they are taken by number, and each is looked for
 * again: the kernel may have known hundreds of thousands. */
static void drop_versions(Fs *fs)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fs->versions);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_array_append_val(ids, ((Version *)value)->id);
	for (unsigned i = 0; i < ids->len; i++) {
		const uint64_t *id = &g_array_index(ids, uint64_t, i);
		Version *version = version_find(fs, *id);

		if (!version)
			continue;
		g_hash_table_steal(fs->versions, version);
		version->node->exposed = NULL;
		version->stage = stage_unref(fs, version->stage);
		node_unref(fs, version->node);
		g_free(version);
	}
}

/* The process ends, or the mount has: what the kernel still counted is gone with it. The tree is
 * not taken apart node by node in dependency order; everything is in the two tables and the queue.
 */
Fs *fs_free(Fs *fs)
{
	if (!fs)
		return NULL;
	fs->lates = lates_free(fs);
	fs->formers = formers_free(fs);
	fs->store = store_free(fs);
	fs->held = held_free(fs->held);
	fs->audit = audit_free(fs->audit);
	fs->outdated = outdated_free(fs);
	offers_end(fs);
	for (GList *link; (link = g_queue_pop_head_link(&fs->told));)
		node_unref(fs, link->data);
	while (fs->kept.length > 0)
		node_unref(fs, g_queue_pop_head(&fs->kept));
	drop_versions(fs);
	node_unref(fs, fs->special_status);
	node_unref(fs, fs->special_journal);
	node_unref(fs, fs->special_dir);
	node_unref(fs, fs->root);
	g_hash_table_unref(fs->versions);
	g_hash_table_unref(fs->names);
	g_hash_table_unref(fs->pins);
	g_hash_table_unref(fs->locked);
	g_hash_table_unref(fs->listings);
	fs->steps = steps_free(fs->steps);
	fs->journal = journal_free(fs->journal);
	pthread_mutex_destroy(&fs->through_lock);
	pthread_mutex_destroy(&fs->lock);
	pthread_cond_destroy(&fs->decided);
	fd_clear(&fs->dir_fd);
	fd_clear(&fs->lost_fd);
	close(fs->root_fd);
	g_free(fs->dir);
	g_free(fs);
	return NULL;
}

Journal *fs_journal(Fs *fs)
{
	return fs->journal;
}

unsigned fs_count_outdated(Fs *fs)
{
	HOLD(&fs->lock);

	return outdated_count(fs);
}

/* What stays older than what its step has read: members of a JSON object. */
static void status_outdated(Fs *fs, GString *out)
{
	g_autoptr(GPtrArray) names = NULL;

	g_string_append_printf(out, ",\"outdated\":%u,\"outdated_names\":", outdated_count(fs));
	names = outdated_names(fs, STATUS_NAMES_MAX);
	journal_json_strings(out, names);
}

/* What is remembered of files, and what the process takes: members of a JSON object. */
static void status_usage(const Fs *fs, const Usage *usage, GString *out)
{
	g_string_append_printf(out,
		",\"held\":%u,\"descriptors\":%" PRIu64 ",\"memory_bytes\":%" PRIu64
		",\"heap_bytes\":%" PRIu64,
		held_count(fs), usage->n_descriptors, usage->memory, usage->heap);
}

char *fs_status(Fs *fs)
{
	GString *out = g_string_new("{\"lklfs\":\"" LKLFS_VERSION "\"");
	Totals totals = {};
	uint64_t written = 0;
	Usage usage;

	/* That waits for this process's memory, which a fault in it may hold for long. */
	usage_read(&usage);
	HOLD(&fs->lock);

	journal_sum(fs->journal, &totals);
	for (unsigned i = 0; i < N_VERDICTS; i++)
		written += i == VERDICT_REMOVED || i == VERDICT_FAILED ? 0 : totals.n_verdicts[i];
	g_string_append_printf(
		out, ",\"pid\":%d,\"mounts\":%u,\"dir\":", (int)getpid(), fs->options->n_mounts);
	journal_json_string(out, fs->dir);
	g_string_append_printf(out, ",\"lost_fd\":%d", fs->lost_fd);
	/* Then the process stays when this mount ends, until its command does. */
	if (fs->options->command)
		g_string_append(out, ",\"run\":true");
	if (fs->options->audit)
		g_string_append(out, ",\"audit\":true");
	g_string_append_printf(
		out, ",\"staged\":%u,\"written\":%" PRIu64, fs->stages.length, written);
	for (unsigned i = 0; i < N_VERDICTS; i++)
		if (i != VERDICT_FAILED)
			g_string_append_printf(out, ",\"%s\":%" PRIu64, journal_verdict_name(i),
				totals.n_verdicts[i]);
	failed_describe(fs, out);
	status_outdated(fs, out);
	g_string_append_printf(out,
		",\"bytes_not_written\":%" PRIu64 ",\"remembered\":%u,\"remembered_bytes\":%" PRIu64
		",\"nodes\":%" PRIu64 ",\"versions\":%u,\"handles\":%" PRIu64,
		totals.bytes_not_written, former_count(fs), former_bytes(fs), fs->n_nodes,
		g_hash_table_size(fs->versions), fs->n_handles + g_hash_table_size(fs->listings));
	status_usage(fs, &usage, out);
	g_string_append(out, "}\n");
	return g_string_free(out, FALSE);
}
