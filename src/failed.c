/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nothing tells when a disk has room again, a quota has been raised or a directory may be written:
 * so all that has failed is tried again after a second, then after two, four, and so on, half a
 * minute at most. An attempt costs little, for the bytes are in a staging file by then. Whoever
 * cannot wait syncs .lklfs/status, as umount does.
 *
 * A session that has failed goes on failing when somebody writes it again: what everybody has seen
 * cannot be hidden from them. */

#include "failed.h"

#include <string.h>

#include "log.h"
#include "util.h"

#define FAILED_DELAY_MIN_US (1000 * 1000)
#define FAILED_DELAY_MAX_US (32 * 1000 * 1000)

void failed_note(Fs *fs, Stage *stage, int r)
{
	g_autofree char *path = NULL;

	/* Somebody else's verdict came in between. */
	if (stage->state == STAGE_DONE)
		return;
	path = node_path(stage->node);
	if (stage->failed != r)
		log_errno(r, "cannot expose %s in %s, which is tried again", path, fs->dir);
	if (!stage->failed)
		fs->n_failed++;
	stage->failed = r;
	if (fs->retry_at)
		return;
	fs->retry_delay = MAX(fs->retry_delay, FAILED_DELAY_MIN_US);
	fs->retry_at = g_get_monotonic_time() + fs->retry_delay;
}

void failed_forget(Fs *fs, Stage *stage)
{
	if (!stage->failed)
		return;
	stage->failed = 0;
	/* What was the matter with it may have been the matter with others. */
	fs->retry_delay = 0;
	if (--fs->n_failed == 0)
		fs->retry_at = 0;
}

void failed_mend(Fs *fs, Stage *stage)
{
	g_autofree char *path = node_path(stage->node);

	if (stage->failed)
		log_notice("%s in %s has been exposed after all", path, fs->dir);
	failed_forget(fs, stage);
}

void failed_due_now(Fs *fs, GPtrArray *due)
{
	for (GList *l = fs->n_failed > 0 ? fs->stages.head : NULL; l; l = l->next)
		if (stage_decide_anew(fs, l->data))
			g_ptr_array_add(due, stage_ref(l->data));
}

int64_t failed_due(Fs *fs, int64_t now, GPtrArray *due)
{
	if (!fs->retry_at)
		return -1;
	if (fs->retry_at > now)
		return fs->retry_at;
	fs->retry_at = 0;
	fs->retry_delay = MIN(2 * fs->retry_delay, FAILED_DELAY_MAX_US);
	failed_due_now(fs, due);
	return -1;
}

void failed_describe(Fs *fs, GString *out)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	int error = 0;

	for (GList *l = fs->n_failed > 0 ? fs->stages.head : NULL; l; l = l->next) {
		const Stage *stage = l->data;

		if (!stage->failed)
			continue;
		g_ptr_array_add(names, stage->node->name);
		g_ptr_array_add(paths, node_path(stage->node));
		error = error ? error : stage->failed;
	}
	g_string_append_printf(out, ",\"failed\":%u,\"failed_names\":", fs->n_failed);
	journal_json_strings(out, names);
	g_string_append(out, ",\"failed_paths\":");
	journal_json_strings(out, paths);
	g_string_append(out, ",\"failed_error\":");
	journal_json_string(out, error ? log_error_name(error) : "");
}
