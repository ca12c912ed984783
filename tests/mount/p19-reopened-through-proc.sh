#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: an open through /proc/self/fd/N comes without a lookup; it works, for reading and for
# writing, and no error of ours reaches the program.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
tool open 0 "$B/f" r -- open 1 fd:0 w,trunc -- write 1 0 'new\n' -- close 1 -- close 0
eq "written by a reader's descriptor" "$(cat "$B/f")" new
eq "the same in the backing" "$(cat "$(v f)")" new
before=$(trace "$(v f)")
tool open 0 "$B/f" r -- open 1 fd:0 rw -- write 1 0 'new\n' -- close 1 -- close 0
eq "the same bytes by a reader's descriptor" "$(trace "$(v f)")" "$before"
eq "bytes of a writer's descriptor" \
	"$(tool open 0 "$B/f" w -- open 1 fd:0 r -- write 0 0 NEW -- read 1 0 3)" NEW
tool open 0 "$B/f" path -- open 1 fd:0 w,append -- write 1 - 'more\n' -- close 1
eq "appended by way of O_PATH" "$(cat "$B/f")" "NEW
more"
# a shell's way
sh -c 'exec 3<"$1"; echo longer than before >/proc/self/fd/3' sh "$B/f"
eq "written by a shell" "$(cat "$B/f")" "longer than before"
# the file behind a superseded handle is still there to be read
start r
to r open 0 "$B/f" r
echo newest >"$B/f"
to r open 1 fd:0 r
eq "a superseded version, opened again" "$(to r read 1 0 6)" longer
ends r
