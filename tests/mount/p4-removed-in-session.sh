#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: a name removed takes its session out of sight, and nothing is exposed.
. "${0%/*}/lib.sh"

for f in f g h; do
	echo "old $f" >"$B/$f"
done
mnt
start w
to w open 0 "$B/f" rw,trunc
to w write 0 0 new
rm "$B/f"
! ls "$B/f" 2>/dev/null || fail "the removed name is there"
[[ ! -e "$(v f)" ]] || fail "the removed name is in the backing"
eq "the writer's handle" "$(to w read 0 0 10)" new
to w write 0 0 newer
to w close 0
[[ ! -e "$(v f)" ]] || fail "the removed name came back at the close"
! ls "$B/f" 2>/dev/null || fail "the removed name came back in the mount"

# somebody else's file of that name is not touched by the first writer's close
to w open 0 "$B/g" w,trunc
to w write 0 0 new
rm "$B/g"
echo another >"$B/g"
to w write 0 0 newer
to w close 0
eq "the file made again" "$(cat "$B/g")" another
eq "the same in the backing" "$(cat "$(v g)")" another

# nor is what was renamed over it
to w open 0 "$B/h" w,trunc
to w write 0 0 new
echo another >"$B/tmp"
mv "$B/tmp" "$B/h"
to w close 0
eq "the file renamed over it" "$(cat "$B/h")" another
eq "the same in the backing" "$(cat "$(v h)")" another

# a new name, removed before its close
to w open 0 "$B/new" w,creat
to w write 0 0 new
rm "$B/new"
to w close 0
ends w
umnt
eq "names in the backing" "$(ls -A "$V" | tr '\n' ' ')" "g h "
