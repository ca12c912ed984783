/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the command line to struct Options, or to one sentence that says what is wrong with it.
 *
 * GLib parses. What it does not know is FUSE's habit of lists: -o a,b=c, several times, also
 * written together as -oa,b=c. Of these lklfs takes out what is its own; the rest goes on to
 * libfuse as it was written (libfuse knows "\," too), and libfuse knows best what the kernel will
 * take. */

#include "mount-options.h"

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_TIMEOUT 3600
#define DEFAULT_KEEP 65536
#define KEEP_MAX 100000000
#define DEFAULT_KEEP_BYTES "1G"
#define DEFAULT_ALWAYS "stamp*:*.stamp:*-stamp:*.ninja"
/* In lines that --help has room for. */
#define DRIVERS_IN_LINES(next)                                                                     \
	"make:gmake:bmake:pmake:ninja:ninja-build:samu:samurai:" next                              \
	"cargo:scons:waf:tup:redo:jam:b2:mk:rake:just:gradle:bazel"
#define DEFAULT_DRIVERS DRIVERS_IN_LINES("")

#define STRING2(x) #x
#define STRING(x) STRING2(x)

/* clang-format off */
static const char option_details[] =
	"Options of -o, separated by commas (\"\\,\" is a comma that does not separate):\n"
	"  entry_timeout=S     seconds the kernel may cache a settled name (" STRING(DEFAULT_TIMEOUT) ")\n"
	"  attr_timeout=S      seconds it may cache settled attributes (" STRING(DEFAULT_TIMEOUT) ")\n"
	"  negative_timeout=S  seconds it may cache that a name is absent (" STRING(DEFAULT_TIMEOUT) ")\n"
	"  keep=N              how many removed and replaced versions are remembered\n"
	"                      (" STRING(DEFAULT_KEEP) ")\n"
	"  keep_bytes=SIZE     how much room they may take on the disk, with K, M or G\n"
	"                      (" DEFAULT_KEEP_BYTES ")\n"
	"  durable             sync a file before it is exposed (off)\n"
	"  converge            an output that is rewritten with the same bytes gets a new\n"
	"                      mtime all the same if it is older than what its step has\n"
	"                      read (off)\n"
	"  audit               hold nothing back: only tell, in the journal and the\n"
	"                      status, what would have been (off)\n"
	"  posix_locks         fcntl locks hold for all versions of a file (off)\n"
	"  always=GLOB         rewriting a name that matches always counts as a change;\n"
	"                      adds to the list, always=none empties it\n"
	"                      (" DEFAULT_ALWAYS ")\n"
	"  drivers=A:B         the commands that are build drivers; drivers=+A:B adds to\n"
	"                      them\n"
	"                      (" DRIVERS_IN_LINES("\n                      ") ")\n"
	"  journal=FILE        append the journal to FILE, for lklfs report (none)\n"
	"  fsname=NAME         the source that the mount table shows (DIR)\n"
	"Everything else (allow_other, ro, noexec, ...) goes to libfuse and the kernel;\n"
	"nosuid and nodev hold unless suid and dev are asked for. What only mount(8),\n"
	"fstab or other file systems have a use for (defaults, noauto, nofail, user,\n"
	"relatime, x-...) is ignored.";
/* clang-format on */

/* What fstab lines have beside that, and people give as they know it: mount(8)'s own, the init
 * system's, and what has no meaning here (FUSE keeps no access times, and knows no mandatory
 * locks). libfuse refuses what it does not know, from 3.17 on also atime, which is the default. */
static const char *const ignored[] = {"defaults", "auto", "noauto", "user", "nouser", "users",
	"nousers", "owner", "noowner", "group", "nogroup", "nofail", "_netdev", "diratime",
	"nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime",
	"nolazytime", "atime", "mand", "nomand", "iversion", "noiversion", "silent", "loud", NULL};

static const char *const ignored_prefixes[] = {"user=", "comment=", "x-", "X-", NULL};

