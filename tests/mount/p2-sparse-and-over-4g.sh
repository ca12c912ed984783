#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2, and files over 4 GiB, and sparse ones: offsets beyond 4 GiB are told apart, holes are zeros, and a
# changed sparse file stays sparse.
# TIMEOUT: 120
# BACKINGS: xfs btrfs
. "${0%/*}/lib.sh"
not_over bindfs "does not tell what is a hole"

blocks() { stat -c %b "$1"; }

truncate -s 5G "$B/big"
tool open 0 "$B/big" rw -- write 0 4831838208 here -- write 0 536870912 there
cp --sparse=always "$B/big" "$W/copy"
mnt
before=$(trace "$(v big)")

tool open 0 "$B/big" rw -- write 0 4831838208 here -- close 0
eq "the same beyond 4 GiB" "$(trace "$(v big)")" "$before"
# zeros written into a hole are the bytes that are there
tool open 0 "$B/big" rw -- write 0 4294967296 '\0\0\0\0' -- close 0
eq "zeros into a hole" "$(trace "$(v big)")" "$before"
cp --sparse=always "$W/copy" "$B/big"
eq "all of it again by cp" "$(trace "$(v big)")" "$before"

tool open 0 "$B/big" rw -- write 0 4831838208 HERE -- close 0
eq "size after a change" "$(stat -c %s "$(v big)")" 5368709120
eq "bytes beyond 4 GiB" "$(tool open 0 "$B/big" r -- read 0 4831838208 4)" HERE
eq "bytes 4 GiB before them" "$(tool open 0 "$B/big" r -- read 0 536870912 5)" there
(($(blocks "$(v big)") < 20000)) || fail "the holes were filled: $(blocks "$(v big)") blocks"

# a new file with a hole
tool open 0 "$B/new" w,creat -- write 0 5000000000 end -- close 0
eq "size of the new file" "$(stat -c %s "$(v new)")" 5000000003
(($(blocks "$(v new)") < 20000)) || fail "the new file's hole was filled: $(blocks "$(v new)") blocks"
