/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include <config.h>
#include <core.h>
#include <util.h>

int main(void)
{
	util_greet("numbers");
	printf("%d %d\n", core_sum(8), CONFIG_SQUARE_8);
	return 0;
}