static const char mount_details[] =
	"Exit status: 0 when all DIRs are live, 1 if one cannot be mounted (then none\n"
	"is), 2 for bad usage. Unmount with lklfs umount DIR, or with fusermount3 -u DIR.";

static const char run_details[] =
	"Exit status: COMMAND's; 128+N if signal N ended it; 125 if lklfs itself failed,\n"
	"its own command line and files that could not be exposed included; 126 if\n"
	"COMMAND cannot be executed; 127 if it is not found. They are the same when\n"
	"--or-plain runs COMMAND without mounting.";

void options_init(Options *options)
{
	*options = (Options){
		.entry_timeout = DEFAULT_TIMEOUT,
		.attr_timeout = DEFAULT_TIMEOUT,
		.negative_timeout = DEFAULT_TIMEOUT,
		.keep = DEFAULT_KEEP,
		.keep_bytes = (uint64_t)1 << 30,
		.always = g_strsplit(DEFAULT_ALWAYS, ":", -1),
		.always_builtin = true,
		.drivers = g_strsplit(DEFAULT_DRIVERS, ":", -1),
	};
}

void options_clear(Options *options)
{
	g_clear_pointer(&options->log, g_free);
	g_clear_pointer(&options->journal, g_free);
	g_clear_pointer(&options->dirs, g_strfreev);
	g_clear_pointer(&options->command, g_strfreev);
	g_clear_pointer(&options->always, g_strfreev);
	g_clear_pointer(&options->drivers, g_strfreev);
	g_clear_pointer(&options->fuse_options, g_free);
}

int options_parse_seconds(const char *what, const char *text, double *ret_seconds)
{
	char *end = NULL;
	double seconds = g_ascii_strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds < 0 || seconds > 1e9)
		return log_error("%s=%s: a number of seconds is wanted, like 0.5", what, text);
	*ret_seconds = seconds;
	return 0;
}

/* A whole number. *ret_end is what follows it; NULL: nothing may. */
static int parse_number(
	const char *what, const char *text, uint64_t max, uint64_t *ret_n, char **ret_end)
{
	char *end = NULL;
	uint64_t n;

	errno = 0;
	n = g_ascii_strtoull(text, &end, 10);
	if (!g_ascii_isdigit(*text) || errno || n > max || (*end && !ret_end))
		return log_error(
			"-o %s=%s: a number is wanted, %" PRIu64 " at most", what, text, max);
	*ret_n = n;
	if (ret_end)
		*ret_end = end;
	return 0;
}

static int parse_keep(Options *options, const char *value)
{
	uint64_t n = 0;
	int r;

	r = parse_number("keep", value, KEEP_MAX, &n, NULL);
	if (r == 0)
		options->keep = (unsigned)n;
	return r;
}

static int parse_keep_bytes(Options *options, const char *value)
{
	static const char suffixes[] = "KMGT";
	const char *suffix = NULL;
	unsigned shift = 0;
	char *end = NULL;
	uint64_t n;
	int r;

	r = parse_number("keep_bytes", value, (uint64_t)1 << 50, &n, &end);
	if (r < 0)
		return r;
	if (*end)
		suffix = strchr(suffixes, g_ascii_toupper(*end));
	if (suffix)
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	if ((*end && (!suffix || end[1])) || n > ((uint64_t)1 << 60) >> shift)
		return log_error("-o keep_bytes=%s: a size is wanted, like 500M", value);
	options->keep_bytes = n << shift;
	return 0;
}

/* Appends the words of more to *list. */
static void list_append(char ***list, char **more)
{
	GPtrArray *all = g_ptr_array_new();

	for (char **p = *list; p && *p; p++)
		g_ptr_array_add(all, *p);
	for (char **p = more; *p; p++)
		g_ptr_array_add(all, g_strdup(*p));
	g_ptr_array_add(all, NULL);
	g_free(*list);
	*list = (char **)g_ptr_array_free(all, FALSE);
}

