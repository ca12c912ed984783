/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Command lines, words of which are separated by newlines: what is accepted makes sense, and means
 * the same when it is written down and read again; and libfuse takes apart what it gets as lklfs
 * has. With the lowest bit of the first byte it is what mount(8) calls instead, a SOURCE and lists
 * of options: what is not for lklfs is gone, the rest is there. */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FUSE_USE_VERSION 314
#include <fuse_opt.h>

#include "cmd.h"
#include "log.h"
#include "mount-options.h"

/* ---- reading ---- */

/* Help goes nowhere. */
static int parse(Options *options, bool run, char **words, bool *ret_done)
{
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC), r;

	fflush(stdout);
	dup2(null_fd, STDOUT_FILENO);
	options_init(options);
	r = options_parse(options, run, (int)g_strv_length(words), words, ret_done);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(null_fd);
	return r;
}

static void check_sense(const Options *options, bool run)
{
	const double timeouts[] = {
		options->entry_timeout, options->attr_timeout, options->negative_timeout};

	for (unsigned i = 0; i < G_N_ELEMENTS(timeouts); i++)
		g_assert_true(timeouts[i] >= 0 && timeouts[i] <= 1e9);
	g_assert_cmpuint(options->keep, <=, 100000000);
	g_assert_cmpuint(options->keep_bytes, <=, (uint64_t)1 << 60);
	g_assert_cmpuint(options->n_mounts, >, 0);
	g_assert_cmpuint(options->n_mounts, ==, g_strv_length(options->dirs));
	g_assert_true(options->foreground || !options->debug);
	g_assert_true(!run || *options->command);
	for (char **p = options->drivers; *p; p++)
		g_assert_true(**p && !strchr(*p, '/'));
	for (char **p = options->always; *p; p++)
		g_assert_true(**p);
}

/* ---- writing ---- */

static void add_words(GString *out, const char *before, const char *word)
{
	g_string_append(out, before);
	for (; *word; word++)
		g_string_append_printf(out, *word == ',' ? "\\%c" : "%c", *word);
}

static void add_timeout(GString *out, const char *name, double seconds)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append_printf(out, "%s=%s,", name, g_ascii_dtostr(text, sizeof text, seconds));
}

static char *write_list(const Options *options)
{
	GString *out = g_string_new("always=none,");
	g_autofree char *drivers = g_strjoinv(":", options->drivers);

	add_timeout(out, "entry_timeout", options->entry_timeout);
	add_timeout(out, "attr_timeout", options->attr_timeout);
	add_timeout(out, "negative_timeout", options->negative_timeout);
	g_string_append_printf(
		out, "keep=%u,keep_bytes=%" PRIu64, options->keep, options->keep_bytes);
	add_words(out, ",drivers=", drivers);
	if (options->durable)
		g_string_append(out, ",durable");
	if (options->converge)
		g_string_append(out, ",converge");
	if (options->posix_locks)
		g_string_append(out, ",posix_locks");
	if (options->debug)
		g_string_append(out, ",debug");
	if (options->journal)
		add_words(out, ",journal=", options->journal);
	return g_string_free(out, FALSE);
}

