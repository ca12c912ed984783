/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Picks the subcommand. A first argument that names none belongs to `mount`, so that `lklfs DIR`
 * mounts, as with every FUSE program; a directory that is called like a subcommand is ./run or
 * comes after a "--". Called by the name of a mount helper it is one. */

#include "cmd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *usage;
	const char *summary;
} commands[] = {
	{"mount", cmd_mount, "lklfs [mount] [OPTIONS] DIR...",
		"mount over each DIR; returns when all are live"},
	{"run", cmd_run, "lklfs run [OPTIONS] DIR... -- COMMAND [ARGS]",
		"mount, run COMMAND, unmount; exits with COMMAND's status"},
	{"umount", cmd_umount, "lklfs umount [--force] [--timeout=S] DIR...",
		"unmount, and wait until everything is exposed"},
	{"status", cmd_status, "lklfs status [--json] [DIR...]",
		"what is mounted, staged, kept and exposed"},
	{"report", cmd_report, "lklfs report [--json] [--html=FILE] [--why=FILE] JOURNAL|DIR...",
		"what was rewritten for nothing, and why what"},
};

static int print_overview(void)
{
	char mount[] = "mount", help[] = "--help", *argv[] = {mount, help, NULL};

	puts("An overlay for build outputs: rewriting a file with the same bytes leaves no\n"
	     "trace.\n");
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		printf("  %s\n      %s\n", commands[i].usage, commands[i].summary);
	puts("\nEach has a --help of its own. What follows is that of mount.\n");
	return cmd_mount(2, argv);
}

/* A mistyped subcommand looks like a directory that does not exist. O_PATH: a mount is not touched.
 */
static bool is_mistyped(int argc, char **argv)
{
	int fd;

	if (argv[1][0] == '-' || argv[1][0] == '\0' || strchr(argv[1], '/'))
		return false;
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], "--mkdir"))
			return false;
	fd = open(argv[1], O_PATH | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == ENOENT;
}

static bool is_mount_helper(const char *program)
{
	g_autofree char *name = g_path_get_basename(program);

	return !strcmp(name, "mount.fuse.lklfs") || !strcmp(name, "mount.lklfs");
}

/* Whoever starts us without standard descriptors must not find a mount's in their place. They stay
 * closed for what run executes. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	fill_standard_descriptors();

	if (argc > 0 && is_mount_helper(argv[0]))
		return cmd_fstab(argc, argv);
	if (argc < 2) {
		log_error("a DIR to mount over is missing (see lklfs --help)");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return print_overview();
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].function(argc - 1, argv + 1);
	if (is_mistyped(argc, argv)) {
		log_error(
			"%s is neither a directory (--mkdir would create it) nor a command (mount, "
			"run, umount, status, report)",
			argv[1]);
		return EXIT_USAGE;
	}
	return cmd_mount(argc, argv);
}
