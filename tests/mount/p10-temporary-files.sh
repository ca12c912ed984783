#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: a temporary file that is written again with the same bytes, and renamed to a name that somebody has seen with
# other bytes in between, does not bring an old mtime there.
. "${0%/*}/lib.sh"

mnt
put() { echo "$1" >"$B/$2.tmp" && mv "$B/$2.tmp" "$B/$2"; }
put one f
before=$(mtime "$B/f")
for i in 1 2 3; do
	rm "$B/f"
	echo two >"$B/f"
	eq "what somebody reads" "$(cat "$B/f")" two
	put one f
	eq "bytes, time $i" "$(cat "$B/f")" one
	newer "mtime, time $i" "$(mtime "$B/f")" "$before"
	before=$(mtime "$B/f")
done
