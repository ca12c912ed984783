#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: what one step does to itself is its own affair: below a build driver a recipe line is one step.
. "${0%/*}/lib.sh"
need make

echo original >"$B/f"
cat >"$W/line" <<EOF
$TOOL open 0 $B/f rw -- write 0 0 OTHER -- spawn 'cat $B/f; stat $B/f' -- write 0 0 origi -- close 0
EOF
{
	echo "all:"
	printf '\t%s\n' "$(cat "$W/line")"
} >"$W/Makefile"
mnt
before=$(mtime "$B/f")
out=$(make -s -f "$W/Makefile")
has "what the look below make saw" "$out" 'OTHERnal'
eq "mtime after a look by the same step" "$(mtime "$B/f")" "$before"

# the same line without make: the looking child is a step of its own
sh "$W/line" >/dev/null
newer "mtime after a look by another step" "$(mtime "$B/f")" "$before"
eq "bytes" "$(cat "$B/f")" original
