/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mount.fuse.lklfs: lklfs mount, as mount(8) calls it for `mount -t fuse.lklfs` and for fstab:
 *
 *     mount.fuse.lklfs SOURCE DIR [-sfnv] [-o OPTIONS] [-N NAMESPACE] [-t TYPE]
 *
 * OPTIONS are those of an fstab line. What there is mount(8)'s own, or the init system's, or has
 * no meaning for FUSE is dropped, for libfuse refuses what it does not know; the rest is lklfs
 * mount's. SOURCE says nothing but what the mount table is to show. dev and suid have to arrive
 * here to hold, and mount(8) hands them on only beside user. */

#include "cmd.h"

#include "log.h"
#include "mount-options.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>

#define NAME "mount.fuse.lklfs"

/* Exit statuses as in mount(8), which hands them on. */
enum {
	MOUNT_USAGE = 1,
	MOUNT_FAILED = 32,
};

/* FUSE keeps no access times of its own, and knows no mandatory locks. */
static const char *const dropped[] = {"defaults", "auto", "noauto", "user", "nouser", "users",
	"nousers", "owner", "noowner", "group", "nogroup", "nofail", "_netdev", "atime", "diratime",
	"relatime", "norelatime", "strictatime", "lazytime", "nolazytime", "mand", "nomand",
	"iversion", "noiversion", "silent", "loud", NULL};

static const char *const dropped_prefixes[] = {"user=", "comment=", "x-", "X-", NULL};

typedef struct Call Call;

struct Call {
	char **words; /* SOURCE, DIR */
	char **lists; /* of -o */
	char *namespace;
	gboolean fake; /* -f: all but the mount itself */
};

static void call_clear(Call *call)
{
	g_strfreev(call->words);
	g_strfreev(call->lists);
	g_free(call->namespace);
}

static bool is_dropped(const char *word)
{
	for (const char *const *p = dropped_prefixes; *p; p++)
		if (g_str_has_prefix(word, *p))
			return true;
	return g_strv_contains(dropped, word);
}

/* The words of an fstab list that are lklfs mount's, as they were written. */
static void append_list(GString *out, const char *text)
{
	for (;;) {
		g_autofree char *word = options_next_word(&text);

		if (!word)
			return;
		if (!is_dropped(word))
			g_string_append_printf(out, ",%s", word);
	}
}

/* What is given with -o comes later, and wins. */
static char *make_list(const Call *call)
{
	GString *list = g_string_new("fsname=");

	for (const char *p = call->words[0]; *p; p++) {
		if (*p == ',' || *p == '\\')
			g_string_append_c(list, '\\');
		g_string_append_c(list, *p);
	}
	for (char **p = call->lists; p && *p; p++)
		append_list(list, *p);
	return g_string_free(list, FALSE);
}

static int call_parse(Call *call, int argc, char **argv, bool *ret_done)
{
	gboolean ignored;
	g_autofree char *type = NULL;
	const GOptionEntry entries[] = {
		{"fake", 'f', 0, G_OPTION_ARG_NONE, &call->fake, "Do not mount", NULL},
		{"namespace", 'N', 0, G_OPTION_ARG_FILENAME, &call->namespace,
			"Mount in this mount namespace", "FILE"},
		{"options", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &call->lists,
			"Options as in fstab; see lklfs mount --help", "LIST"},
		{"no-mtab", 'n', 0, G_OPTION_ARG_NONE, &ignored, "Ignored", NULL},
		{"sloppy", 's', 0, G_OPTION_ARG_NONE, &ignored, "Ignored", NULL},
		{"type", 't', 0, G_OPTION_ARG_STRING, &type, "Ignored", "TYPE"},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &ignored, "Ignored", NULL},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &call->words, NULL, NULL},
		{},
	};
	int r;

	r = options_parse_entries(entries, NAME, "SOURCE DIR",
		"For mount -t fuse.lklfs and for fstab. Exit status: 0, or as mount(8)'s.", argc,
		argv, ret_done);
	if (r < 0 || *ret_done)
		return r;
	if (!call->words || g_strv_length(call->words) != 2)
		return log_error(
			"SOURCE and DIR are wanted, and nothing else (see %s --help)", NAME);
	return 0;
}

static int enter_namespace(const char *path)
{
	autofd fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNS) < 0)
		return log_errno(-errno, "cannot enter the mount namespace %s", path);
	return 0;
}

static int call_mount(const Call *call)
{
	g_autofree char *list = make_list(call);
	char name[] = "mount", option[] = "-o", end[] = "--";
	char *argv[] = {name, option, list, end, call->words[1], NULL};

	if (call->fake)
		return 0;
	if (call->namespace && enter_namespace(call->namespace) < 0)
		return MOUNT_FAILED;
	/* It is known by that name, whatever it was called by. */
	prctl(PR_SET_NAME, "lklfs");
	switch (cmd_mount(G_N_ELEMENTS(argv) - 1, argv)) {
	case EXIT_DONE:
		return 0;
	case EXIT_USAGE:
		return MOUNT_USAGE;
	default:
		return MOUNT_FAILED;
	}
}

int cmd_fstab(int argc, char **argv)
{
	__attribute__((cleanup(call_clear))) Call call = {};
	bool done;

	if (call_parse(&call, argc, argv, &done) < 0)
		return MOUNT_USAGE;
	return done ? 0 : call_mount(&call);
}
