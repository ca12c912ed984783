#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: fusermount3 -u and umount(8) ask nobody: what cannot be exposed is saved then as it is under umount --force.
# AXES: root ext4
. "${0%/*}/lib.sh"
need fusermount3

ends_traced
i=0
for how in "fusermount3 -u" umount; do
	i=$((i + 1))
	echo "old $i" >"$B/f"
	before=$(trace "$B/f")
	mnt --log="$T/log"
	inject utimensat:error=EIO
	echo "new $i" >"$B/f"
	echo "made $i" >"$B/g"
	until_true "two failures" so_many_failed 2
	$how "$B"
	wait "$STRACE_PID" || :
	until_true "the daemon's end" no_daemon
	eq "$how: the old file" "$(trace "$B/f")" "$before"
	eq "$how: what was written" "$(cat "$B/f.lklfs-unsaved" "$B/g.lklfs-unsaved")" "new $i
made $i"
	[[ ! -e "$B/g" ]] || fail "$how: the new name is there"
	has "$how: the log" "$(cat "$T/log")" "saved as $B/f.lklfs-unsaved"
	rm "$B"/*.lklfs-unsaved "$T/log"
done
