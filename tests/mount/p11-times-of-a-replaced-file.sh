#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P11: times set through a handle whose file has been replaced or removed meanwhile go to that file: no
# error, and the file that has the name now keeps its own.
# BACKINGS: all
. "${0%/*}/lib.sh"

mnt
for end in 'mv' 'rm -f'; do
	echo old >"$B/f"
	echo new >"$B/g"
	start w
	to w open 0 "$B/f" rw
	case $end in
	mv) mv "$B/g" "$B/f" ;;
	*) rm "$B/f" && mv "$B/g" "$B/f" ;;
	esac
	before=$(mtime "$B/f")
	eq "futimens after $end" "$(to_errno w ftimes 0 5 6)" OK
	has "fstat after $end" "$(to w fstat 0)" mtime=6.000000000
	ends w
	eq "mtime of the file in its place after $end" "$(mtime "$(v f)")" "$before"
	eq "bytes after $end" "$(cat "$B/f")" new
done
