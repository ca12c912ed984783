#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: what was saved in an earlier mount is not replaced by what is saved in this one, even where nobody can tell any more
# whether it is there: then the bytes go to TMPDIR.
# AXES: root ext4
. "${0%/*}/lib.sh"

echo old >"$B/f"
echo "of an earlier mount" >"$B/f.lklfs-unsaved"
ends_traced
export TMPDIR=$T
mnt --log="$T/log"
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 'new'
sync -f "$B"
inject statx:error=EIO utimensat:error=EIO
ends w
until_true "the failure" so_many_failed 1
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
wait "$STRACE_PID" || :
until_true "the daemon's end" no_daemon
eq "the old file" "$(cat "$B/f")" old
eq "what was saved before" "$(cat "$B/f.lklfs-unsaved")" "of an earlier mount"
eq "what is saved" "$(cat "$T"/f.lklfs-unsaved.*)" new
eq "names" "$(ls -A "$B" | tr '\n' ' ')" "f f.lklfs-unsaved "
rm "$B/f.lklfs-unsaved"
