#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# FUSE's habits hold: -f stays in the foreground, -d prints requests, -o takes fsname; SIGTERM ends
# it and unmounts; findmnt finds it by its type.
. "${0%/*}/lib.sh"

ended() {
	local r=0
	kill -TERM "$1"
	wait "$1" || r=$?
	eq "status after SIGTERM" "$r" 0
	eq "mounts after SIGTERM" "$(n_mounted "$B")" 0
}
"$LKLFS" -f -o fsname=source "$B" </dev/null 2>"$T/err" &
pid=$!
until_true "a live mount" is_live
kill -0 "$pid" || fail "-f did not stay"
eq "findmnt" "$(findmnt -n -t fuse.lklfs -o TARGET,SOURCE | tr -s ' ')" "$B source"
has "options of the mount" "$(findmnt -n -o OPTIONS "$B")" nosuid
has "options of the mount" "$(findmnt -n -o OPTIONS "$B")" nodev
echo bytes >"$B/f"
ended "$pid"
eq "what was written" "$(cat "$B/f")" bytes

"$LKLFS" -d "$B" </dev/null >"$T/out" 2>&1 &
pid=$!
until_true "a live mount" is_live
stat "$B/f" >/dev/null
ended "$pid"
has "what -d prints" "$(cat "$T/out")" LOOKUP
