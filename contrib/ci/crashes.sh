#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The long form of tests/mount/p18-*: daemons and mounts that are ended at every possible moment, and power cuts.
#
#   contrib/ci/crashes.sh BUILD_DIR [KILLS [SEED [PART...]]]
#
# On an ext4 in a file on a tmpfs: SIGKILL before and after each system call of everything that writes, makes, links, renames or
# removes a file (tests/crash/calls.py); KILLS (1,000) at moments drawn by lot of builds with make, and a quarter as many of the
# other ways in which a mount ends (tests/crash/builds.py). Then power cuts of an xfs and of an ext4, 40 with -o durable, of which
# nothing may be lost, and 20 each without it and without lklfs, which are only counted. Half an hour on two idle cores. Needs
# root and the packages gcc, make, xfsprogs and python3.
#
# PART is calls, kills, ends or cuts (default: all of them, in this order); SEED (1) is the first one; CRASHES_LIMIT is a limit
# in seconds for each run of a program (7,200). The last line is `N passed, N failed, N skipped`, where each run counts as one;
# exit status: 0 nothing failed, 1 something did, 2 called wrongly.

. "${0%/*}/../../tests/stress.bash"

if (($# < 1 || EUID != 0)); then
	usage "$0"
	exit 2
fi
stress_begin "$1" "$0" "$@"
kills=${2:-1000} seed=${3:-1}
shift $(($# < 3 ? $# : 3))
(($#)) || set -- calls kills ends cuts
crash=$(realpath "${BASH_SOURCE[0]%/*}/../../tests/crash")
memory=$work/memory
at_exit() {
	end_mounts "$memory"
	umount "$memory/ext4"
	within 60 umount -l "$memory"
	stress_clean
} 2>/dev/null
trap at_exit EXIT
trap 'exit 130' INT TERM
mkdir "$memory"
mount -t tmpfs none "$memory"
make_image ext4 1G "$memory/ext4" || exit 2

# part NAME PROGRAM ARGUMENT...: in a directory of its own; what it says last is what came of it
part() {
	local name=$1 program=$2
	shift 2
	mkdir "$memory/ext4/part"
	if within "${CRASHES_LIMIT:-7200}" "$crash/$program" --lklfs "$lklfs" "$@" >"$work/said" 2>&1 </dev/null; then
		ok "$name: $(tail -n 1 "$work/said")"
	else
		failed "$name: $(tail -n 1 "$work/said")"
		indent "$work/said"
	fi
	end_mounts "$memory"
	rm -rf --one-file-system "$memory/ext4/part"
}

# power_cuts FS
power_cuts() {
	part "power cuts of $1, durable" builds.py --seed "$seed" --cut "$1" --option durable "$memory/ext4/part" 40
	part "power cuts of $1" builds.py --seed "$seed" --cut "$1" --count "$memory/ext4/part" 20
	lklfs=- part "power cuts of $1, without lklfs" builds.py --seed "$seed" --cut "$1" --count "$memory/ext4/part" 20
}

for name; do
	case $name in
	calls) part "each system call" calls.py --killer "$build/tests/killer" "$memory/ext4/part" ;;
	kills) part "SIGKILL" builds.py --seed "$seed" "$memory/ext4/part" "$kills" ;;
	ends)
		part "SIGTERM, SIGINT, umount, lazily, by force" builds.py --seed "$seed" \
			--how term,int,umount,lazy,force "$memory/ext4/part" $(((kills + 3) / 4))
		;;
	cuts) power_cuts xfs && power_cuts ext4 ;;
	*) failed "there is no part named $name" ;;
	esac
done
stress_end