static void list_empty(char ***list)
{
	g_strfreev(*list);
	*list = g_new0(char *, 1);
}

static int parse_always(Options *options, const char *value)
{
	char *more[] = {(char *)value, NULL};

	if (!*value)
		return log_error("-o always=: a GLOB is wanted, or none");
	if (!strcmp(value, "none")) {
		list_empty(&options->always);
		options->always_builtin = false;
	} else {
		list_append(&options->always, more);
	}
	return 0;
}

static int parse_drivers(Options *options, const char *value)
{
	bool add = *value == '+';
	g_auto(GStrv) names = g_strsplit(value + add, ":", -1);

	if (!*names)
		return log_error("-o drivers=%s: names of commands are wanted", value);
	for (char **p = names; *p; p++)
		if (!**p || strchr(*p, '/'))
			return log_error(
				"-o drivers=%s: names of commands are wanted, without slashes",
				value);
	if (!add)
		list_empty(&options->drivers);
	list_append(&options->drivers, names);
	return 0;
}

static int parse_journal(Options *options, const char *value)
{
	if (!*value)
		return log_error("-o journal=: a FILE is wanted");
	g_free(options->journal);
	options->journal = strcmp(value, "none") == 0 ? NULL : g_strdup(value);
	return 0;
}

static bool is_ignored(const char *word)
{
	for (const char *const *p = ignored_prefixes; *p; p++)
		if (g_str_has_prefix(word, *p))
			return true;
	return g_strv_contains(ignored, word);
}

static int parse_switch(const char *word, const char *value, bool *ret_on)
{
	if (value)
		return log_error("-o %s: that one takes no value", word);
	*ret_on = true;
	return 0;
}

/* One word of -o. *ret_foreign: it is not ours. */
static int parse_word(Options *options, const char *word, bool *ret_foreign)
{
	const struct {
		const char *name;
		double *seconds;
	} timeouts[] = {
		{"entry_timeout", &options->entry_timeout},
		{"attr_timeout", &options->attr_timeout},
		{"negative_timeout", &options->negative_timeout},
	};
	const struct {
		const char *name;
		bool *on;
	} switches[] = {
		{"durable", &options->durable},
		{"converge", &options->converge},
		{"audit", &options->audit},
		{"posix_locks", &options->posix_locks},
		{"debug", &options->debug},
	};
	size_t n = strcspn(word, "=");
	const char *value = word[n] ? word + n + 1 : NULL;
	g_autofree char *name = g_strndup(word, n);

	*ret_foreign = false;
	for (size_t i = 0; i < G_N_ELEMENTS(timeouts); i++)
		if (!strcmp(name, timeouts[i].name)) {
			g_autofree char *what = g_strconcat("-o ", name, NULL);

			return options_parse_seconds(what, value ? value : "", timeouts[i].seconds);
		}
	if (!strcmp(name, "keep"))
		return parse_keep(options, value ? value : "");
	if (!strcmp(name, "keep_bytes"))
		return parse_keep_bytes(options, value ? value : "");
	if (!strcmp(name, "always"))
		return parse_always(options, value ? value : "");
	if (!strcmp(name, "drivers"))
		return parse_drivers(options, value ? value : "");
	if (!strcmp(name, "journal"))
		return parse_journal(options, value ? value : "");
	if (!strcmp(name, "subtype"))
		return log_error(
			"-o %s: the subtype of such a mount is always lklfs, leave that out", word);
	if (!strcmp(word, "remount"))
		return log_error("-o remount: that is for mount(8), as in mount -o remount,ro DIR");
	for (size_t i = 0; i < G_N_ELEMENTS(switches); i++)
		if (!strcmp(name, switches[i].name))
			return parse_switch(word, value, switches[i].on);
	*ret_foreign = !is_ignored(word);
	if (!strcmp(word, "ro") || !strcmp(word, "rw"))
		options->read_only = word[1] == 'o';
	return 0;
}

