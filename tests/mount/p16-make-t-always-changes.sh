#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P16: what a driver writes itself: make -t rewrites a byte of its target with what it is.
. "${0%/*}/lib.sh"
need make

echo in >"$W/in"
echo out >"$B/out"
touch -d 2001-01-01 "$B/out"
printf '%s: %s\n\tcp $< $@\n' "$B/out" "$W/in" >"$W/Makefile"
mnt
before=$(mtime "$B/out")
make -f "$W/Makefile" -t
newer "mtime after make -t" "$(mtime "$B/out")" "$before"
eq "the same in the backing" "$(mtime "$(v out)")" "$(mtime "$B/out")"
eq "bytes" "$(cat "$B/out")" out
has "make afterwards" "$(make -f "$W/Makefile")" "up to date"
