/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mount.fuse.lklfs: lklfs mount, as mount(8) calls it for `mount -t fuse.lklfs` and for fstab:
 *
 *     mount.fuse.lklfs SOURCE DIR [-sfnv] [-o OPTIONS] [-N NAMESPACE] [-t TYPE]
 *
 * OPTIONS are those of an fstab line, which lklfs mount knows. SOURCE says nothing but what the
 * mount table is to show. dev and suid have to arrive here to hold, and mount(8) hands them on only
 * beside user.
 *
 * remount among OPTIONS changes what the kernel keeps of a mount: ro, noexec and the like. mount(8)
 * hands on all that the mount has in fstab or in the mount table, so that cannot be told from what
 * is asked for, and what is the daemon's is left as it is. */

#include "cmd.h"

#include "log.h"
#include "mount-helper.h"
#include "mount-options.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#define NAME "mount.fuse.lklfs"

/* Exit statuses as in mount(8), which hands them on. */
enum {
	MOUNT_USAGE = 1,
	MOUNT_FAILED = 32,
};

/* What a remount can change. FUSE keeps no access times, but shows that none are asked for. */
static const struct {
	const char *on, *off;
	unsigned long flag;  /* of mount(2) */
	unsigned long shown; /* the same in statvfs(3) */
} kernel_flags[] = {
	{"ro", "rw", MS_RDONLY, ST_RDONLY},
	{"nosuid", "suid", MS_NOSUID, ST_NOSUID},
	{"nodev", "dev", MS_NODEV, ST_NODEV},
	{"noexec", "exec", MS_NOEXEC, ST_NOEXEC},
	{"sync", "async", MS_SYNCHRONOUS, ST_SYNCHRONOUS},
	{"noatime", "atime", MS_NOATIME, ST_NOATIME},
	{"nodiratime", "diratime", MS_NODIRATIME, ST_NODIRATIME},
};

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
		g_string_append_printf(list, ",%s", *p);
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

/* Whether remount is among the options; the flags of mount(2) that these make of *flags. */
static bool call_remounts(const Call *call, unsigned long *flags)
{
	bool remounts = false;

	for (char **p = call->lists; p && *p; p++) {
		const char *text = *p;

		for (;;) {
			g_autofree char *word = options_next_word(&text);

			if (!word)
				break;
			remounts |= !strcmp(word, "remount");
			for (size_t i = 0; i < G_N_ELEMENTS(kernel_flags); i++) {
				if (!strcmp(word, kernel_flags[i].on))
					*flags |= kernel_flags[i].flag;
				if (!strcmp(word, kernel_flags[i].off))
					*flags &= ~kernel_flags[i].flag;
			}
		}
	}
	return remounts;
}

/* What the kernel keeps of a mount now. */
static int read_flags(const char *dir, unsigned long *ret_flags)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) < 0)
		return -errno;
	*ret_flags = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(kernel_flags); i++)
		if (fs.f_flag & kernel_flags[i].shown)
			*ret_flags |= kernel_flags[i].flag;
	return 0;
}

static int call_remount(const Call *call)
{
	g_autoptr(GPtrArray) mounts = NULL;
	g_autofree char *dir = NULL;
	unsigned long flags;
	const Mount *top;
	int r;

	if (helper_read_mounts(&mounts) < 0)
		return MOUNT_FAILED;
	r = helper_resolve(mounts, call->words[1], &dir);
	top = r == 0 ? helper_top_mount(mounts, dir) : NULL;
	if (!top || !helper_is_lklfs(top)) {
		log_error("%s is not mounted with lklfs: leave remount out to mount it",
			call->words[1]);
		return MOUNT_FAILED;
	}
	r = read_flags(dir, &flags);
	if (r == 0) {
		(void)call_remounts(call, &flags);
		if (mount(NULL, dir, NULL, MS_REMOUNT | flags, NULL) < 0)
			r = -errno;
	}
	if (r < 0) {
		log_errno(r, "cannot change the mount on %s", dir);
		return MOUNT_FAILED;
	}
	return 0;
}

static int call_mount(const Call *call)
{
	g_autofree char *list = make_list(call);
	char name[] = "mount", option[] = "-o", end[] = "--";
	char *argv[] = {name, option, list, end, call->words[1], NULL};

	unsigned long flags = 0;

	if (call->fake)
		return 0;
	if (call->namespace && enter_namespace(call->namespace) < 0)
		return MOUNT_FAILED;
	if (call_remounts(call, &flags))
		return call_remount(call);
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
