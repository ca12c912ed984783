/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <util.h>

int main(void)
{
	util_greet("world");
	return 0;
}
