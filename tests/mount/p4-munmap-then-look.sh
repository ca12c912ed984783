#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: ... or munmap has returned: a shared mapping holds the session open after the close.
. "${0%/*}/lib.sh"

printf 0123456789 >"$B/f"
mnt
last=$(mtime "$B/f")
start w
for ((i = 0; i < 20; i++)); do
	to w open 0 "$B/f" rw
	to w mmap 0 10
	to w close 0
	eq "after the close, with the mapping there" "$(mtime "$B/f")" "$last"
	to w store 0 0 "$((i % 10))"
	eq "after a store" "$(mtime "$B/f")" "$last"
	to w munmap 0
	eq "bytes after munmap" "$(cat "$B/f")" "$((i % 10))123456789"
	if ((i > 0)); then
		newer "mtime after munmap" "$(mtime "$B/f")" "$last"
	fi
	last=$(mtime "$B/f")
done
ends w
