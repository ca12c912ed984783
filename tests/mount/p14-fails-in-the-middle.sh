#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14 and P17: an error in the middle of writing through: what was written is what everyone reads by the name
# that it was written by, also under another name, until all of it is through.
# AXES: root tmpfs
. "${0%/*}/lib.sh"

mkdir "$B/d" "$B/e"
pattern 6000000 old >"$B/d/a"
ln "$B/d/a" "$B/d/other"
head -c 5000000 /dev/zero | tr '\0' n >"$T/new"
mnt --log="$T/log"
start w
to w open 0 "$B/d/a" w,trunc
to w fill 0 0 5000000 n
sync -f "$B"
inject pwrite64:error=EIO:when=3+
ends w
cmp "$B/d/a" "$T/new"
until_true "a failure" these_failed '["d/a"]'
eq "hidden names" "$(ls -A "$V/d" | grep -c stage)" 1
tool rename "$B/d/a" "$B/e/a"
cmp "$B/e/a" "$T/new"
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
inject_end
umnt
cmp "$B/e/a" "$T/new"
cmp "$B/d/other" "$T/new"
eq "names in the backing" "$(cd "$V" && find . -type f | sort | tr '\n' ' ')" "./d/other ./e/a "

# by force: half of it is there, and the message says so
ends_traced
mnt --log="$T/log"
start w
to w open 0 "$B/e/a" w,trunc
to w fill 0 0 5000000 m
sync -f "$B"
inject pwrite64:error=EIO:when=3+
ends w
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
wait "$STRACE_PID"
eq "saved" "$(sum "$V/e/a.lklfs-unsaved")" "$(head -c 5000000 /dev/zero | tr '\0' m | sum /dev/stdin)"
has "the log" "$(cat "$T/log")" "could not be exposed but in part, and was saved as $B/e/a.lklfs-unsaved"
rm "$V/e/a.lklfs-unsaved"
# the next mount finishes it all the same
cmp -s "$V/d/other" "$V/e/a" || fail "they are not one file"
mnt
eq "finished" "$(tr -d m <"$V/d/other" | wc -c) $(stat -c %s "$V/d/other")" "0 5000000"
eq "names at last" "$(cd "$V" && find . -type f | sort | tr '\n' ' ')" "./d/other ./e/a "
