#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: what is mounted inside the backing is part of the tree, as it is without lklfs, and has its own limits.
. "${0%/*}/lib.sh"

mkdir -p "$B/inner" "$B/bound" "$W/elsewhere/sub"
mount -t tmpfs none "$B/inner"
mkdir "$B/inner/dir"
echo old >"$B/inner/dir/f"
echo old >"$B/inner/kept"
echo bound >"$W/elsewhere/sub/f"
mount --bind "$W/elsewhere" "$B/bound"
mnt
before=$(trace "$B/inner/kept")
echo old >"$B/inner/kept"
eq "written with the same bytes" "$(trace "$B/inner/kept")" "$before"
echo new >"$B/inner/dir/f"
echo fresh >"$B/inner/dir/fresh"
rm "$B/inner/kept"
echo old >"$B/bound/sub/made"
eq "listed" "$(ls "$B/inner" "$B/inner/dir" "$B/bound/sub" | tr '\n' ' ')" "$B/bound/sub: f made  $B/inner: dir  $B/inner/dir: f fresh "
for command in "rename @/inner/dir/f @/f" "link @/inner/dir/f @/f" "rename @/inner/dir @/dir" "rename @/bound/sub @/inner/sub"; do
	# shellcheck disable=SC2086
	eq "$command" "$(errno_of ${command//@/$B})" EXDEV
done
eq "the mount point" "$(errno_of rmdir "$B/inner")$(errno_of rename "$B/inner" "$B/other")" EBUSYEBUSY
mv "$B/inner/dir/fresh" "$B/moved"
eq "moved by copying" "$(cat "$B/moved")" fresh
umnt
eq "in the file system inside" "$(cat "$B/inner/dir/f")" new
eq "in what is bound there" "$(cat "$W/elsewhere/sub/made")" old
umount "$B/inner" "$B/bound"
