#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13 and P2: fsync compares: of bytes that are exposed already it leaves no trace, nor does the close after it.
# BACKINGS: all
. "${0%/*}/lib.sh"

pattern 100000 same >"$B/f"
cp "$B/f" "$T/f"
mnt
before=$(trace "$V/f")
dd if="$T/f" of="$B/f" conv=fsync status=none
eq "the backing after dd conv=fsync" "$(trace "$(v f)")" "$before"
tool open 0 "$B/f" rw -- read 0 0 10 -- fsync 0 -- close 0 >/dev/null
eq "the backing after a sync of nothing" "$(trace "$(v f)")" "$before"
# other bytes and back again, in one session, with a sync between: two versions, as two sessions would be
tool open 0 "$B/f" rw -- write 0 0 X -- fsync 0 -- close 0
changed=$(trace "$(v f)")
ne "the backing after a sync of other bytes" "$changed" "$before"
tool open 0 "$B/f" rw -- write 0 0 X -- fsync 0 -- write 0 0 X -- fdatasync 0 -- close 0
eq "the backing after the same" "$(trace "$(v f)")" "$changed"
# a sync in the middle of an unchanged rewrite sees half a file: that is another version
tool open 0 "$B/f" w,trunc -- write 0 0 abc -- fsync 0 -- write 0 3 def -- fsync 0 -- close 0
eq "bytes" "$(cat "$(v f)")" abcdef
