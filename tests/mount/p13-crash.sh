#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13: what has been synced is there after SIGKILL of the daemon, and after a power cut, its name included; and
# what was written after it is not.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4

truncate -s 8M "$W/image"
mkfs.ext4 -q -F -m 0 "$W/image"
mkdir "$W/small"
# nothing but a sync brings anything to this disk
disk() { mount -o loop,noauto_da_alloc,commit=3600 "$W/image" "$W/small"; }
disk
mkdir "$W/small/b"
B=$W/small/b

write_replaced() {
	to w open 0 "$B/f" w,trunc
	to w write 0 0 'synced'
	to w fsync 0
	to w write 0 0 'SYNCED, and on'
}
write_new() {
	to w open 0 "$B/f" w,creat
	to w write 0 0 'synced'
	to w fdatasync 0
	to w write 0 0 'SYNCED, and on'
}
write_linked() {
	to w open 0 "$B/f" rw
	to w write 0 0 'synced'
	to w fsync 0
	to w write 0 0 'SYNCED, and on'
}
# by somebody who reads what has been closed
write_closed() {
	to w open 0 "$B/f" w,trunc
	to w write 0 0 'synced'
	to w close 0
	sync "$B/f"
}
for kind in replaced new linked closed; do
	for end in "SIGKILL" "a power cut"; do
		rm -f "$B"/*
		[[ $kind == new ]] || echo old >"$B/f"
		[[ $kind != linked ]] || ln "$B/f" "$B/other"
		sync -f "$B"
		mnt
		start w
		"write_$kind"
		[[ $end == SIGKILL ]] || tool shutdown "$W/small"
		kill_daemon
		"$LKLFS" umount "$B"
		ends w
		umount "$W/small"
		disk
		eq "$kind, $end" "$(cat "$B/f")" synced
		[[ $kind != linked ]] || eq "$kind, $end: the other name" "$(cat "$B/other")" synced
		mnt
		umnt
		eq "$kind, $end: hidden names" "$(ls -A "$B" | grep -c stage)" 0
	done
done
umount "$W/small"
B=$V
