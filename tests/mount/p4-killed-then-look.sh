#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: a writer that is killed has exited, too: what it wrote so far is what there is, at once.
. "${0%/*}/lib.sh"

echo start >"$B/f"
mnt
for ((i = 0; i < 15; i++)); do
	start w
	to w open 0 "$B/f" rw,trunc
	to w write 0 0 "round$i"
	dies w
	eq "bytes after the kill" "$(cat "$B/f")" "round$i"
	last=$(trace "$(v f)")
	start w
	to w open 0 "$B/f" rw
	to w mmap 0 4
	to w store 0 0 roun
	dies w
	eq "after the kill of one that changed nothing" "$(seen "$B/f")" "$(seen "$(v f)")"
	eq "the backing" "$(trace "$(v f)")" "$last"
done
