#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P11: now is always obeyed, after an unchanged session and in it; and so are the times another process sets.
. "${0%/*}/lib.sh"

echo bytes >"$B/f"
mnt
rewrite=(open 0 "$B/f" w,trunc -- write 0 0 'bytes\n')
last=$(mtime "$B/f")
moved() {
	newer "$1" "$(mtime "$B/f")" "$last"
	eq "$1: in the backing" "$(mtime "$(v f)")" "$(mtime "$B/f")"
	last=$(mtime "$B/f")
}
tool "${rewrite[@]}" -- close 0
eq "mtime without times" "$(mtime "$B/f")" "$last"
tool "${rewrite[@]}" -- close 0 -- times "$B/f"
moved "utime(NULL) right after the session"
tool "${rewrite[@]}" -- close 0 -- times "$B/f" now now
moved "UTIME_NOW right after the session"
tool "${rewrite[@]}" -- ftimes 0 -- close 0
moved "futimens(NULL) in the session"

tool "${rewrite[@]}" -- close 0
touch -d '2001-01-01 UTC' "$B/f"
eq "another process's times after the session" "$(mtime "$B/f")" 978307200.000000000
eq "the same in the backing" "$(mtime "$(v f)")" 978307200.000000000
