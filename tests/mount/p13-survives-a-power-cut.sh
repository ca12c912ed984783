#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13: what has been synced, files by fsync and names by fsync of their directory, is there after a power cut.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3 mkfs.ext4

# A file system of our own, which can be stopped as a power cut would; $B stays what it is.
disk=$T/disk
mkdir "$disk"
truncate -s 64M "$T/image"
mkfs.ext4 -q -F "$T/image"
mount -o loop "$T/image" "$disk"
mkdir "$disk/top"
top=$disk/top

up() {
	"$LKLFS" "$top" || fail "mounting failed"
}
gone() { ! mountpoint -q "$disk" || umount "$disk" 2>/dev/null; }
# EXT4_IOC_SHUTDOWN without flushing the journal; then everything as after the next start of the machine
cut_power() {
	python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))' "$disk"
	kill_daemon
	umount -l "$top"
	until_true "unmounting the disk" gone
	mount -o loop "$T/image" "$disk"
}
# fsync_dir DIR
fsync_dir() { tool open 0 "$1" r,dir -- fsync 0 -- close 0; }

up
echo old >"$top/f"
echo old >"$top/g"
mkdir "$top/d"
tool open 0 "$top/f" r -- fsync 0 -- close 0
fsync_dir "$top"

# files: new, changed, without a name at first; some of them are open to the end
start w
to w open 0 "$top/new" w,creat
to w write 0 0 new
to w fsync 0
to w write 0 3 er
to w open 1 "$top/f" w,trunc
to w write 1 0 changed
to w fsync 1
to w open 2 "$top" rw,tmpfile
to w write 2 0 nameless
to w linkat 2 "$top/d/n"
to w fdatasync 2
tool open 0 "$top/.g" w,creat -- write 0 0 renamed -- fsync 0 -- close 0
mv -f "$top/.g" "$top/g"
fsync_dir "$top"
cut_power
dies w
eq "a new file" "$(cat "$top/new")" new
eq "a changed file" "$(cat "$top/f")" changed
eq "a file that had no name" "$(cat "$top/d/n")" nameless
eq "a file renamed over another" "$(cat "$top/g")" renamed

# names alone
up
mv "$top/g" "$top/h"
mkdir "$top/d/e"
ln -s target "$top/d/link"
rm "$top/new"
fsync_dir "$top/d"
fsync_dir "$top"
cut_power
eq "names" "$(cd "$top" && find . -name '.lklfs-*' -prune -o -print | sort | tr '\n' ' ')" ". ./d ./d/e ./d/link ./d/n ./f ./h "

# a descriptor for reading syncs what was written by another, which is closed by now
up
start w
to w open 0 "$top/f" w,trunc
to w write 0 0 closed
to w open 1 "$top/f" r
to w close 0
eq "exposed" "$(cat "$top/f")" closed
to w fsync 1
cut_power
dies w
eq "synced by a descriptor for reading" "$(cat "$top/f")" closed

# or is not yet
up
start w
to w open 0 "$top/f" w,trunc
to w write 0 0 open
to w open 1 "$top/f" r
to w fsync 1
cut_power
dies w
eq "synced by a descriptor for reading while another writes" "$(cat "$top/f")" open
up
"$LKLFS" umount "$top"
eq "what is left" "$(find "$top" -name '.lklfs-*')" ""
umount "$disk"
