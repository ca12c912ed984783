#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: what could not be exposed is exposed by link(2) as soon as it can be, as by fsync(2), and that ends its session: who
# writes it afterwards begins another, which nobody outside sees before it ends.
# AXES: root ext4
. "${0%/*}/lib.sh"

none_staged() { [[ "$(status_value staged)" == 0 ]]; }
exposes() { # HOW COMMAND...: what has failed, and what is written after it
	local how=$1 f=$B/$1
	shift
	echo "new bytes" >"$f"
	until_true "$how: the failure" so_many_failed 1
	inject_end
	"$@" || fail "$how"
	eq "$how: in the backing" "$(cat "$V/$how")" "new bytes"
	eq "$how: failed, then" "$(status_value failed)" 0
	until_true "$how: the end of the session" none_staged
	start w
	to w open 0 "$f" rw
	to w write 0 0 XXX
	sync -f "$B"
	eq "$how: for a stranger" "$(cat "$f")" "new bytes"
	eq "$how: in the backing meanwhile" "$(cat "$V/$how")" "new bytes"
	ends w
	eq "$how: at last" "$(cat "$f")" "XXX bytes"
	eq "$how: in the backing, at last" "$(cat "$V/$how")" "XXX bytes"
	eq "$how: staged" "$(status_value staged)" 0
}

mnt --log="$T/log"
for how in fsync link; do
	echo old >"$B/$how"
	eq "it is there" "$(cat "$B/$how")" old
done
inject utimensat:error=EIO
exposes fsync tool open 0 "$B/fsync" r -- fsync 0
inject utimensat:error=EIO
exposes link tool link "$B/link" "$B/other"
eq "the other name" "$(cat "$B/other" "$V/other")" $'XXX bytes\nXXX bytes'
