#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# contrib/lkl/lkl-cleanup --force unmounts as well if something can neither be exposed nor saved, and tells it: what is lost
# is named, and it exits with 1.
# AXES: root ext4 plain
. "${0%/*}/lib.sh"
need chattr

mkdir "$T/closed"
mount -t tmpfs -o ro none "$T/closed"
mount --bind "$T/closed" /var/tmp
echo old >"$B/file"
TMPDIR=$T/closed mnt
(echo lost && sync -f "$B" && chattr +i "$V" "$V/file") >"$B/file"
until_true "the failure" so_many_failed 1
eq "exit status" "$(status_of sh "$TOP/contrib/lkl/lkl-cleanup" --force "$B")" 1
chattr -i "$V" "$V/file"
eq "what it did" "$(cat "$T/out")" "lkl-cleanup: 1 unmounted"
has "what is lost" "$(cat "$T/err")" 'is lost, *"file"'
eq "mounts" "$(n_mounted "$B")" 0
eq "the old bytes" "$(cat "$B/file")" old
