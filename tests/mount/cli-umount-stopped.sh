#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that is stopped (SIGSTOP) is cleaned up by umount --force: the mount is gone, whoever waits for it is let go,
# the daemon sees that it has been cut off, saves what was being written, and ends.
. "${0%/*}/lib.sh"

for f in closed open; do
	echo old >"$B/$f"
done
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
ends w
eq "what was closed" "$(cat "$B/closed")" new
eq "what was open" "$(cat "$B/open")" old
eq "what was saved of it" "$(cat "$B/open.lklfs-unsaved")" new
rm "$B/open.lklfs-unsaved"
mnt
