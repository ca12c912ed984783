#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a backing that has become read-only takes no name at all: what was written stays what everyone reads,
# and goes to TMPDIR when the mount ends all the same.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4 findmnt

truncate -s 4M "$W/image"
mkfs.ext4 -q -F -m 0 "$W/image"
mkdir "$W/small"
mount -o loop,errors=remount-ro "$W/image" "$W/small"
mkdir "$W/small/b"
B=$W/small/b
echo old >"$B/f"
echo old >"$B/g"
echo old >"$B/same"
mnt --log="$T/log"
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 'bytes\sof\sf'
to w open 1 "$B/new" w,creat
to w write 1 0 'bytes\sof\snew'
to w open 2 "$B/g" rw
to w open 3 "$B/same" w,trunc
to w write 3 0 'old\n'
# the daemon has the bytes
sync -f "$B"
# an error, upon which nobody is asked whether files are open
trigger=/sys/fs/ext4/$(findmnt -n -o SOURCE "$W/small" | sed 's,.*/,,')/trigger_fs_error
echo broken 2>/dev/null >"$trigger" || skip "$trigger cannot be written"
eq "a new file in the backing" "$(errno_of open 0 "$W/small/x" w,creat)" EROFS
to w ftruncate 2 2
ends w
eq "bytes" "$(cat "$B/f" "$B/new")" "bytes of fbytes of new"
eq "truncated" "$(cat "$B/g")" "ol"
eq "failed" "$(status_value failed_paths)" '["f","new","g"]'
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
eq "bytes after umount refused" "$(cat "$B/f" "$B/new")" "bytes of fbytes of new"
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
until_true "the daemon's end" no_daemon
saved=$(echo "$T"/f.lklfs-unsaved.*)
eq "saved" "$(cat "$T"/f.lklfs-unsaved.* "$T"/new.lklfs-unsaved.* "$T"/g.lklfs-unsaved.*)" "bytes of fbytes of newol"
eq "mode" "$(stat -c %a "$saved")" 600
has "the log" "$(cat "$T/log")" "saved as $saved"
umount "$W/small"
B=$V
