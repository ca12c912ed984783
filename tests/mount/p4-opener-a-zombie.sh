#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: ... is gone (zombies are).
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
start parent
forks parent opener
to opener open 0 "$B/f" w,trunc
to opener write 0 0 new
forks opener daemon
eq "while the opener lives" "$(cat "$B/f")" old
tell opener exit
# A sanitizer has a thread of its own, which may end after the first one.
is_zombie() { grep -c -e '^State:.*Z' -e '^Threads:.*\<1$' "/proc/${FORK_PID[opener]}/status" | grep -q 2; }
until_true "the opener is a zombie" is_zombie
eq "after the opener's end" "$(cat "$B/f")" new
is_zombie || fail "somebody reaped the opener"
eq "in the backing" "$(cat "$(v f)")" new
leaves daemon
ends parent
