#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14: writing through takes as long as there are data in the file, not as long as the file is.
# AXES: root
# TIMEOUT: 30
. "${0%/*}/lib.sh"

echo bytes >"$B/a"
ln "$B/a" "$B/b"
mnt
size=$((4 << 40)) # to read that takes an hour
tool open 0 "$B/a" rw -- ftruncate 0 "$size" -- write 0 $((size - 3)) end -- close 0
eq "the size" "$(stat -c %s "$B/b")" "$size"
eq "the end" "$(tail -c 6 "$B/b" | tr '\0' .)" ...end
eq "the beginning" "$(head -c 8 "$B/b" | tr '\0\n' '.,')" bytes,..
tool open 0 "$B/b" rw -- ftruncate 0 6 -- close 0
eq "short again" "$(cat "$B/a")" bytes
