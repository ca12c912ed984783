#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3 and P12: nor does a rewrite move the directory's mtime in the backing, where the next mount reads it.
# BACKINGS: xfs btrfs overlayfs
. "${0%/*}/lib.sh"
not_over bindfs "keeps what is open under a hidden name of its own, which moves the directory's times when it goes"

mkdir "$B/d"
echo old >"$B/d/f"
touch -d 2001-02-03 "$B/d"
before=$(mtime "$B/d")
mnt
echo "new bytes" >"$B/d/f"
remount
eq "bytes" "$(cat "$B/d/f")" "new bytes"
eq "directory's mtime in the next mount" "$(mtime "$B/d")" "$before"
echo x >"$B/d/g"
remount
newer "directory's mtime after a new name" "$(mtime "$B/d")" "$before"
