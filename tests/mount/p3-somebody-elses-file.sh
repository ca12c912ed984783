#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3 and P14: an ordinary user's mount over somebody else's file that all may write: its owner stays.
# AXES: root
# BACKINGS: all
. "${0%/*}/lib.sh"
need setpriv

user=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups --)
chown "$TEST_UID:$TEST_UID" "$B"
echo old >"$B/f"
chmod 666 "$B/f"
"${user[@]}" "$LKLFS" "$B" </dev/null
before=$(trace "$V/f")
as_user() { "${user[@]}" sh -c "$@"; }
as_user "echo old >$B/f; cat $B/f" >"$T/out"
eq "the backing after the same" "$(trace "$V/f")" "$before"
as_user "echo new >$B/f; cat $B/f; stat -c %u $B/f" >"$T/out"
eq "bytes and owner" "$(tr '\n' ' ' <"$T/out")" "new 0 "
eq "bytes in the backing" "$(cat "$V/f")" new
eq "owner and mode in the backing" "$(stat -c '%u %a' "$V/f")" "0 666"
as_user "'$LKLFS' umount '$B'"
eq "mounts" "$(n_mounted "$B")" 0
eq "names in the backing" "$(ls -A "$V")" f
