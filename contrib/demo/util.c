/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <util.h>

#include <stdio.h>

#include <config.h>

void util_greet(const char *who)
{
	printf("%s, %s!\n", CONFIG_GREETING, who);
}
