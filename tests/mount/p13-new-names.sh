#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13 and P6: a new name is in the backing when it has been synced, with the mtime of its last write; what
# fstat said then is what stat says. A file without a name can be synced, too, and appears nowhere.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
mnt
start w
to w open 0 "$B/d/new" w,creat
to w write 0 0 'first\n'
[[ ! -e "$V/d/new" ]] || fail "a new name is in the backing before anything"
to w fsync 0
eq "bytes in the backing" "$(cat "$V/d/new")" first
told=$(to w fstat 0)
eq "what a stranger is told" "$(tool stat "$B/d/new")" "$told"
to w write 0 6 'second\n'
told=$(to w fstat 0)
eq "the backing after the next write" "$(cat "$V/d/new")" first
eq "a stranger after the next write" "$(cat "$B/d/new")" first
to w fsync 0
eq "the backing after the next sync" "$(cat "$V/d/new")" "first
second"
ends w
eq "bytes at the end" "$(cat "$(v d/new)")" "first
second"

# nothing after the sync: the same file, and the same times
told=$(tool open 0 "$B/d/index" w,creat -- write 0 0 index -- fsync 0 -- fstat 0 -- close 0)
eq "after the last close" "$(tool stat "$B/d/index")" "$told"
eq "mtime in the backing" "$(mtime "$V/d/index")" "$(mtime "$B/d/index")"

# removed, with its directory
to_nobody=$(tool open 0 "$B/d/gone" w,creat -- write 0 0 x -- unlink "$B/d/gone" -- fsync 0 -- write 0 0 y -- fsync 0 -- read 0 0 1 -- close 0 || :)
eq "a removed file" "$to_nobody" EBADF
echo old >"$B/d/f"
eq "a removed old one" "$(tool open 0 "$B/d/f" rw -- write 0 0 y -- unlink "$B/d/f" -- fsync 0 -- read 0 0 9 -- fsync 0)" 'yld\n'
# (Nobody who looks beside the mount waits until the last of a removed one has gone.)
only_names() { [[ "$(ls -A "$V/d" | tr '\n' ' ')" == "index new " ]]; }
until_true "no other names in the backing" only_names
