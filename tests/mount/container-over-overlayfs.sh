#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 5: the directory that is mounted over lies in the container's own file system, an overlayfs: its lower files
# are copied up when they change, and only then.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/container.bash"
need runc python3

# the image has a directory with outputs; the container's root is an overlay of it
bundle layered "$LKLFS" run /out -- sh -c 'cd /out; echo same >same; echo new >changed; echo more >sub/new; rm gone; cat same changed sub/new'
root=$W/layered/rootfs
mkdir -p "$root/out/sub"
for name in same changed gone; do echo "$name" >"$root/out/$name"; done
mkdir "$W/layered/upper" "$W/layered/work" "$W/layered/merged"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$W/layered/upper,workdir=$W/layered/work" "$W/layered/merged" ||
	skip "no overlayfs"
sed -i 's/"path": "rootfs"/"path": "merged"/' "$W/layered/config.json"
eq "status" "$(status_of contain layered)" 0
eq "what it saw" "$(tr '\n' ' ' <"$T/out")" "same new more "
has "the last line" "$(tail -n 1 "$T/err")" "1 kept, 0 restored, 1 changed, 1 new"
eq "in the upper layer" "$(cd "$W/layered/upper/out" && find . -type f | sort | tr '\n' ' ')" "./changed ./sub/new "
eq "removed there" "$(stat -c %F "$W/layered/upper/out/gone")" "character special file"
eq "seen from outside" "$(cat "$W/layered/merged/out/changed" "$W/layered/merged/out/same")" "new
same"
umount "$W/layered/merged"