/* Each where it cannot be taken for a part of another. */
static char **write_words(const Options *options)
{
	GPtrArray *words = g_ptr_array_new();

	g_ptr_array_add(words, g_strdup("mount"));
	g_ptr_array_add(words, g_strdup("-o"));
	g_ptr_array_add(words, write_list(options));
	for (char **p = options->always; *p; p++) {
		GString *word = g_string_new(NULL);

		add_words(word, "always=", *p);
		g_ptr_array_add(words, g_strdup("-o"));
		g_ptr_array_add(words, g_string_free(word, FALSE));
	}
	if (options->fuse_options) {
		g_ptr_array_add(words, g_strdup("-o"));
		g_ptr_array_add(words, g_strdup(options->fuse_options));
	}
	g_ptr_array_add(words, g_strdup("--"));
	for (char **p = options->dirs; *p; p++)
		g_ptr_array_add(words, g_strdup(*p));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static void check_lists(char **a, char **b)
{
	g_assert_true(g_strv_equal((const char *const *)a, (const char *const *)b));
}

static void check_round_trip(const Options *options)
{
	g_auto(GStrv) words = write_words(options);
	bool done = false;
	Options again;

	g_assert_cmpint(parse(&again, false, words, &done), ==, 0);
	g_assert_false(done);
	g_assert_true(again.entry_timeout == options->entry_timeout &&
		      again.attr_timeout == options->attr_timeout &&
		      again.negative_timeout == options->negative_timeout);
	g_assert_true(again.durable == options->durable && again.converge == options->converge &&
		      again.posix_locks == options->posix_locks && again.debug == options->debug &&
		      again.others == options->others);
	g_assert_cmpuint(again.keep, ==, options->keep);
	g_assert_cmpuint(again.keep_bytes, ==, options->keep_bytes);
	g_assert_cmpstr(again.journal, ==, options->journal);
	check_lists(again.drivers, options->drivers);
	check_lists(again.dirs, options->dirs);
	check_lists(again.always, options->always);
	g_assert_cmpstr(again.fuse_options, ==, options->fuse_options);
	options_clear(&again);
}

/* ---- libfuse ---- */

typedef struct Seen Seen;

struct Seen {
	char *name; /* of fsname */
	int others, everyone, keep;
};

static int keep_all(void *data G_GNUC_UNUSED, const char *arg G_GNUC_UNUSED, int key G_GNUC_UNUSED,
	struct fuse_args *args G_GNUC_UNUSED)
{
	return 1;
}

/* What libfuse makes of a list. */
static Seen libfuse_reads(const char *list)
{
	static const struct fuse_opt wanted[] = {
		{"fsname=%s", offsetof(Seen, name), 0},
		{"allow_other", offsetof(Seen, everyone), 1},
		{"allow_root", offsetof(Seen, others), 1},
		{"keep=", offsetof(Seen, keep), 1},
		FUSE_OPT_END,
	};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	Seen seen = {0};

	fuse_opt_add_arg(&args, "lklfs");
	fuse_opt_add_arg(&args, "-o");
	fuse_opt_add_arg(&args, list);
	fuse_opt_parse(&args, &seen, wanted, keep_all);
	fuse_opt_free_args(&args);
	return seen;
}

/* Whether there is a backslash that is not in front of a comma, or of another: libfuse has more of
 * these. */
static bool has_escapes(const char *list)
{
	for (; *list; list++)
		if (*list == '\\') {
			if (list[1] != ',' && list[1] != '\\')
				return true;
			list++;
		}
	return false;
}

static void check_libfuse(const Options *options)
{
	Seen seen;

	if (!options->fuse_options || has_escapes(options->fuse_options))
		return;
	seen = libfuse_reads(options->fuse_options);
	/* What is lklfs's own it must not see. */
	g_assert_false(seen.keep);
	g_assert_true((seen.others || seen.everyone) == options->others);
	free(seen.name);
}

static void fuzz_words(Bytes *in, bool run)
{
	g_autofree char *text = bytes_text(in, in->size);
	g_autofree char *line = g_strconcat("mount\n", text, NULL);
	g_auto(GStrv) words = g_strsplit(line, "\n", -1);
	bool done = false;
	Options options;
	int r;

	r = parse(&options, run, words, &done);
	if (r == 0 && !done) {
		check_sense(&options, run);
		check_round_trip(&options);
		check_libfuse(&options);
	} else {
		g_assert_true(r == 0 || r == -EINVAL);
	}
	options_clear(&options);
}

/* ---- mount(8) ---- */

static char *wanted_source; /* and whether cmd_mount() has been called */
static bool was_called;

/* What only mount(8) and fstab have a use for does not get to libfuse, which would refuse it. */
static void check_foreign(const char *list)
{
	while (list && *list) {
		g_autofree char *one = options_next_word(&list);

		g_assert_true(
			!one || (strcmp(one, "noauto") && strcmp(one, "defaults") &&
					strcmp(one, "atime") && !g_str_has_prefix(one, "x-")));
	}
}

/* In place of lklfs mount: gets -o LIST -- DIR. */
int cmd_mount(int argc, char **argv)
{
	Options options;
	bool done = false;
	Seen seen;

	g_assert_cmpint(argc, ==, 5);
	g_assert_cmpstr(argv[1], ==, "-o");
	g_assert_cmpstr(argv[3], ==, "--");
	was_called = true;
	if (parse(&options, false, argv, &done) == 0) {
		g_assert_false(done);
		g_assert_cmpstr(options.dirs[0], ==, argv[4]);
		check_libfuse(&options);
		check_foreign(options.fuse_options);
	}
	seen = libfuse_reads(argv[2]);
	if (!strstr(argv[2] + 1, "fsname") && !has_escapes(argv[2]))
		g_assert_cmpstr(seen.name, ==, wanted_source);
	free(seen.name);
	options_clear(&options);
	return EXIT_DONE;
}

static void fuzz_fstab(Bytes *in)
{
	g_autofree char *source = bytes_text(in, 16), *first = bytes_text(in, 64);
	g_autofree char *second = bytes_text(in, 64);
	char name[] = "mount.fuse.lklfs", dir[] = "/d", o[] = "-o", end[] = "--";
	char *argv[] = {name, o, first, o, second, end, source, dir, NULL};

	/* That is about what is mounted. */
	if (strstr(first, "remount") || strstr(second, "remount"))
		return;
	wanted_source = source;
	was_called = false;
	g_assert_cmpint(cmd_fstab(G_N_ELEMENTS(argv) - 1, argv), ==, 0);
	g_assert_true(was_called);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool silent;
	Bytes in = {data, size};
	uint8_t byte = bytes_next(&in);

	if (!silent)
		log_to_file(open("/dev/null", O_WRONLY | O_CLOEXEC));
	silent = true;
	if (byte & 1)
		fuzz_fstab(&in);
	else
		fuzz_words(&in, byte & 2);
	return 0;
}