char *options_next_word(const char **text)
{
	while (**text) {
		const char *start = *text, *end = start;
		bool dangles = false;

		/* To libfuse a backslash takes what follows along, another one too. */
		for (; *end && *end != ','; end++) {
			dangles = end[0] == '\\' && !end[1];
			if (end[0] == '\\' && end[1])
				end++;
		}
		*text = end + (*end == ',');
		if (end > start)
			return g_strdup_printf(
				dangles ? "%.*s\\" : "%.*s", (int)(end - start), start);
	}
	return NULL;
}

/* For libfuse and the kernel, as it was written. */
static void append_foreign(Options *options, const char *raw)
{
	char *old = options->fuse_options;

	options->fuse_options = old ? g_strconcat(old, ",", raw, NULL) : g_strdup(raw);
	g_free(old);
}

/* Reads one value of -o over *options. -EINVAL: said. */
static int parse_list(Options *options, const char *text)
{
	for (;;) {
		g_autofree char *raw = options_next_word(&text);
		g_autoptr(GString) word = g_string_new(raw);
		bool foreign;
		int r;

		if (!raw)
			return 0;
		g_string_replace(word, "\\,", ",", 0);
		r = parse_word(options, word->str, &foreign);
		if (r < 0)
			return r;
		if (foreign) {
			options->others |=
				!strcmp(raw, "allow_other") || !strcmp(raw, "allow_root");
			append_foreign(options, raw);
		}
	}
}

/* A copy of argv in which -oLIST is -o LIST, which is all that GLib understands. */
static char **split_o(int argc, char **argv)
{
	GPtrArray *all = g_ptr_array_new();
	bool words_only = false, is_list = false;

	for (int i = 0; i < argc; i++) {
		if (!is_list && !strcmp(argv[i], "--"))
			words_only = true;
		if (!words_only && !is_list && g_str_has_prefix(argv[i], "-o") && argv[i][2]) {
			g_ptr_array_add(all, g_strdup("-o"));
			g_ptr_array_add(all, g_strdup(argv[i] + 2));
		} else {
			g_ptr_array_add(all, g_strdup(argv[i]));
		}
		/* Whatever comes next is its value. */
		is_list = !words_only && !is_list && !strcmp(argv[i], "-o");
	}
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

static const GOptionEntry *find_entry(const GOptionEntry *entries, const char *word, size_t n)
{
	for (; n > 0 && entries->long_name; entries++)
		if (strlen(entries->long_name) == n && !strncmp(entries->long_name, word, n))
			return entries;
	return NULL;
}

/* GLib passes over the value in --json=no. -EINVAL: said. */
static int refuse_values(const GOptionEntry *entries, char **words)
{
	for (char **p = words; *p && strcmp(*p, "--") != 0; p++) {
		const char *word = g_str_has_prefix(*p, "--") ? *p + 2 : "";
		size_t n = strcspn(word, "=");
		const GOptionEntry *entry = find_entry(entries, word, n);

		if (entry && entry->arg == G_OPTION_ARG_NONE && word[n])
			return log_error("--%s takes no value", entry->long_name);
		/* What comes next is its value. */
		if ((entry && entry->arg != G_OPTION_ARG_NONE && !word[n]) || !strcmp(*p, "-o"))
			p += p[1] != NULL;
	}
	return 0;
}

/* GLib's text, in which an ellipsis would come out as a question mark in the C locale. */
static void print_help(GOptionContext *context)
{
	g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
	g_auto(GStrv) parts = g_strsplit(text, "\u2026", -1);
	g_autofree char *plain = g_strjoinv("...", parts);

	fputs(plain, stdout);
}

int options_parse_entries(const GOptionEntry *entries, const char *name, const char *usage,
	const char *details, int argc, char **argv, bool *ret_done)
{
	g_autoptr(GOptionContext) context = g_option_context_new(usage);
	g_auto(GStrv) words = split_o(argc, argv);
	g_autoptr(GError) error = NULL;
	gboolean help = FALSE, version = FALSE;
	const GOptionEntry common[] = {
		{"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL},
		{"version", 'V', 0, G_OPTION_ARG_NONE, &version, "Show the version", NULL},
		{},
	};

	if (refuse_values(entries, words) < 0 || refuse_values(common, words) < 0)
		return -EINVAL;
	g_set_prgname(name);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, common, NULL);
	g_option_context_set_description(context, details);
	if (!g_option_context_parse_strv(context, &words, &error)) {
		error->message[0] = g_ascii_tolower(error->message[0]);
		return log_error("%s (see %s --help)", error->message, name);
	}
	if (help)
		print_help(context);
	else if (version)
		puts("lklfs " LKLFS_VERSION);
	*ret_done = help || version;
	return 0;
}

/* Takes COMMAND off: what follows the first "--". Returns how many words are left before it. */
static int take_command(Options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--")) {
			options->command = g_strdupv(argv + i + 1);
			return i;
		}
	return argc;
}

