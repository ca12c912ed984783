#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: where the backing gives what is made the group of its directory (bsdgroups), so does the mount.
. "${0%/*}/lib.sh"
need setpriv mkfs.ext4

truncate -s 8M "$W/image"
mkfs.ext4 -q -F "$W/image"
mount -o loop,grpid "$W/image" "$W" || skip "no loop device"
trap 'umount -l "$W"; at_exit 1' EXIT
make() {
	mkdir -m 777 "$1" "$1/group"
	chgrp 4321 "$1/group"
	setpriv --reuid=1001 --regid=2001 --groups=3000 -- sh -c '
		cd "$1/group" && echo x >file && mkdir dir && mkfifo fifo && ln -s x link && echo y >dir/file' sh "$1"
	(cd "$1" && find . -printf '%p %M %U:%G\n' | sort)
}
mkdir -m 777 "$W/b"
want=$(make "$W/plain")
has "the backing's habit" "$want" "1001:4321"
"$LKLFS" -o allow_other "$W/b" </dev/null
eq "in the mount" "$(make "$W/b/mounted")" "$want"
"$LKLFS" umount "$W/b" </dev/null
eq "in the backing" "$(cd "$W/b/mounted" && find . -printf '%p %M %U:%G\n' | sort)" "$want"
umount "$W"
trap 'status=$?; at_exit "$status"' EXIT
