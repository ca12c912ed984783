/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of files by device and inode number, each with the mtime that it has, so that nothing is
 * believed of a file that has been written or dated since. It is bounded: when it is full it is
 * emptied, and the files that were in it count with the mtimes that they have. That may make a
 * verdict of the audit other than it would be, and nothing else. */

#include "audit.h"

#include "util.h"

#define AUDIT_MAX (1 << 18) /* files */

typedef struct Entry Entry;

struct Entry {
	FileId id;
	struct timespec has, would_have; /* mtimes */
};

struct Audit {
	GHashTable *entries; /* FileId -> Entry, owned */
};

Audit *audit_new(void)
{
	Audit *audit = g_new0(Audit, 1);

	audit->entries = g_hash_table_new_full(file_id_hash, file_id_equal, NULL, g_free);
	return audit;
}

Audit *audit_free(Audit *audit)
{
	if (!audit)
		return NULL;
	g_hash_table_unref(audit->entries);
	g_free(audit);
	return NULL;
}

static const Entry *audit_find(const Audit *audit, const struct stat *st)
{
	const FileId id = file_id(st);
	const Entry *entry = audit ? g_hash_table_lookup(audit->entries, &id) : NULL;

	return entry && time_equal(&entry->has, &st->st_mtim) ? entry : NULL;
}

void audit_note(Fs *fs, const struct stat *st, const struct timespec *mtime)
{
	GHashTable *entries = fs->audit->entries;
	Entry *entry = g_new0(Entry, 1);

	if (g_hash_table_size(entries) >= AUDIT_MAX)
		g_hash_table_remove_all(entries);
	*entry = (Entry){file_id(st), st->st_mtim, *mtime};
	g_hash_table_replace(entries, &entry->id, entry);
}

struct timespec audit_mtime(const Fs *fs, const struct stat *st)
{
	const Entry *entry = audit_find(fs->audit, st);

	return entry ? entry->would_have : st->st_mtim;
}

bool audit_forget(Fs *fs, const struct stat *st)
{
	const Entry *entry = audit_find(fs->audit, st);

	return entry && g_hash_table_remove(fs->audit->entries, &entry->id);
}
