#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: ... or exit has returned: nobody closes anything here.
. "${0%/*}/lib.sh"

echo start >"$B/f"
mnt
last=$(mtime "$B/f")
for ((i = 0; i < 40; i++)); do
	tool open 0 "$B/f" w,trunc -- write 0 0 "round$i"
	eq "bytes after exit $i" "$(cat "$B/f")" "round$i"
	newer "mtime after exit $i" "$(mtime "$B/f")" "$last"
	last=$(mtime "$B/f")
	tool open 0 "$B/f" w,trunc -- write 0 0 "round$i"
	eq "mtime after exit $i of the same" "$(mtime "$B/f")" "$last"
done
