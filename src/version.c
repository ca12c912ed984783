/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel counts its lookups of each id and forgets them in lumps; open handles and a stage hold
 * a version as well. Ids are never used again, so that a late request can be told from a new one.
 */

#include "version.h"

#include <errno.h>
#include <limits.h>

#include "fs.h"
#include "stage.h"
#include "util.h"

Version *version_new(Fs *fs, Node *node, VersionState state)
{
	Version *version = g_new0(Version, 1);

	version->id = ++fs->last_id;
	version->node = node_ref(node);
	version->state = state;
	g_hash_table_add(fs->versions, version);
	return version;
}

Version *version_find(Fs *fs, uint64_t id)
{
	const Version key = {.id = id};

	return g_hash_table_lookup(fs->versions, &key);
}

void version_drop_unused(Fs *fs, Version *version)
{
	if (version->n_lookups > 0 || version->handles || version->stage)
		return;
	if (version->node->exposed == version)
		version->node->exposed = NULL;
	g_hash_table_remove(fs->versions, version);
	node_unref(fs, version->node);
	g_free(version);
}

void version_forget(Fs *fs, Version *version, uint64_t n)
{
	version->n_lookups -= MIN(n, version->n_lookups);
	version_drop_unused(fs, version);
}

void version_supersede(Fs *fs, Version *version)
{
	if (version->node->exposed == version)
		version->node->exposed = NULL;
	version->state = VERSION_SUPERSEDED;
	version->stage = stage_unref(fs, version->stage);
	version_drop_unused(fs, version);
}

bool version_matches(const Version *version, const struct stat *st)
{
	if (version->type != (st->st_mode & S_IFMT) || version->dev != st->st_dev ||
		version->ino != st->st_ino)
		return false;
	if (!S_ISREG(st->st_mode))
		return true;
	return version->size == st->st_size && time_equal(&version->mtime, &st->st_mtim);
}

void version_identify(Version *version, const struct stat *st)
{
	version->type = st->st_mode & S_IFMT;
	version->dev = st->st_dev;
	version->ino = st->st_ino;
	version->size = st->st_size;
	version->mtime = st->st_mtim;
}

void version_tell(Version *version, const struct stat *st)
{
	version->mode = st->st_mode;
	version->uid = st->st_uid;
	version->gid = st->st_gid;
	version->ctime = st->st_ctim;
	version->n_links = (unsigned)MIN(st->st_nlink, UINT_MAX);
	version->refreshing = false;
}

bool version_is_overtaken(const Version *version, const struct stat *st)
{
	return version->state == VERSION_EXPOSED && version->type == S_IFREG &&
	       version->n_links > 1 && !time_equal(&version->ctime, &st->st_ctim);
}

bool version_is_told(const Version *version, const struct stat *st)
{
	const mode_t counts = S_ISVTX | 0777;

	return version->uid == st->st_uid && version->gid == st->st_gid &&
	       (version->mode & counts) == (st->st_mode & counts);
}

int version_gone_stat(const Version *version, struct stat *ret_stat)
{
	if (!version->mode)
		return -ESTALE;
	*ret_stat = (struct stat){
		.st_dev = version->dev,
		.st_ino = version->ino,
		.st_mode = version->mode,
		.st_uid = version->uid,
		.st_gid = version->gid,
		.st_size = version->size,
		.st_mtim = version->mtime,
		.st_ctim = version->mtime,
	};
	return 0;
}
