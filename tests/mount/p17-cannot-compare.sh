#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17 and P10: old bytes that cannot be read any more, as the disk fails there: what is written is exposed with a new
# mtime, even if it is what was there, for nobody can tell; what would need the old ones tells its writer.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4 losetup filefrag

truncate -s 32M "$W/image"
mkfs.ext4 -q -F -b 4096 -O ^has_journal "$W/image"
device=$(losetup --find --show --direct-io=on "$W/image") || skip "no loop device that reads past its page cache"
mkdir "$W/small"
at_end() { umount -l "$W/small" 2>/dev/null || :; losetup -d "$device" 2>/dev/null || :; }
trap 'status=$?; at_end; at_exit "$status"' EXIT
mount "$device" "$W/small"
D=$W/small/b
mkdir "$D"
# at the end of the disk, where it is cut off
head -c $(($(stat -f -c '%a * %S' "$D") - 4000000)) /dev/zero >"$D/filler"
for f in same other part; do pattern 1000000 old >"$D/$f"; done
sync -f "$D"
start=$(filefrag -b4096 -v "$D/same" | awk '$1 == "0:" { sub(/\.\.$/, "", $4); print $4 }')
for f in other part; do
	at=$(filefrag -b4096 -v "$D/$f" | awk '$1 == "0:" { sub(/\.\.$/, "", $4); print $4 }')
	((at > start)) || skip "the file system does not put one file after the other"
done
umount "$W/small"
# (What is written past the end would make it longer again, so nothing is to be written before it has to.)
mount -o noauto_da_alloc "$device" "$W/small"
truncate -s $((start * 4096)) "$W/image"
if cat "$D/same" >/dev/null 2>&1; then skip "what is cut off can be read"; fi
before=$(mtime "$D/same")
"$LKLFS" --log="$T/log" "$D" </dev/null
# What is written from now on is to find room before the end.
rm "$D/filler"
pattern 1000000 old >"$T/old"
pattern 1000000 new >"$T/new"
said=$(tool open 0 "$D/part" rw -- write 0 500000 XXXX -- close 0) && fail "a part can be written: $said"
has "what its writer is told" "$said" EIO
eq "who reads the old bytes" "$(status_of cat "$D/part")" 1
has "what he is told" "$(cat "$T/err")" "Input/output error"
cp "$T/old" "$D/same"
cp "$T/new" "$D/other"
cmp "$D/same" "$T/old"
cmp "$D/other" "$T/new"
newer "same bytes, as far as anybody knows" "$(mtime "$D/same")" "$before"
newer "other bytes" "$(mtime "$D/other")" "$before"
rm -f "$D"/part*
"$LKLFS" umount "$D" </dev/null
until_true "the daemon's end" no_daemon
cmp "$D/same" "$T/old"
cmp "$D/other" "$T/new"
eq "names" "$(ls -A "$D" | tr '\n' ' ')" "other same "
at_end
trap 'status=$?; at_exit "$status"' EXIT
