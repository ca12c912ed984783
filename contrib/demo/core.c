/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

/* The sum of the numbers up to n. */
int core_sum(int n)
{
	return n * (n + 1) / 2;
}
