/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The members of a line and what they mean: docs/JOURNAL.md. */

#include "record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "compare.h"
#include "fileio.h"
#include "former.h"
#include "log.h"
#include "step.h"
#include "util.h"

/* So much of both files is read, for the first difference and for how many bytes differ. */
#define RECORD_READ_MAX ((off_t)16 << 20)

#define RECORD_BYTES 16 /* so many of each file are shown */

#define RECORDS_MAX 4096       /* so many wait to be written */
#define RECORDS_OPEN_MAX 8     /* and so many of these keep files open, two each */
#define RECORDS_BATCH 4        /* so many make the thread begin at once */
#define RECORDS_LINGER_US 5000 /* fewer wait so long for others */

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
	GPtrArray *read; /* owned; what its step has read since it was last told; NULL: nothing */
	bool read_more;
	bool counted; /* in fs->n_records_open */
};

/* path: taken. */
static Record *record_new_of(Fs *fs, char *path, Verdict verdict, Process *writer)
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
	Record *record = record_new_of(fs, node_absolute_path(fs, stage->node), verdict, writer);

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

Record *record_new_moved(Fs *fs, const Node *dir, const char *name, const Node *from_dir,
	const char *from_name, Verdict verdict, Process *writer, const struct stat *st,
	const struct stat *old)
{
	Record *record = record_new_of(fs, path_of(fs, dir, name), verdict, writer);

	record->from = path_of(fs, from_dir, from_name);
	record->size = st->st_size;
	record->old_size = old ? old->st_size : -1;
	return record;
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

void record_keep_former(Fs *fs, Record *record, const Stage *stage)
{
	struct stat st;

	if (former_open_last(fs, stage->node->parent, stage->node->name, &record->old_fd) < 0 ||
		fstat(record->old_fd, &st) < 0)
		return;
	record->old_size = st.st_size;
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
	g_clear_pointer(&record->read, g_ptr_array_unref);
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

static int name_compare(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_writer(GString *line, const Record *record)
{
	const Process *writer = record->writer;
	Process *first = step_first(record->writer);

	g_string_append_printf(line, ",\"pid\":%d", (int)step_pid(writer));
	add_arguments(line, "command", writer);
	g_string_append_printf(line, ",\"step\":%d", (int)step_pid(first));
	if (first != writer)
		add_arguments(line, "step_command", first);
	g_string_append(line, ",\"read\":");
	if (record->read) {
		g_ptr_array_sort(record->read, name_compare);
		journal_json_strings(line, record->read);
	} else {
		g_string_append(line, "[]");
	}
	if (record->read_more)
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

/* The members of a line; the time is there. */
static void add_record(GString *line, const Record *record, bool audit)
{
	add_string(line, "verdict", journal_verdict_name(record->verdict));
	if (audit)
		g_string_append(line, ",\"audit\":true");
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
		add_writer(line, record);
}

static void record_compare_files(Record *record)
{
	if (record->fd >= 0 && record->old_fd >= 0)
		record_compare(record, record->old_fd, record->fd);
	/* This may be the last that holds the old file, and then takes its time. */
	fd_clear(&record->fd);
	fd_clear(&record->old_fd);
	/* What has been renamed has the bytes of what it has replaced, but could not stay in its
	 * place. */
	if (record->from && record->compared && record->size == record->old_size &&
		record->first == record->size) {
		record->verdict = VERDICT_TOUCHED;
		record->because = "moved";
		record->compared = false;
	}
}

/* The record stays the caller's. */
static void record_tell(void *item, void *data)
{
	Record *record = item;
	Fs *fs = data;
	GString *line;

	record_compare_files(record);
	if (record->counted)
		atomic_fetch_sub(&fs->n_records_open, 1);
	line = line_begin(&record->time);
	add_record(line, record, fs->options->audit);
	g_string_append(line, "}\n");
	journal_line(fs->journal, line);
}

static void free_item(gpointer item)
{
	record_free(item);
}

void record_write(Fs *fs, Record *record)
{
	if (!record)
		return;
	if (record->writer)
		record->read = inputs_take_names(fs->inputs, record->writer, &record->read_more);
	if (record->fd >= 0 || record->old_fd >= 0) {
		record->counted = atomic_fetch_add(&fs->n_records_open, 1) < RECORDS_OPEN_MAX;
		if (!record->counted) {
			atomic_fetch_sub(&fs->n_records_open, 1);
			record_compare_files(record);
		}
	}
	if (fs->records) {
		outbox_put_waiting(fs->records, record);
		return;
	}
	record_tell(record, fs);
	record_free(record);
}

static void record_mounted(Fs *fs)
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

int record_begin(Fs *fs)
{
	int r;

	record_mounted(fs);
	r = outbox_new(
		"lklfs-records", record_tell, NULL, free_item, fs, RECORDS_MAX, &fs->records);
	if (r == 0)
		outbox_linger(fs->records, RECORDS_LINGER_US, RECORDS_BATCH);
	return r;
}

void record_end(Fs *fs)
{
	if (fs->records)
		(void)!outbox_free(fs->records, -1);
	fs->records = NULL;
}

char *record_lines(Fs *fs)
{
	if (fs->records)
		(void)!outbox_drain(fs->records);
	return journal_lines(fs->journal);
}
