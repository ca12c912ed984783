#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14 and P4: a file that gets its second name while it is first written, or after an fsync: whoever looks at the
# other name when it has been closed sees all of it, however long that takes to write through.
# AXES: root ext4
. "${0%/*}/lib.sh"

pattern 30000000 bytes >"$W/large"
mnt
for how in new synced; do
	for i in 1 2 3; do
		[[ "$how" == new ]] || echo old >"$B/a"
		(
			exec 8>"$B/a"
			echo first >&8
			[[ "$how" == new ]] || sync "$B/a"
			ln "$B/a" "$B/b"
			cat "$W/large" >&8
		)
		eq "$how, round $i: size by the other name" "$(stat -c %s "$B/b")" 30000006
		eq "$how, round $i: bytes by the other name" "$(sum "$B/b")" "$(sum "$B/a")"
		rm "$B/a" "$B/b"
	done
done
