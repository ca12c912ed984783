#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: cut short and grown back to the same bytes is unchanged; to zeros where there were bytes, changed.
# BACKINGS: overlayfs bindfs
. "${0%/*}/lib.sh"

{ pattern 5000 head; head -c 5000 /dev/zero; } >"$B/zero-tail"
tool open 0 "$B/full" w,creat -- fill 0 0 5000 a -- fill 0 5000 5000 b
cp "$B/full" "$T/full"
mnt
before=$(trace "$(v zero-tail)")
tool open 0 "$B/zero-tail" rw -- ftruncate 0 5000 -- ftruncate 0 10000 -- close 0
eq "zeros cut off and grown back" "$(trace "$(v zero-tail)")" "$before"

before=$(trace "$(v full)")
tool open 0 "$B/full" rw -- ftruncate 0 0 -- ftruncate 0 10000 -- fill 0 5000 5000 b -- fill 0 0 5000 a -- close 0
eq "emptied, grown and written again" "$(trace "$(v full)")" "$before"
tool open 0 "$B/full" rw -- ftruncate 0 20000 -- ftruncate 0 7000 -- fill 0 7000 3000 b -- close 0
eq "grown, cut and written again" "$(trace "$(v full)")" "$before"

tool open 0 "$B/full" rw -- ftruncate 0 5000 -- ftruncate 0 10000 -- close 0
eq "size" "$(stat -c %s "$(v full)")" 10000
cmp -n 5000 "$(v full)" "$T/full" || fail "the first half has changed"
cmp -n 5000 -i 5000:0 "$(v full)" /dev/zero || fail "the second half is not zeros"
ne "trace" "$(trace "$(v full)")" "$before"
