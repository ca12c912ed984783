#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12, P14 and P17: what the file system underneath lets nobody write is refused at open, not after the last
# close: immutable files, those that can only be appended to, and those of a read-only file system.
# AXES: root ext4
. "${0%/*}/lib.sh"
need chattr mkfs.ext4

for f in immutable append plain; do
	echo old >"$B/$f"
done
mkdir "$B/dir"
echo old >"$B/dir/f"
chattr +i "$B/immutable" "$B/dir"
chattr +a "$B/append"
at_end() { chattr -i -a "$V/immutable" "$V/dir" "$V/append" 2>/dev/null || :; }
trap 'status=$?; at_end; at_exit "$status"' EXIT
mnt
for how in w rw w,trunc w,creat; do
	eq "an immutable file, $how" "$(errno_of open 0 "$B/immutable" "$how")" EPERM
	eq "an append-only file, $how" "$(errno_of open 0 "$B/append" "$how")" EPERM
done
eq "truncating an immutable file" "$(errno_of truncate "$B/immutable" 0)" EPERM
eq "truncating an append-only file" "$(errno_of truncate "$B/append" 0)" EPERM
# in place, for its directory takes no other file
before=$(trace "$V/dir/f")
echo old >"$B/dir/f"
eq "the backing after the same" "$(trace "$(v dir/f)")" "$before"
echo new >"$B/dir/f"
eq "in an immutable directory" "$(cat "$(v dir/f)")" new
eq "its inode" "$(ino "$V/dir/f")" "$(sed 's/ino=\([0-9]*\).*/\1/' <<<"$before")"
eq "a new name in it" "$(errno_of open 0 "$B/dir/g" w,creat)" EPERM
# what becomes immutable within a session
start w
to w open 0 "$B/plain" w,trunc
to w write 0 0 'new'
chattr +i "$V/plain"
ends w
eq "bytes of what became immutable" "$(cat "$B/plain")" new
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
has "what umount says" "$(cat "$T/err")" '"plain": Operation not permitted'
chattr -i "$V/plain"
umnt
eq "in the backing" "$(cat "$B/plain")" new

mkdir "$W/small"
truncate -s 1M "$W/image"
mkfs.ext4 -q -F -O ^has_journal "$W/image"
mount -o loop "$W/image" "$W/small"
mkdir "$W/small/b"
echo old >"$W/small/b/f"
B=$W/small/b
mnt
mount -o remount,ro "$W/small"
eq "a read-only file system" "$(errno_of open 0 "$B/f" w)" EROFS
eq "its bytes" "$(cat "$B/f")" old
umnt
umount "$W/small"
B=$V
