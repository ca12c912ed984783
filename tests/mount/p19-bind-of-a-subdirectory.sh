#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: the mount is reached by other ways too: a bind mount of a directory in it, another root directory.
# AXES: root
. "${0%/*}/lib.sh"

mkdir "$B/d" "$W/bound"
echo old >"$B/d/f"
mnt
mount --bind "$B/d" "$W/bound"
before=$(trace "$(v d/f)")
echo old >"$W/bound/f"
eq "the same, written through the bind mount" "$(trace "$(v d/f)")" "$before"
start w
to w open 0 "$W/bound/f" w,trunc
to w write 0 0 'new\n'
eq "a stranger's look during the session" "$(cat "$B/d/f")" old
eq "a stranger's look through the bind mount" "$(cat "$W/bound/f")" old
ends w
eq "a look after the session" "$(cat "$B/d/f")" new
eq "a look through the bind mount" "$(cat "$W/bound/f")" new
echo fresh >"$W/bound/g"
eq "a new name" "$(cat "$(v d/g)")" fresh
umount "$W/bound"
