#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# umount refuses where somebody uses the mount, and names who; --force cuts it off. A daemon that
# hangs is said to, and does not hang umount.
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 new
eq "status of umount of a busy mount" "$(status_of "$LKLFS" umount "$B")" 1
eq "lines said" "$(wc -l <"$T/err")" 1
has "who uses it" "$(cat "$T/err")" "${STEER_PID[w]}"
eq "mounts" "$(n_mounted "$B")" 1
eq "a stranger" "$(cat "$B/f")" old
ends w
umnt
eq "bytes in the backing" "$(cat "$B/f")" new

mnt
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 newer
eq "status of umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
eq "mounts after umount --force" "$(n_mounted "$B")" 0
until_true "the daemon's end" no_daemon
ends w
bytes=$(cat "$B/f")
[[ "$bytes" == new || "$bytes" == newer ]] || fail "the backing after --force: $bytes"
rm -f "$B/f.lklfs-unsaved"

mnt
daemon=$(daemons)
kill -STOP "$daemon"
eq "status of umount with a stopped daemon" "$(status_of "$LKLFS" umount --timeout=1 "$B")" 1
[[ -s "$T/err" ]] || fail "nothing was said about a stopped daemon"
kill -CONT "$daemon"
umnt
