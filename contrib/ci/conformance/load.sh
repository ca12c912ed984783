#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stress-ng's file system stressors and fio with verify, in a mount over an ext4: no error, nothing leaks, nothing is left.
#
#   contrib/ci/conformance/load.sh LKLFS [SECONDS [MEGABYTES]]
#
# stress-ng takes SECONDS in all (default 600): every stressor of its class `filesystem` that works on files in a directory,
# one after the other, two of each at once. fio writes MEGABYTES for each job (default 256), reads them back and verifies
# them: with pwrite, with writes of mapped pages, with libaio and O_DIRECT, with io_uring, each upon a new file and then
# again upon what is there. Needs root and the packages stress-ng, fio and attr.
#
# All is done twice, for half of the time each. After either half the kernel forgets what it knows of the mount, and the
# daemon's figures are compared: descriptors, sessions, handles, names in memory, and at most 4 MiB more of memory: it keeps
# buffers of a MiB each, of which the second half may need some more at once. Nothing may be left in the backing. The last line is `N passed, N failed, N skipped`;
# exit status: 0 nothing failed, 1 something did, 2 called wrongly.

. "${0%/*}/common.bash" "$@"

seconds=${2:-600} megabytes=${3:-256}
[[ "$seconds$megabytes" =~ ^[0-9]+$ ]] || die "no number: $seconds $megabytes"
for program in stress-ng fio getfattr; do
	command -v "$program" >/dev/null || die "$program is not installed"
done
# Left out are those of the class that do not work on files in a directory (bind-mount, binderfs, eventfd, ioprio, procfs), and
# verity, lease and fanotify, which FUSE does not have.
stressors=(access chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup fallocate fcntl fiemap file-ioctl
	filename flock fpunch fsize fstat getdent handle hdd inode-flags inotify io iomix link locka lockf lockofd mknod open
	rename symlink sync-file touch utime xattr)
backing "$work/fs" 8G
mkdir "$work/fs/mount"
mount=$work/fs/mount
cd "$work" # fio leaves files where it is

stress() { # STRESSOR SECONDS
	local r=0
	mkdir -p "$mount/stress"
	stress-ng --temp-path "$mount/stress" --verify --oomable -t "$2" --"$1" 2 >"$work/log" 2>&1 || r=$?
	! grep -E ' (skipped|not implemented)' "$work/log" || return 77
	((r == 0)) || { tail -n 30 "$work/log" && return 1; }
	[[ -z "$(ls -A "$mount/stress")" ]] || { echo "left: $(ls -A "$mount/stress")" && return 1; }
}

verify() { # NAME OPTION...
	local name=$1
	shift
	mkdir -p "$mount/fio"
	fio --name="$name" --directory="$mount/fio" --size="${megabytes}m" --bsrange=512-64k --bs_unaligned=1 --rw=randwrite \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --numjobs=2 --group_reporting "$@" >"$work/log" 2>&1 ||
		{ tail -n 30 "$work/log" && return 1; }
}

status_value() {
	sed 's/.*"'"$1"'":\([0-9]*\).*/\1/' "$mount/.lklfs/status"
}

round() { # SECONDS
	local stressor
	for stressor in "${stressors[@]}"; do
		check "stress-ng, $stressor" stress "$stressor" "$(((($1 + ${#stressors[@]} - 1)) / ${#stressors[@]}))"
	done
	for again in new rewritten; do
		check "fio, psync, $again" verify psync --ioengine=psync
		check "fio, mmap, $again" verify mmap --ioengine=mmap --bs=4k --bs_unaligned=0
		check "fio, libaio with O_DIRECT, $again" verify libaio --ioengine=libaio --iodepth=16 --direct=1 --bs=4k --bs_unaligned=0
		check "fio, io_uring, $again" verify io_uring --ioengine=io_uring --iodepth=16
		check "fio, psync with fsync, $again" verify fsync --ioengine=psync --fsync=64 --size="$((megabytes / 8 + 1))m"
	done
	rm -rf "$mount/fio" "$mount/stress"
}

# The kernel forgets what it can, and says so; then the daemon's figures are its own.
what=(descriptors memory_bytes staged handles nodes held failed)
figures() {
	local key
	LIBMOUNT_FORCE_MOUNT2=always mount -i -o remount "$mount" # that of util-linux 2.41 names options anew, which FUSE refuses
	for key in "${what[@]}"; do
		status_value "$key"
	done
}

no_more() { # WHAT GOT AT-MOST
	echo "      $1: $2, at most $3"
	(($2 <= $3))
}

mkfifo "$work/never"

# settles KEY AT-MOST: as soon as all that the kernel has forgotten has been told
settles() {
	local limit=$((SECONDS + 30))
	until (($(status_value "$1") <= $2 || SECONDS > limit)); do
		read -r -t 0.1 <>"$work/never" || :
	done
	no_more "$1" "$(status_value "$1")" "$2"
}

"$lklfs" -o allow_other,suid,dev,keep=0 "$mount"
round "$((seconds / 2))"
mapfile -t before < <(figures)
round "$((seconds / 2))"
mapfile -t after < <(figures)
# It remembers 64 processes, with two descriptors each.
check "as many descriptors" no_more "descriptors, with 128 more" "${after[0]}" "$((before[0] + 128))"
check "as much memory" no_more "memory, with 4 MiB more" "${after[1]}" "$((before[1] + (4 << 20)))"
# Names that were written with the same bytes are remembered for a second, and then until another one is.
before[4]=$((before[4] + 64))
for ((i = 2; i < ${#what[@]}; i++)); do
	check "as many: ${what[i]}" settles "${what[i]}" "${before[i]}"
done
check "the backing is what the mount showed" ends_as_shown "$mount"
check "nothing is left in it" test -z "$(ls -A "$mount")"
outcome
