#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `lklfs DIR` and `lklfs mount DIR` return when the mount is live; umount decides from mountinfo,
# waits until the daemon has gone, and nothing mounted is success.
. "${0%/*}/lib.sh"

echo bytes >"$B/f"
for how in "" mount; do
	# shellcheck disable=SC2086
	"$LKLFS" $how "$B" </dev/null
	eq "mounts after lklfs $how" "$(n_mounted "$B")" 1
	eq "bytes" "$(cat "$B/f")" bytes
	eq "root of the mount" "$(stat -c '%i %a %u' "$B")" "$(stat -c '%i %a %u' "$(v .)")"
	echo "$how" >"$B/g"
	umnt
	eq "what was written" "$(cat "$B/g")" "$how"
done
eq "umount of what is not mounted" "$(status_of "$LKLFS" umount "$B")" 0
eq "umount of what is not there" "$(status_of "$LKLFS" umount "$W/missing")" 0
eq "umount of a file" "$(status_of "$LKLFS" umount "$B/f")" 0
eq "umount without a directory" "$(status_of "$LKLFS" umount)" 2

# several at once
mkdir "$B/one" "$B/two" "$B/three"
"$LKLFS" "$B/one" "$B/two" "$B/three" </dev/null
for d in one two three; do
	eq "mounts on $d" "$(n_mounted "$B/$d")" 1
	echo "$d" >"$B/$d/f"
done
eq "daemons of three" "$(daemons | wc -l)" 1
"$LKLFS" umount "$B/two" </dev/null
eq "mounts after one umount" "$(n_mounted "$B/one")$(n_mounted "$B/two")$(n_mounted "$B/three")" 101
eq "the others go on" "$(cat "$B/one/f" "$B/three/f")" "one
three"
"$LKLFS" umount "$B/one" "$B/three" "$W" </dev/null
eq "mounts after the rest" "$(n_mounted "$B/one")$(n_mounted "$B/three")" 00
eq "daemons after the rest" "$(daemons)" ""
eq "what was written" "$(cat "$B/one/f" "$B/two/f" "$B/three/f" | tr '\n' ' ')" "one two three "

# relative names, and fusermount3's way of ending it
(cd "$W" && "$LKLFS" ../b </dev/null)
eq "mounts by a relative name" "$(n_mounted "$B")" 1
(cd "$W" && "$LKLFS" umount ../b </dev/null)
eq "mounts after umount by a relative name" "$(n_mounted "$B")" 0
mnt
fusermount3 -u "$B"
until_true "the daemon's end after fusermount3 -u" no_daemon

# a dead mount
mnt
kill_daemon
eq "status of umount of a dead mount" "$(status_of "$LKLFS" umount "$B")" 0
eq "dead mounts left" "$(n_mounted "$B")" 0
