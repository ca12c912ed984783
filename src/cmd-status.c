/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lklfs status: what the mount table lists, and what each daemon says of itself. */

#include "cmd.h"

#include "journal.h"
#include "log.h"
#include "mount-helper.h"
#include "mount-options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STATUS_TIMEOUT_MS 2000

/* Why a mount says nothing, or NULL if it does. The text of it goes to *ret_text. */
static const char *ask(
	const GPtrArray *mounts, const Mount *mount, char **ret_text, const char **ret_word)
{
	int r;

	if (helper_top_mount(mounts, mount->dir) != mount) {
		*ret_word = "hidden";
		return "hidden by another mount";
	}
	r = helper_read_status(mount, STATUS_TIMEOUT_MS, ret_text);
	if (r == -ENOTCONN) {
		*ret_word = "dead";
		return "dead, its daemon is gone: lklfs umount takes it away, lklfs mount replaces "
		       "it";
	}
	if (r == -ETIMEDOUT) {
		*ret_word = "silent";
		return "silent, its daemon is stopped or hangs";
	}
	if (r == -EACCES) {
		*ret_word = "denied";
		return "somebody else's: who mounted it, or root, can ask";
	}
	if (r < 0 || **ret_text != '{') {
		*ret_word = "unknown";
		return "its daemon does not give its status";
	}
	return NULL;
}

static void print_json(const char *dir, const char *text, const char *word)
{
	g_autoptr(GString) out = g_string_new("{\"dir\":");

	if (!word) {
		fputs(text, stdout);
		return;
	}
	journal_json_string(out, dir);
	g_string_append_printf(out, ",\"%s\":true}", word);
	fputs(out->str, stdout);
}

static void print_line(const char *dir, const char *text)
{
	uint64_t n_outdated = journal_json_number(text, "outdated");
	g_autofree char *name = log_printable(dir);
	g_autofree char *audit = journal_json_value(text, "audit");

	printf("%s: pid %" PRIu64 ", %" PRIu64 " staged, %" PRIu64 " written", name,
		journal_json_number(text, "pid"), journal_json_number(text, "staged"),
		journal_json_number(text, "written"));
	for (Verdict v = 0; v < N_VERDICTS; v++) {
		const char *verdict = journal_verdict_name(v);
		uint64_t n = journal_json_number(text, verdict);

		/* The first three are always of interest. */
		if (v <= VERDICT_NEW || n > 0)
			printf("%s %" PRIu64 " %s", v == 0 ? ":" : ",", n, verdict);
		if (v == VERDICT_FAILED && n > 0) {
			g_autofree char *failed = journal_json_failed(text);

			printf(" (%s)", failed);
		}
	}
	if (n_outdated > 0) {
		g_autofree char *names = journal_json_value(text, "outdated_names");

		printf(", %" PRIu64 " outdated %s", n_outdated, names ? names : "");
	}
	fputs(audit ? ", if this were no audit\n" : "\n", stdout);
}

/* Returns 0 or -errno. */
static int print_mounts(const GPtrArray *mounts, const GPtrArray *wanted, bool json)
{
	const char *separator = "[";
	int r = 0;

	for (guint i = 0; i < wanted->len; i++) {
		const Mount *mount = wanted->pdata[i];
		g_autofree char *text = NULL;
		const char *word = NULL, *why = ask(mounts, mount, &text, &word);

		if (json) {
			fputs(separator, stdout);
			print_json(mount->dir, text, word);
			separator = ",\n ";
		} else if (why) {
			g_autofree char *name = log_printable(mount->dir);

			printf("%s: %s\n", name, why);
		} else {
			print_line(mount->dir, text);
		}
		/* The next look forks, and only one of the two is to print this. */
		if (fflush(stdout) != 0)
			r = -errno;
	}
	if (json && (puts(wanted->len ? "]" : "[]") < 0 || fflush(stdout) != 0))
		r = -errno;
	return r;
}

static int status_of(char **dirs, bool json)
{
	g_autoptr(GPtrArray) mounts = NULL, wanted = g_ptr_array_new();
	int status = EXIT_DONE, r;

	if (helper_read_mounts(&mounts) < 0)
		return EXIT_FAILED;
	for (guint i = 0; !dirs && i < mounts->len; i++) {
		Mount *mount = mounts->pdata[i];

		if (helper_is_lklfs(mount) && !strcmp(mount->root, "/"))
			g_ptr_array_add(wanted, mount);
	}
	for (char **p = dirs; p && *p; p++) {
		g_autofree char *dir = NULL;
		const Mount *top = NULL;

		if (helper_resolve(mounts, *p, &dir) == 0)
			top = helper_top_mount(mounts, dir);
		if (top && helper_is_lklfs(top)) {
			g_ptr_array_add(wanted, (Mount *)top);
		} else {
			log_error("%s is not mounted with lklfs: lklfs status lists what is", *p);
			status = EXIT_FAILED;
		}
	}
	r = print_mounts(mounts, wanted, json);
	if (r < 0) {
		log_errno(r, "cannot write to standard output");
		return EXIT_FAILED;
	}
	return status;
}

int cmd_status(int argc, char **argv)
{
	gboolean json = FALSE;
	g_auto(GStrv) dirs = NULL;
	const GOptionEntry entries[] = {
		{"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print a JSON array", NULL},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &dirs, NULL, NULL},
		{},
	};
	bool done;

	if (options_parse_entries(entries, "lklfs status", "[DIR...]",
		    "Without DIR, every mount of lklfs. Exit status: 0, 1 if a DIR is not mounted\n"
		    "with lklfs, 2 for bad usage.",
		    argc, argv, &done) < 0)
		return EXIT_USAGE;
	return done ? EXIT_DONE : status_of(dirs, json);
}
