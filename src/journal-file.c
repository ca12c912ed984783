/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What cannot be written is missing, which is said once, in the log, and counted in the file as
 * soon as it takes lines again. */

#include "journal-file.h"

#include <stdatomic.h>

#include "fileio.h"
#include "journal.h"
#include "log.h"
#include "util.h"

#define LINES_MAX 1024 /* so many wait to be written */
#define END_US (5 * 1000 * 1000)

struct JournalFile {
	Outbox *outbox;       /* owned; constant */
	char *path;           /* owned; constant */
	atomic_bool given_up; /* nobody waits for the thread any more, and the log may have gone */
	int fd;               /* owned; constant */
	int copy_fd;          /* owned; constant; gets all lines, too; or -1 */
	/* the thread's alone: */
	bool said;         /* that something is missing */
	unsigned n_missed; /* lines that could not be written since one was */
	bool cut;          /* the last line is there in part */
};

static int write_to_file(JournalFile *file, const GString *text)
{
	size_t n;
	int r = fileio_write(file->fd, text->str, text->len, &n);

	file->cut = r < 0 && (file->cut || n > 0);
	return r;
}

static void *line_of_missed(unsigned n, void *owner G_GNUC_UNUSED)
{
	return journal_line_of_missed(n);
}

/* line: taken. */
static int write_own(JournalFile *file, GString *line)
{
	int r = write_to_file(file, line);

	journal_line_free(line);
	return r;
}

static void write_line(void *data, void *owner)
{
	JournalFile *file = owner;
	const GString *line = data;
	size_t n;
	int r = 0;

	if (file->copy_fd >= 0)
		(void)fileio_write(file->copy_fd, line->str, line->len, &n);
	if (file->cut)
		r = write_own(file, g_string_new("\n"));
	if (r == 0 && file->n_missed > 0)
		r = write_own(file, journal_line_of_missed(file->n_missed));
	if (r == 0)
		r = write_to_file(file, line);
	file->n_missed = r < 0 ? file->n_missed + 1 : 0;
	if (r < 0 && !file->said && !atomic_load(&file->given_up))
		log_errno(r, "the journal %s misses lines", file->path);
	file->said = r < 0;
}

int journal_file_new(int fd, int copy_fd, const char *path, JournalFile **ret_file)
{
	JournalFile *file = g_new0(JournalFile, 1);
	int r;

	file->fd = fd;
	file->copy_fd = copy_fd;
	file->path = g_strdup(path);
	r = outbox_new("lklfs-journal", write_line, line_of_missed, journal_line_free, file,
		LINES_MAX, &file->outbox);
	if (r < 0) {
		fd_clear(&file->fd);
		fd_clear(&file->copy_fd);
		g_free(file->path);
		g_free(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

Outbox *journal_file_outbox(JournalFile *file)
{
	return file ? file->outbox : NULL;
}

JournalFile *journal_file_free(JournalFile *file)
{
	if (!file)
		return NULL;
	if (!outbox_free(file->outbox, END_US)) {
		/* The thread has it still. */
		atomic_store(&file->given_up, true);
		log_error("the journal %s takes no lines: its end is missing", file->path);
		return NULL;
	}
	fd_clear(&file->fd);
	fd_clear(&file->copy_fd);
	g_free(file->path);
	g_free(file);
	return NULL;
}
