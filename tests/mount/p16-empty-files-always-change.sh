#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P16: files of 0 bytes: their rewriting is the message, and counts as a change.
# BACKINGS: all
. "${0%/*}/lib.sh"

: >"$B/empty"
echo bytes >"$B/full"
touch -d 2001-01-01 "$B/empty" "$B/full"
mnt
before=$(mtime "$B/empty")
: >"$B/empty"
newer "mtime of the empty file" "$(mtime "$B/empty")" "$before"
eq "the same in the backing" "$(mtime "$(v empty)")" "$(mtime "$B/empty")"
before=$(mtime "$B/empty")
cp /dev/null "$B/empty"
newer "mtime after cp" "$(mtime "$B/empty")" "$before"
# the control
before=$(mtime "$B/full")
echo bytes >"$B/full"
eq "mtime of a file with bytes" "$(mtime "$B/full")" "$before"
# bytes to none and back are changes as ever
: >"$B/full"
newer "mtime when emptied" "$(mtime "$B/full")" "$before"
eq "size in the backing" "$(stat -c %s "$(v full)")" 0
