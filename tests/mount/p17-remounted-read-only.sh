#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: the backing is remounted read-only while a session is open that has not stored anything, as unchanged ones do
# not: the same bytes go on leaving no trace; of others write, fsync or close tell, and the old ones stay. A session that
# has stored something keeps the file system from being remounted, as any file that is open for writing does.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4

truncate -s 8M "$W/image"
mkfs.ext4 -q -F -O ^has_journal "$W/image"
mkdir "$W/small"
mount -o loop "$W/image" "$W/small"
trap 'umount -l "$W/small"; at_exit 1' EXIT
D=$W/small/b
mkdir "$D"
for f in other stored; do pattern 20000 old >"$D/$f"; done
echo old >"$D/same"
before=$(trace "$D/same"; trace "$D/other")
"$LKLFS" --log="$T/log" "$D" </dev/null
start w
to w open 0 "$D/same" w,trunc
to w open 1 "$D/other" rw
eq "remounting, with nothing stored" "$(status_of mount -o remount,ro "$W/small")" 0
to w write 0 0 'old\n'
eq "other bytes" "$(to_errno w write 1 5000 'XXXX') $(to_errno w fsync 1)" "OK EROFS"
to w close 1
to w close 0
eq "a new name" "$(errno_of open 2 "$D/new" w,creat)" EROFS
eq "a name less" "$(errno_of unlink "$D/other")" EROFS
eq "a rename" "$(errno_of rename "$D/other" "$D/elsewhere")" EROFS
eq "what others read" "$(sum "$D/other")" "$(pattern 20000 old | sha256sum | cut -d' ' -f1)"
ends w
mount -o remount,rw "$W/small"
eq "the backing" "$(trace "$D/same"; trace "$D/other")" "$before"
start w
to w open 0 "$D/stored" w,trunc
to w write 0 0 'stored'
sync -f "$D" || : # it has heard of the other error
ne "remounting, with something stored" "$(status_of mount -o remount,ro "$W/small")" 0
ends w
eq "stored" "$(cat "$D/stored")" stored
rm -f "$D"/*.lklfs-unsaved*
"$LKLFS" umount "$D" </dev/null
until_true "the daemon's end" no_daemon
eq "in the backing" "$(cat "$D/stored")" stored
umount "$W/small"
trap 'status=$?; at_exit "$status"' EXIT
