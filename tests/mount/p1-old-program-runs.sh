#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P1: a program that is being written is, for everyone outside, the old one: it can be executed.
. "${0%/*}/lib.sh"
need gcc

echo 'int main(void) { return 3; }' >"$W/old.c"
gcc -o "$B/prog" "$W/old.c"
echo 'int main(void) { return 4; }' >"$W/new.c"
gcc -o "$W/new" "$W/new.c"
mnt
start w
to w open 0 "$B/prog" w,trunc
to w write 0 0 junk
eq "status of the old program" "$(status_of "$B/prog")" 3
ends w
# and a new one in its place, while the old one may be running
cat "$W/new" >"$B/prog"
eq "status of the new program" "$(status_of "$B/prog")" 4
