#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: the directory is removed or closed to us behind the mount: what was written there is not lost. It is
# exposed when that can be written again, or else goes to the root of the mount at the end; and so it does if there is
# another directory of that name, for nobody has said who may write there.
. "${0%/*}/lib.sh"

mkdir "$B/d" "$B/shut"
mnt --log="$T/log"
start w
to w open 0 "$B/d/gone" w,creat
to w write 0 0 'bytes'
to w open 1 "$B/shut/new" w,creat
to w write 1 0 'bytes'
rmdir "$V/d"
chmod 555 "$V/shut"
ends w
eq "bytes" "$(cat "$B/shut/new")" bytes
n=2
[[ $AXIS_USER == user ]] || n=1
until_true "$n failures" so_many_failed "$n"
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
has "umount" "$(cat "$T/err")" '"d/gone'
mkdir "$V/d"
chmod 755 "$V/shut"
try_again
eq "failed, then" "$(status_value failed_paths)" '["d/gone"]'
eq "in the backing" "$(cat "$V/shut/new")" bytes
eq "umount, then" "$(status_of "$LKLFS" umount "$B")" 1
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
eq "saved" "$(cat "$V/gone.lklfs-unsaved")" bytes
until_true "the daemon's end" no_daemon

mnt --log="$T/log"
start w
to w open 0 "$B/d/again" w,creat
to w write 0 0 'bytes'
to w open 1 "$B/shut/newer" w,creat
to w write 1 0 'bytes'
rm -r "$V/d"
chmod 555 "$V/shut"
ends w
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
chmod 755 "$V/shut"
if [[ $AXIS_USER == user ]]; then saved=newer.lklfs-unsaved; else saved=shut/newer; fi
eq "saved" "$(cat "$V/again.lklfs-unsaved" "$V/$saved")" bytesbytes
has "the log" "$(cat "$T/log")" "saved as $B/again.lklfs-unsaved"
rm -f "$V"/*.lklfs-unsaved
