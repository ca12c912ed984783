#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14 and P18: writing through has failed, before the first byte or after it; what was written is written again, and the
# daemon is killed before the end of that: the next mount shows what was whole, by every name. If it is not killed, all
# names get what was written last.
# AXES: root ext4 tmpfs
. "${0%/*}/lib.sh"

pattern 300000 old >"$T/old"
pattern 300000 whole >"$T/whole"
cp "$T/old" "$B/a"
ln "$B/a" "$B/other"

# The daemon syncs the staging file, then the directory of its hidden name, then what it has written through.
# fails_from N: from the Nth of them on it fails
fails_from() {
	mnt -o durable
	inject "fsync:error=EIO:when=$1+"
	cp "$T/whole" "$B/a"
	until_true "the failure" so_many_failed 1
	start w
}

# killed N WANT OPEN...: it fails so, is opened so and written in part, and killed
killed() {
	cp "$T/old" "$V/a"
	fails_from "$1"
	to w open 0 "$B/a" "$3"
	to w write 0 10 half
	sync -f "$B" || :
	kill_daemon
	wait "$STRACE_PID" || :
	"$LKLFS" umount "$B"
	ends w || :
	mnt
	cmp "$B/a" "$2"
	cmp "$B/other" "$2"
	umnt
	eq "names" "$(ls -A "$V" | tr '\n' ' ')" "a other "
}
killed 2 "$T/old" w,trunc
killed 2 "$T/old" w
killed 3 "$T/whole" w,trunc
killed 3 "$T/whole" w

for n in 2 3; do
	cp "$T/old" "$V/a"
	fails_from "$n"
	to w open 0 "$B/a" w
	to w write 0 0 last
	inject_end
	to w close 0
	eq "read" "$(head -c 4 "$B/a")" last
	eq "by the other name" "$(head -c 4 "$B/other")" last
	eq "the rest" "$(tail -c +5 "$B/other" | sum /dev/stdin)" "$(tail -c +5 "$T/whole" | sum /dev/stdin)"
	ends w
	umnt
	eq "names after $n" "$(ls -A "$V" | tr '\n' ' ')" "a other "
done
mnt
