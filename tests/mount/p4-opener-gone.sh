#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: a descriptor that outlives its opener does not hold the verdict back: when every process that opened
# the stage for writing is gone, the next look from outside exposes what is there; a later write starts a
# new session.
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
before=$(mtime "$B/f")
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 new
forks w daemon
eq "while the opener lives" "$(cat "$B/f")" old
ends w
eq "after the opener's exit" "$(cat "$B/f")" new
first=$(mtime "$B/f")
newer "mtime" "$first" "$before"
eq "bytes in the backing" "$(cat "$(v f)")" new

start r
to r open 0 "$B/f" r
to daemon write 0 0 "later"
to daemon close 0
eq "after the later session" "$(cat "$B/f")" later
newer "mtime after the later session" "$(mtime "$B/f")" "$first"
eq "a handle on what was exposed first" "$(to r read 0 0 10)" new
eq "bytes in the backing" "$(cat "$(v f)")" later
ends r
leaves daemon
