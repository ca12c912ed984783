#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17 and P18: with -o durable a file that cannot be synced is not exposed; it is when that works again.
# AXES: root ext4
. "${0%/*}/lib.sh"

echo old >"$B/f"
before=$(trace "$B/f")
mnt -o durable
inject fsync:error=EIO
echo new >"$B/f"
echo made >"$B/g"
eq "what everybody reads" "$(cat "$B/f" "$B/g")" "new
made"
eq "failed" "$(status_value failed)" 2
has "why" "$(status_value failed_error)" "Input/output error"
eq "in the backing" "$(trace "$V/f")" "$before"
[[ ! -e "$V/g" ]] || fail "the new name is in the backing"
inject_end
try_again
eq "failed, then" "$(status_value failed)" 0
eq "in the backing, then" "$(cat "$V/f" "$V/g")" "new
made"
umnt
