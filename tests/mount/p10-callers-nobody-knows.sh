#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: whatever is unknown costs at most a rebuild: processes outside the daemon's process namespace (to it
# they all are number 0) read and write as others do.
# AXES: root
. "${0%/*}/lib.sh"
need unshare

echo old >"$B/f"
unshare --pid --fork --kill-child=TERM "$LKLFS" -f "$B" </dev/null &
pid=$!
until_true "a live mount" is_live
eq "bytes" "$(cat "$B/f")" old
echo new >"$B/f"
eq "rewritten" "$(cat "$B/f")" new
eq "rewritten, in the backing" "$(cat "$(v f)")" new
for ((i = 0; i < 30; i++)); do
	echo "round $i" >"$B/f"
	echo "round $i" >>"$B/f"
	eq "round $i" "$(cat "$B/f")" "round $i
round $i"
done
echo fresh >"$B/g"
mv "$B/g" "$B/h"
tool open 0 "$B/h" rw -- mmap 0 5 -- store 0 0 FRESH -- munmap 0 -- close 0
eq "a new name, renamed and stored into" "$(cat "$(v h)")" FRESH
tool truncate "$B/h" 2
eq "truncated by path" "$(cat "$(v h)")" FR
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 one
start x
to x open 0 "$B/f" rw
to x write 0 3 two
ends w
ends x
eq "two writers" "$(cat "$B/f")" onetwo
touch -d '2001-01-01 UTC' "$B/f"
eq "times" "$(mtime "$(v f)")" 978307200.000000000
"$LKLFS" umount "$B" </dev/null
wait "$pid"
eq "in the backing, afterwards" "$(cat "$B/f" "$B/h")" onetwoFR
