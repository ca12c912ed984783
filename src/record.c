/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The members of a line and what they mean: docs/JOURNAL.md. */

#include "record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "compare.h"
#include "fileio.h"
#include "log.h"
#include "step.h"
#include "util.h"

/* So much of both files is read, for the first difference and for how many bytes differ. */
#define RECORD_READ_MAX ((off_t)16 << 20)

#define RECORD_BYTES 16 /* so many of each file are shown */

struct Record {
	Verdict verdict;
	char *path; /* owned */
	char *from; /* owned; what was moved there was there before; or NULL */
	struct timespec time;
	int64_t duration;     /* us; -1: there was no session */
	const char *because;  /* constant; or NULL */
	int error;            /* -errno, or 0 */
	off_t size, old_size; /* bytes; -1: there is none */
	int fd, old_fd;       /* owned; to compare, or -1 */
	/* if they have been compared: */
	bool compared;
	off_t first, end;
	uint64_t n_differing;
	unsigned char old_bytes[RECORD_BYTES], bytes[RECORD_BYTES]; /* from the first one on */
	size_t n_old_bytes, n_bytes;
	Process *writer; /* owned; NULL: unknown */
};

/* path: taken. */
static Record *record_begin(Fs *fs, char *path, Verdict verdict, Process *writer)
{
	Record *record = g_new0(Record, 1);

	record->verdict = verdict;
	record->path = path;
	clock_gettime(CLOCK_REALTIME, &record->time);
	record->size = record->old_size = record->duration = -1;
	record->fd = record->old_fd = -1;
	record->writer = writer ? step_process_ref(writer) : NULL;
	journal_expect(fs->journal);
	return record;
}

Record *record_new(Fs *fs, const Stage *stage, Verdict verdict, const char *because)
{
	Process *writer = stage->openers->len > 0 ? stage->openers->pdata[0] : NULL;
	Record *record = record_begin(fs, node_absolute_path(fs, stage->node), verdict, writer);

	record->because = because;
	record->duration = g_get_monotonic_time() - stage->began_us;
	record->size = stage->size;
	record->old_size = stage->base_fd >= 0 ? stage->base_size : -1;
	return record;
}

static char *path_of(Fs *fs, const Node *dir, const char *name)
{
	g_autofree char *path = node_absolute_path(fs, dir);

	return g_build_filename(path, name, NULL);
}

Record *record_new_moved(Fs *fs, const Node *dir, const char *name, Verdict verdict,
	Process *writer, const struct stat *st, const struct stat *old)
{
	Record *record = record_begin(fs, path_of(fs, dir, name), verdict, writer);

	record->size = st->st_size;
	record->old_size = old ? old->st_size : -1;
	return record;
}

void record_moved_from(Fs *fs, Record *record, const Node *dir, const char *name)
{
	record->from = path_of(fs, dir, name);
}

static void record_compare(Record *record, int old_fd, int fd)
{
	const off_t size = MIN(MIN(record->old_size, record->size), RECORD_READ_MAX);
	const off_t max = record->old_size == record->size ? size : 0;

	if (record->old_size < 0 || compare_count(old_fd, fd, size, max, &record->first,
					    &record->n_differing, &record->end) < 0)
		return;
	/* It lies further on. */
	if (record->first == RECORD_READ_MAX && record->first < MAX(record->old_size, record->size))
		return;
	record->compared =
		fileio_pread(old_fd, record->old_bytes, RECORD_BYTES, record->first,
			&record->n_old_bytes) == 0 &&
		fileio_pread(fd, record->bytes, RECORD_BYTES, record->first, &record->n_bytes) == 0;
}

void record_keep_files(Record *record, const Stage *stage)
{
	record->old_fd = fcntl(stage->base_fd, F_DUPFD_CLOEXEC, 0);
	/* That of the stage would move the atime of what has just been exposed. */
	(void)!backing_reopen_quietly(stage->fd, &record->fd);
}

void record_take_files(Record *record, int *old_fd, int *fd)
{
	record->old_fd = fd_steal(old_fd);
	record->fd = fd_steal(fd);
}

void record_compare_now(Record *record, const Stage *stage)
{
	record_compare(record, stage->base_fd, stage->fd);
}

void record_fail(Record *record, int error)
{
	record->error = error;
}

static Record *record_free(Record *record)
{
	fd_clear(&record->fd);
	fd_clear(&record->old_fd);
	step_process_unref(record->writer);
	g_free(record->path);
	g_free(record->from);
	g_free(record);
	return NULL;
}

