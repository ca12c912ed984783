/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What cannot be written is missing, which is said once, in the log, and counted in the file as
 * soon as it takes lines again. */

#include "journal-file.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

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
	/* the thread's alone: */
	bool said;         /* that something is missing */
	unsigned n_missed; /* lines that could not be written since one was */
	bool cut;          /* the last line is there in part */
};

static void line_free(gpointer line)
{
	g_string_free(line, TRUE);
}

/* Returns 0 or -errno. *ret_cut: a part of it has been written. */
static int write_all(int fd, const char *text, size_t length, bool *ret_cut)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = write(fd, text + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			*ret_cut |= done > 0;
			return -errno;
		}
		done += (size_t)n;
	}
	*ret_cut = false;
	return 0;
}

static void *line_of_missed(unsigned n, void *owner G_GNUC_UNUSED)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "{\"v\":%d,\"missed\":%u}\n", JOURNAL_FORMAT, n);
	return line;
}

static int write_missed(JournalFile *file)
{
	g_autoptr(GString) line = line_of_missed(file->n_missed, file);

	return write_all(file->fd, line->str, line->len, &file->cut);
}

static void write_line(void *data, void *owner)
{
	JournalFile *file = owner;
	const GString *line = data;
	int r = 0;

	if (file->cut)
		r = write_all(file->fd, "\n", 1, &file->cut);
	if (r == 0 && file->n_missed > 0)
		r = write_missed(file);
	if (r == 0)
		r = write_all(file->fd, line->str, line->len, &file->cut);
	file->n_missed = r < 0 ? file->n_missed + 1 : 0;
	if (r < 0 && !file->said && !atomic_load(&file->given_up))
		log_errno(r, "the journal %s misses lines", file->path);
	file->said = r < 0;
}

int journal_file_new(int fd, const char *path, JournalFile **ret_file)
{
	JournalFile *file = g_new0(JournalFile, 1);
	int r;

	file->fd = fd;
	file->path = g_strdup(path);
	r = outbox_new(write_line, line_of_missed, line_free, file, LINES_MAX, &file->outbox);
	if (r < 0) {
		fd_clear(&file->fd);
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
	g_free(file->path);
	g_free(file);
	return NULL;
}
