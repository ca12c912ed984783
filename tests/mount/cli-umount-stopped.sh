#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that is stopped (SIGSTOP) is cleaned up by umount --force: the mount is gone, whoever waits for it is let go,
# the daemon sees that it has been cut off, saves what was being written, and ends. Somebody else's process that looks like
# it is left alone.
. "${0%/*}/lib.sh"
need setpriv

for f in closed open; do
	echo old >"$B/$f"
done
is_stopped() { grep -q '^State:.*T (' "/proc/$other/status"; }
if [[ $AXIS_USER == root ]]; then
	# it comes before the daemon in /proc
	setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups -- \
		bash -c 'exec 3<>/dev/fuse 4<"$1" && kill -STOP $$; read -r' bash "$B" <"$T/never" &
	other=$!
	until_true "somebody else's stop" is_stopped
fi
mnt
echo new >"$B/closed"
start w
to w open 0 "$B/open" w,trunc
to w write 0 0 new
sync -f "$B"
eq "closed" "$(cat "$B/closed")" new
daemon=$(daemons)
kill -STOP "$daemon"
cat "$B/closed" >"$T/waited" 2>&1 &
waits=$!
eq "status" "$(status_of "$LKLFS" umount --force "$B")" 0
eq "what it says" "$(cat "$T/err")" ""
eq "mounts" "$(n_mounted "$B")" 0
wait "$waits" || :
eq "daemons" "$(daemons)" ""
if [[ $AXIS_USER == root ]]; then
	is_stopped || fail "somebody else's process has been woken"
	kill -KILL "$other"
	wait "$other" || :
fi
ends w
eq "what was closed" "$(cat "$B/closed")" new
eq "what was open" "$(cat "$B/open")" old
eq "what was saved of it" "$(cat "$B/open.lklfs-unsaved")" new
rm "$B/open.lklfs-unsaved"
mnt