int options_parse(Options *options, bool run, int argc, char **argv, bool *ret_done)
{
	gboolean foreground = FALSE, debug = FALSE, mkdir = FALSE, or_plain = FALSE;
	gboolean progress = FALSE, report = FALSE;
	g_auto(GStrv) lists = NULL, dirs = NULL;
	g_autofree char *log = NULL;
	GOptionEntry entries[] = {
		{"debug", 'd', 0, G_OPTION_ARG_NONE, &debug, "Print every request; implies -f",
			NULL},
		{"log", 0, 0, G_OPTION_ARG_FILENAME, &log,
			"Write messages to FILE once all is mounted", "FILE"},
		{"mkdir", 0, 0, G_OPTION_ARG_NONE, &mkdir,
			"Create a DIR that is missing, its parents too", NULL},
		{"options", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &lists, "Mount options, see below",
			"LIST"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &dirs, NULL, NULL},
		{"foreground", 'f', 0, G_OPTION_ARG_NONE, &foreground, "Stay in the foreground",
			NULL},
		{},
		{},
		{},
	};
	const char *name = run ? "lklfs run" : "lklfs mount";
	g_autofree char *details =
		g_strconcat(option_details, "\n\n", run ? run_details : mount_details, NULL);
	int r;

	if (run) {
		entries[0].description = "Print every request";
		entries[5] = (GOptionEntry){"or-plain", 0, 0, G_OPTION_ARG_NONE, &or_plain,
			"Run COMMAND even if mounting is impossible", NULL};
		entries[6] = (GOptionEntry){"progress", 0, 0, G_OPTION_ARG_NONE, &progress,
			"Show a live line on the terminal", NULL};
		entries[7] = (GOptionEntry){"report", 0, 0, G_OPTION_ARG_NONE, &report,
			"Print at the end what lklfs report says of this run", NULL};
		argc = take_command(options, argc, argv);
	}
	r = options_parse_entries(entries, name, run ? "DIR... -- COMMAND [ARGS]" : "DIR...",
		details, argc, argv, ret_done);
	if (r < 0 || *ret_done)
		return r;
	for (char **p = lists; p && *p; p++) {
		r = parse_list(options, *p);
		if (r < 0)
			return r;
	}
	if (!dirs || !*dirs)
		return log_error("a DIR to mount over is missing (see %s --help)", name);
	if (run && (!options->command || !*options->command))
		return log_error("a COMMAND after -- is missing (see %s --help)", name);

	options->debug |= debug;
	options->foreground = foreground || options->debug;
	options->mkdir = mkdir;
	options->or_plain = or_plain;
	options->progress = progress;
	options->report = report;
	options->log = g_steal_pointer(&log);
	options->dirs = g_steal_pointer(&dirs);
	options->n_mounts = g_strv_length(options->dirs);
	return 0;
}
