#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: an mtime goes back only if nobody outside the build step has looked in between: opened the other bytes, for
# reading or writing, been told size or times, or followed the link. make may look at the times.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo final >"$B/f"
mnt
ls -l "$B" >/dev/null
start w
write() {
	to w open 0 "$B/f" w,trunc
	to w write 0 0 "$1\\n"
	to w close 0
}
# between LOOK...: one process writes other bytes, LOOK, and the final ones
between() {
	local before
	before=$(mtime "$B/f")
	write other
	"$@" >/dev/null
	write final
	eq "bytes" "$(cat "$B/f")" final
	if [[ "$(mtime "$B/f")" == "$before" ]]; then echo back; else newer "$*" "$(mtime "$B/f")" "$before" && echo new; fi
}
eq "nobody" "$(between true)" back
eq "the writer" "$(between to w stat "$B/f")" back
eq "a reader" "$(between cat "$B/f")" new
eq "one who is told its size and times" "$(between stat "$B/f")" new
eq "one who is told that it is there" "$(between test -e "$B/f")" new
eq "one who opens it for writing" "$(between tool open 0 "$B/f" rw -- close 0)" new
eq "a child of the writer" "$(between to w spawn cat "$B/f")" new
eq "one who lists its directory" "$(between ls "$B")" back
eq "one who reads something else" "$(between cat "$B/.lklfs/status")" back
append() { echo more >>"$B/f"; }
eq "one who appends" "$(between append)" new
eq "one who sets its times" "$(between touch -d '2001-01-01 UTC' "$B/f")" new
eq "one who changes its mode" "$(between chmod 600 "$B/f")" new
rename_away() { mv "$B/f" "$B/g"; mv "$B/g" "$B/f"; }
eq "one who renames it" "$(between rename_away)" new
link() { ln "$B/f" "$B/g"; rm "$B/g"; }
eq "one who links it" "$(between link)" new
eq "nobody, afterwards" "$(between true)" back
# a reader of the old bytes does no harm
before=$(mtime "$B/f")
cat "$B/f" >/dev/null
write other
write final
eq "read before" "$(mtime "$B/f")" "$before"
start r
to r open 1 "$B/f" r
write other
to r read 1 0 10
write final
# (bindfs gives what is replaced while it is open a second name, so that it is not what comes back.)
over bindfs || eq "read from an older handle" "$(mtime "$B/f")" "$before"
# a new name that was there, seen and removed
start x
to x open 0 "$B/n" w,creat
to x write 0 0 new
eq "read while it was written" "$(cat "$B/n")" new
to x close 0
before=$(mtime "$B/n")
rm "$B/n"
to x open 0 "$B/n" w,creat
to x write 0 0 new
to x close 0
eq "removed and written again" "$(mtime "$B/n")" "$before"
rm "$B/n"
to x open 0 "$B/n" w,creat
to x write 0 0 ne
eq "read while it was written again" "$(cat "$B/n")" ne
to x write 0 2 w
to x close 0
newer "read while it was written again" "$(mtime "$B/n")" "$before"
ends x
ends r
ends w
