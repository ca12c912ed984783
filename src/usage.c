/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* malloc(3) gives back what is free at the end of a heap, and each thread has one. A single piece
 * that lives on holds all that is below it: so what a peak has taken is mostly kept until it is
 * asked for. */

#include "usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static uint64_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n - 1; /* but for the one that listed them */
}

/* The second number is of pages that are resident. */
static uint64_t read_memory(void)
{
	autofd fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128] = "";
	unsigned long pages = 0;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%*s %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void usage_read(Usage *ret_usage)
{
	const struct mallinfo2 info = mallinfo2();

	*ret_usage = (Usage){
		.n_descriptors = count_descriptors(),
		.memory = read_memory(),
		.heap = info.uordblks + info.hblkhd,
	};
}

void usage_trim(void)
{
	malloc_trim(0);
}
