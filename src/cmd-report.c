/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lklfs report: a journal, for people. It is that of a live mount, or one or several files. */

#include "cmd.h"

#include "fileio.h"
#include "journal.h"
#include "log.h"
#include "mount-helper.h"
#include "mount-options.h"
#include "report-html.h"
#include "report-json.h"
#include "report-text.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_TIMEOUT_MS 5000

/* -errno is said. */
static int read_file(const char *name, char **ret_text)
{
	autofd fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return log_errno(-errno, "cannot read the journal %s", name);
	if (!g_file_get_contents(name, ret_text, NULL, NULL))
		return log_errno(-EIO, "cannot read the journal %s", name);
	return 0;
}

/* The lines of a mount, or of a file. -errno is said. */
static int read_source(const char *name, char **ret_text)
{
	g_autoptr(GPtrArray) mounts = NULL;
	g_autofree char *dir = NULL;
	const Mount *mount = NULL;
	int r;

	r = helper_read_mounts(&mounts);
	if (r < 0)
		return r;
	if (helper_resolve(mounts, name, &dir) == 0)
		mount = helper_top_mount(mounts, dir);
	if (mount && helper_is_lklfs(mount)) {
		r = helper_read_journal(mount, JOURNAL_TIMEOUT_MS, ret_text);
		return r < 0 ? log_errno(r, "cannot read the journal of %s", name) : 0;
	}
	if (g_file_test(name, G_FILE_TEST_IS_DIR))
		return log_error("%s is not mounted with lklfs: lklfs status lists what is", name);
	return read_file(name, ret_text);
}

static int add_source(Report *report, const char *name)
{
	g_autofree char *text = NULL;
	unsigned n_lines, n_wrong;
	uint64_t format;
	int r;

	r = read_source(name, &text);
	if (r < 0)
		return r;
	n_wrong = report_add_text(report, text, &n_lines);
	format = journal_json_number(text, "v");
	if (n_wrong > 0 && n_wrong == n_lines && format > JOURNAL_FORMAT)
		return log_error("%s is a journal of format %" PRIu64
				 ", and this lklfs reads %d: give it to the lklfs that made it",
			name, format, JOURNAL_FORMAT);
	if (n_wrong > 0 && n_wrong == n_lines)
		return log_error("%s is no journal that this lklfs can read: give a file that -o "
				 "journal=FILE has made",
			name);
	if (n_wrong > 0)
		log_warning("%s has %u line%s cut off, or of another format", name, n_wrong,
			n_wrong == 1 ? " that is" : "s that are");
	return 0;
}

/* Beside what is there, then in its place: nobody sees half of it. What is no file, /dev/stdout
 * say, is written to. A journal tells of commands, so a new file is for its owner alone. */
static int write_page(const char *name, const GString *page)
{
	g_autofree char *real = realpath(name, NULL);
	const char *path = real ? real : name;
	g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
	struct stat st;
	bool is_there = stat(path, &st) == 0;
	bool in_place = is_there && !S_ISREG(st.st_mode);
	autofd fd = in_place ? open(path, O_WRONLY | O_CLOEXEC)
			     : g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : 0;
	size_t n;

	if (fd >= 0 && is_there && !in_place) {
		/* It is not for another group than it was. */
		const mode_t mask = fchown(fd, (uid_t)-1, st.st_gid) == 0 ? 0777 : 0707;

		if (fchmod(fd, st.st_mode & mask) < 0)
			r = -errno;
	}
	if (r == 0)
		r = fileio_write(fd, page->str, page->len, &n);
	if (r == 0 && !in_place && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0 && fd >= 0 && !in_place)
		unlink(temporary);
	return r < 0 ? log_errno(r, "cannot write %s", name) : 0;
}

static int print(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EXIT_DONE;
	log_errno(-errno, "cannot write to standard output");
	return EXIT_FAILED;
}

static int report_why_of(const Report *report, const char *name)
{
	g_autofree char *path = g_canonicalize_filename(name, NULL);
	g_autofree char *text = report_why(report, path);

	if (!text) {
		log_error("the journal does not tell of %s: lklfs report without --why lists "
			  "the files that were written",
			path);
		return EXIT_FAILED;
	}
	return print(text);
}

/* At most one of the others is asked for. */
static int report_on(const Report *report, bool json, const char *why, const char *html)
{
	g_autoptr(GString) page = NULL;
	g_autofree char *text = NULL;

	if (why)
		return report_why_of(report, why);
	if (html) {
		page = report_html(report);
		if (strcmp(html, "-") == 0)
			return print(page->str);
		return write_page(html, page) < 0 ? EXIT_FAILED : EXIT_DONE;
	}
	text = json ? report_json(report) : report_text(report);
	return print(text);
}

int cmd_report(int argc, char **argv)
{
	gboolean json = FALSE;
	g_auto(GStrv) sources = NULL;
	g_autofree char *why = NULL, *html = NULL, *base = g_get_current_dir();
	const GOptionEntry entries[] = {
		{"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print a JSON object", NULL},
		{"html", 0, 0, G_OPTION_ARG_FILENAME, &html, "Write a page to FILE, - for stdout",
			"FILE"},
		{"why", 0, 0, G_OPTION_ARG_FILENAME, &why, "Why FILE was written again", "FILE"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &sources, NULL, NULL},
		{},
	};
	Report *report;
	int status = EXIT_DONE;
	bool done;

	if (options_parse_entries(entries, "lklfs report", "JOURNAL|DIR...",
		    "JOURNAL is a file that -o journal=FILE has made, DIR a mount. Exit status: "
		    "0,\n"
		    "1 if one cannot be read or does not tell of FILE, 2 for bad usage.",
		    argc, argv, &done) < 0)
		return EXIT_USAGE;
	if (done)
		return EXIT_DONE;
	if (!sources || !*sources) {
		log_error("a JOURNAL or DIR is missing (see lklfs report --help)");
		return EXIT_USAGE;
	}
	if ((html && !*html) || (why && !*why)) {
		log_error("--%s needs the name of a file (see lklfs report --help)",
			html ? "html" : "why");
		return EXIT_USAGE;
	}
	if ((json && why) || (html && (json || why))) {
		log_error("%s does not go with %s (see lklfs report --help)",
			html ? "--html" : "--json", why ? "--why" : "--json");
		return EXIT_USAGE;
	}
	report = report_new(base);
	for (char **p = sources; *p && status == EXIT_DONE; p++)
		status = add_source(report, *p) < 0 ? EXIT_FAILED : EXIT_DONE;
	report_end(report);
	if (status == EXIT_DONE)
		status = report_on(report, json, why, html);
	report_free(report);
	return status;
}
