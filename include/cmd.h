/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The subcommands. Each takes its part of the command line, argv[0] being its own name, says on
 * standard error what went wrong, and returns the exit status of the process. */

enum {
	EXIT_DONE = 0,    /* done, or nothing to do */
	EXIT_FAILED = 1,  /* failed or refused */
	EXIT_USAGE = 2,   /* the command line makes no sense */
	EXIT_LKLFS = 125, /* run: lklfs itself failed, its command line included */
	EXIT_NO_EXEC = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128, /* run: plus the signal that ended COMMAND */
};

int cmd_mount(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_umount(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_report(int argc, char **argv);

/* The whole program under the name of mount.fuse.lklfs; exits as mount(8) does. */
int cmd_fstab(int argc, char **argv);
