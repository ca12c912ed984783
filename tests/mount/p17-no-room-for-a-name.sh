#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a disk that is full when a new name is exposed: everybody reads it, and it is exposed by itself when
# there is room again.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4

# Its only directory has names of 250 bytes, and no room in its block for another.
truncate -s 2M "$W/image"
mkfs.ext4 -q -F -b 1024 -O ^has_journal,^dir_index -m 0 "$W/image"
mkdir "$W/small"
mount -o loop "$W/image" "$W/small"
mkdir "$W/small/b"
long() { printf '%s%0249d' "$1" 0; }
for i in a b c; do
	: >"$W/small/b/$(long "$i")"
done
B=$W/small/b
mnt --log="$T/log"
start w
to w open 0 "$B/$(long n)" w,creat
to w write 0 0 bytes
sync -f "$B"
cat /dev/zero >"$W/small/filler" 2>/dev/null || :
sync -f "$W/small"
while head -c 1024 /dev/zero 2>/dev/null >>"$W/small/filler"; do :; done
ends w
eq "bytes" "$(cat "$B/$(long n)")" bytes
eq "failed" "$(status_value failed)" 1
eq "why" "$(status_value failed_error)" '"No space left on device"'
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
eq "lines in the log" "$(wc -l <"$T/log")" 1
rm "$W/small/filler"
until_true "exposure by itself" so_many_failed 0
has "the log" "$(tail -n 1 "$T/log")" "has been exposed after all"
umnt
eq "bytes in the backing" "$(cat "$B/$(long n)")" bytes
umount "$W/small"
B=$V
