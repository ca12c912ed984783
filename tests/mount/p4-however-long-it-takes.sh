#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: ... sees the verdict, however long the comparison takes.
. "${0%/*}/lib.sh"

size=$((32 << 20))
head -c "$size" /dev/zero | tr '\0' x >"$B/f"
mnt
last=$(mtime "$B/f")
start w
for i in 1 2; do
	to w open 0 "$B/f" w,trunc
	to w fill 0 0 "$size" x 1048576
	to w close 0
	eq "mtime right after the close of the same" "$(mtime "$B/f")" "$last"

	to w open 0 "$B/f" rw
	to w write 0 $((size - 1)) "$i"
	to w close 0
	now=$(mtime "$B/f")
	newer "mtime right after the close of others" "$now" "$last"
	eq "the last byte" "$(tail -c 1 "$B/f")" "$i"
	to w open 0 "$B/f" rw
	to w write 0 $((size - 1)) x
	to w close 0
	last=$(mtime "$B/f")
	newer "mtime right after the change back" "$last" "$now"
done
ends w