Record *record_drop(Fs *fs, Record *record)
{
	if (!record)
		return NULL;
	journal_line(fs->journal, NULL);
	return record_free(record);
}

static void add_string(GString *line, const char *key, const char *value)
{
	g_string_append_printf(line, ",\"%s\":", key);
	journal_json_string(line, value);
}

/* As seconds, with all of their digits. */
static void add_time(GString *line, const char *key, const struct timespec *time)
{
	g_string_append_printf(
		line, ",\"%s\":%" PRId64 ".%09ld", key, (int64_t)time->tv_sec, time->tv_nsec);
}

static void add_arguments(GString *line, const char *key, const Process *process)
{
	char *const *arguments = step_arguments(process);

	g_string_append_printf(line, ",\"%s\":[", key);
	for (char *const *p = arguments; p && *p; p++) {
		if (p != arguments)
			g_string_append_c(line, ',');
		journal_json_string(line, *p);
	}
	g_string_append_c(line, ']');
}

static void add_writer(GString *line, Fs *fs, Process *writer)
{
	g_autoptr(GPtrArray) names = NULL;
	Process *first = step_first(writer);
	bool more;

	g_string_append_printf(line, ",\"pid\":%d", (int)step_pid(writer));
	add_arguments(line, "command", writer);
	g_string_append_printf(line, ",\"step\":%d", (int)step_pid(first));
	if (first != writer)
		add_arguments(line, "step_command", first);
	names = inputs_names(fs->inputs, writer, &more);
	g_string_append(line, ",\"read\":");
	journal_json_strings(line, names);
	if (more)
		g_string_append(line, ",\"read_more\":true");
}

static void add_bytes(GString *line, const char *key, const unsigned char *bytes, size_t n)
{
	g_string_append_printf(line, ",\"%s\":\"", key);
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(line, "%02x", bytes[i]);
	g_string_append_c(line, '"');
}

static void add_difference(GString *line, const Record *record)
{
	if (!record->compared)
		return;
	g_string_append_printf(line, ",\"first_difference\":%" PRId64, (int64_t)record->first);
	add_bytes(line, "old_bytes", record->old_bytes, record->n_old_bytes);
	add_bytes(line, "bytes", record->bytes, record->n_bytes);
	if (record->size != record->old_size)
		return;
	g_string_append_printf(line, ",\"differing\":%" PRIu64, record->n_differing);
	if (record->end < record->size)
		g_string_append_printf(
			line, ",\"counted\":%" PRId64, (int64_t)(record->end - record->first));
}

static GString *line_begin(const struct timespec *time)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "{\"v\":%d", JOURNAL_FORMAT);
	add_time(line, "time", time);
	return line;
}

void record_write(Fs *fs, Record *record)
{
	GString *line;

	if (!record)
		return;
	if (record->fd >= 0 && record->old_fd >= 0)
		record_compare(record, record->old_fd, record->fd);
	/* What has been renamed has the bytes of what it has replaced, but could not stay in its
	 * place. */
	if (record->from && record->compared && record->size == record->old_size &&
		record->first == record->size) {
		record->verdict = VERDICT_TOUCHED;
		record->because = "moved";
		record->compared = false;
	}
	line = line_begin(&record->time);
	add_string(line, "verdict", journal_verdict_name(record->verdict));
	add_string(line, "path", record->path);
	if (record->from)
		add_string(line, "from", record->from);
	if (record->because)
		add_string(line, "because", record->because);
	if (record->error)
		add_string(line, "error", log_error_name(record->error));
	if (record->size >= 0)
		g_string_append_printf(line, ",\"size\":%" PRId64, (int64_t)record->size);
	if (record->old_size >= 0)
		g_string_append_printf(line, ",\"old_size\":%" PRId64, (int64_t)record->old_size);
	add_difference(line, record);
	if (record->duration >= 0)
		g_string_append_printf(line, ",\"duration\":%" PRId64 ".%06d",
			record->duration / G_USEC_PER_SEC,
			(int)(record->duration % G_USEC_PER_SEC));
	if (record->writer)
		add_writer(line, fs, record->writer);
	g_string_append(line, "}\n");
	journal_line(fs->journal, line);
	record_free(record);
}

void record_mounted(Fs *fs)
{
	struct timespec now;
	GString *line;

	clock_gettime(CLOCK_REALTIME, &now);
	line = line_begin(&now);
	add_string(line, "mounted", fs->dir);
	add_string(line, "lklfs", LKLFS_VERSION);
	g_string_append_printf(line, ",\"pid\":%d}\n", (int)getpid());
	journal_expect(fs->journal);
	journal_line(fs->journal, line);
}
