/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon takes of the machine: for looking for leaks. All of it is the process's, however
 * many mounts that has. May be called with any lock held, or none. */

#include <stdint.h>

typedef struct Usage Usage;

/* What cannot be found out (there is no /proc) is 0. */
struct Usage {
	uint64_t n_descriptors;
	uint64_t memory; /* bytes: resident, with what it shares with others */
	uint64_t heap;   /* bytes: what is allocated */
};

void usage_read(Usage *ret_usage);

/* Gives memory that has been freed back to the system. Takes some milliseconds for each ten
 * megabytes, and others who allocate meanwhile may have to wait. */
void usage_trim(void);
