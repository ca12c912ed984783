#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: a daemon that is killed while one of its threads has the kernel hand over dirty pages does not end by itself, for that
# thread waits for an answer of its own daemon. Somebody sees to it that the connection is cut: whoever waits is let go, and
# umount and the next mount find a mount that is dead. They cut it themselves if there is nobody.
# AXES: ext4
. "${0%/*}/lib.sh"
need strace

# killed NAME: the daemon, in the middle of what a look at NAME makes it do, which $looks waits for
killed() {
	start w
	to w open 0 "$B/$1" w,trunc
	forks w holder
	ends w
	inject pwrite64:signal=KILL
	to holder write 0 0 new # last, or the kernel might hand it over of its own accord
	cat "$B/$1" >"$T/looked" 2>&1 </dev/null &
	looks=$!
	until_true "the daemon's being killed" grep -q SIGKILL "$T/strace"
}
let_go() {
	! wait "$looks" || fail "who waits for a daemon that was killed has read $(cat "$T/looked")"
	ne "what it is told" "$(cat "$T/looked")" ""
	wait "$STRACE_PID" || :
	leaves holder
	eq "in the backing" "$(cat "$(v f)")" old
}
# forsaken: and who would cut the connection is killed, too. (The kernel may hand the page over of its own accord, in that
# very moment; then nobody waits, and it is done again.)
forsaken() {
	local i
	for ((i = 0; i < 10; i++)); do
		pkill -KILL -x lklfs-watch
		killed f
		until_true "the end of all but one thread" has_ended
		! is_left || break
		let_go
		mnt
	done
	is_left || fail "no thread ever waits in the kernel"
	kill -0 "$looks" || fail "somebody has let go who waits"
}
# It waits in the kernel, and is all that is left of its process.
is_left() {
	local tasks=(/proc/"$(daemons)"/task/*)
	((${#tasks[@]} == 2))
}
has_ended() { is_left || no_daemon; }

echo old >"$B/f"
mnt
killed f
let_go
mnt
forsaken
if [[ $AXIS_USER == root ]]; then
	eq "umount" "$(status_of "$LKLFS" umount "$B")" 0
	eq "what it says" "$(cat "$T/err")" ""
	eq "daemons" "$(daemons)" ""
	eq "mounts" "$(n_mounted "$B")" 0
else
	mnt
fi
let_go
