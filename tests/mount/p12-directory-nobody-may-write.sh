#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12 and P14: a file that may be written in a directory that may not is written; and the same bytes leave
# no trace there, too.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
echo old >"$B/d/f"
chmod 555 "$B/d"
mnt
before=$(trace "$(v d/f)")
echo old >"$B/d/f"
eq "the backing after the same" "$(trace "$(v d/f)")" "$before"
start w
to w open 0 "$B/d/f" w,trunc
to w write 0 0 'new bytes'
eq "a stranger during the session" "$(cat "$B/d/f")" old
ends w
eq "bytes" "$(cat "$B/d/f")" new
eq "bytes in the backing" "$(cat "$(v d/f)")" new
newer "mtime" "$(mtime "$B/d/f")" "$(grep -o 'mtime=[0-9.]*' <<<"$before" | cut -d= -f2)"
[[ $AXIS_USER == root ]] || eq "a new name there" "$(errno_of open 0 "$B/d/g" w,creat)" EACCES
umnt
eq "names in the backing" "$(ls -A "$B/d")" f
chmod 755 "$B/d"
