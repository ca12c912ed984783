#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: stress-ng's makers, changers and removers of names, all at once, meet no error and leave nothing: no file, no session,
# no handle, no descriptor of the daemon's.
# AXES: root ext4
. "${0%/*}/lib.sh"
need stress-ng

descriptors() { find "/proc/$(daemons)/fd" -mindepth 1 | wc -l; }
# What is left in memory is the root and .lklfs with its status and journal; the daemon remembers 64 processes, with two descriptors each.
idle() {
	[[ "$(status_value handles) $(status_value staged) $(status_value nodes)" == "0 0 4" ]] &&
		(($(descriptors) <= n_descriptors + 128))
}
mnt -o keep=0
n_descriptors=$(descriptors)
stress-ng --temp-path "$B" --verify --oomable -t 1 --dentry 1 --rename 1 --link 1 --symlink 1 --mknod 1 --utime 1 --fallocate 1 \
	--fpunch 1 --hdd 1 --hdd-bytes 4m --fallocate-bytes 4m >"$T/stress" 2>&1 || fail "$(tail -n 20 "$T/stress")"
eq "left in the mount" "$(ls -A "$B")" ""
# So that the kernel forgets. (By the system call of old: mount(8) of util-linux 2.41 names all options anew, and FUSE takes none.)
LIBMOUNT_FORCE_MOUNT2=always mount -i -o remount "$B"
until_true "the end of all handles, sessions and names" idle
eq "failed" "$(status_value failed)" 0
