#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: an output is executed right after it was linked or copied, again and again.
# BACKINGS: overlayfs bindfs
. "${0%/*}/lib.sh"
need gcc

mnt
for ((i = 1; i <= 8; i++)); do
	echo "int main(void) { return $i; }" >"$W/prog.c"
	gcc -o "$B/prog" "$W/prog.c"
	eq "status of program $i" "$(status_of "$B/prog")" "$i"
	cp "$B/prog" "$W/prog.$i"
done
for ((i = 1; i <= 8; i++)); do
	cat "$W/prog.$i" >"$B/prog"
	eq "status of copy $i" "$(status_of "$B/prog")" "$i"
done
# a script as well
for ((i = 1; i <= 8; i++)); do
	printf '#!/bin/sh\nexit %s\n' "$i" >"$B/script"
	chmod +x "$B/script"
	eq "status of script $i" "$(status_of "$B/script")" "$i"
done
