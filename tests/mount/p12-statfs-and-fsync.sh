#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: statfs is the backing's; fsync of files and directories succeeds, and what was synced is there.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
echo old >"$B/f"
mnt
eq "statvfs" "$(tool statvfs "$B/d" | grep -o ' blocks.*')" "$(tool statvfs "$(v d)" | grep -o ' blocks.*')"
tool open 0 "$B/f" w,trunc -- write 0 0 synced -- fsync 0 -- write 0 6 ' and on' -- fdatasync 0 -- close 0
eq "bytes" "$(cat "$B/f")" "synced and on"
eq "bytes in the backing" "$(cat "$(v f)")" "synced and on"
tool open 0 "$B/new" w,creat -- write 0 0 new -- fsync 0 -- close 0
eq "a new file" "$(cat "$(v new)")" new
tool open 0 "$B/d" r,dir -- fsync 0 -- close 0
tool open 0 "$B/f" r -- fsync 0 -- close 0
tool open 0 "$B/sync" w,creat,sync -- write 0 0 sync -- close 0
eq "a file opened with O_SYNC" "$(cat "$(v sync)")" sync
