#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: when the last writer's close() has returned, every later open or stat by anyone sees the verdict.
. "${0%/*}/lib.sh"

echo start >"$B/f"
mnt
start w
last=$(mtime "$B/f")
for ((i = 0; i < 100; i++)); do
	to w open 0 "$B/f" w,creat,trunc
	to w write 0 0 "round$i"
	to w close 0
	eq "bytes after close $i" "$(cat "$B/f")" "round$i"
	now=$(mtime "$B/f")
	newer "mtime after close $i" "$now" "$last"
	last=$now
done
for ((i = 0; i < 100; i++)); do
	to w open 0 "$B/f" w,creat,trunc
	to w write 0 0 round99
	to w close 0
	eq "mtime after close $i of the same" "$(mtime "$B/f")" "$last"
done
ends w
