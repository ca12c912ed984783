#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a file system that has room, but no inode left: what is only kept is given up first, open tells who makes a name,
# and write or close who changes a file; nothing else has changed, and with one inode more all goes on.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4

truncate -s 8M "$W/image"
mkfs.ext4 -q -F -N 32 -O ^has_journal -m 0 "$W/image"
mkdir "$W/small"
mount -o loop "$W/image" "$W/small"
trap 'umount -l "$W/small"; at_exit 1' EXIT
D=$W/small/b
mkdir "$D"
echo old >"$D/f"
echo kept >"$D/gone"
echo large enough to be kept >"$D/kept"
before=$(trace "$D/f")
"$LKLFS" --log="$T/log" "$D" </dev/null
# what is removed is kept for its return
rm "$D/kept"
fill() { while echo filler >"$W/small/filler$1"; do set -- $(($1 + 1)); done 2>/dev/null; }
fill 0
# so this gets its inode
echo new >"$D/new" || fail "what was only kept has not been given up"
eq "the new name" "$(cat "$D/new")" new
fill 1000
eq "a new name" "$(errno_of open 0 "$D/more" w,creat)" ENOSPC
eq "other bytes" "$(tool open 0 "$D/f" w,trunc -- write 0 0 'new\n' -- fsync 0 -- close 0 | grep -c ENOSPC)" 1
eq "the old file" "$(cat "$D/f")" old
eq "the old file underneath" "$(trace "$D/f")" "$before"
# the same bytes need none
echo old >"$D/f"
eq "the same" "$(trace "$D/f")" "$before"
eq "a directory" "$(errno_of mkdir "$D/d")" ENOSPC
eq "failed" "$(B=$D status_value failed)" 0
rm "$W/small/filler0"
echo new >"$D/f"
eq "with an inode" "$(cat "$D/f")" new
rm -f "$D"/*.lklfs-unsaved*
# nor does a quota tell anybody before that
echo large enough to be kept >"$D/kept"
rm "$D/kept"
ne "remembered" "$(B=$D status_value remembered)" 0
inject mkdirat:error=EDQUOT:when=1
mkdir "$D/d" || fail "a directory, with what is only kept given up"
inject_end
rmdir "$D/d"
"$LKLFS" umount "$D" </dev/null
until_true "the daemon's end" no_daemon
eq "in the backing" "$(cat "$D/f" "$D/new")" $'new\nnew'
eq "names" "$(ls -A "$D" | tr '\n' ' ')" "f gone new "
umount "$W/small"
trap 'status=$?; at_exit "$status"' EXIT
