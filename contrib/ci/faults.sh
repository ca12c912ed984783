#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A failure at each system call of an exposure in turn, for each way to write and on each kind of backing: the writer has
# been told or gets what he wrote, nobody reads anything but all of the old or all of the new bytes, and afterwards all
# goes on. tests/mount/faults.py says in its head what is done and what has to be so; this is all of it.
#
#   contrib/ci/faults.sh BUILD_DIR [BACKING...]
#
# BACKING is ext4, xfs, btrfs, tmpfs, overlayfs or bindfs (default: all of them). FAULTS_OPTIONS are options of faults.py,
# such as `--way once --scenario changed`; by itself it takes each call with one error, in all three ways. That takes about half an
# hour for each backing. A report of a sanitizer is a failure. Needs root, python3 and the programs that make the file
# systems. Each failure is said in a line; the last line is `N passed, N failed, N skipped`; exit status: 0 nothing failed,
# 1 something did, 2 called wrongly.

. "${0%/*}/../../tests/stress.bash"

if (($# < 1)); then
	usage "$0"
	exit 2
fi
((EUID == 0)) || { echo "faults.sh: must be root" >&2 && exit 2; }
stress_begin "$1" "$0" "$@"
shift
(($#)) || set -- ext4 xfs btrfs tmpfs overlayfs bindfs
faults=$(realpath "${0%/*}/../../tests/mount/faults.py")
read -r -a options <<<"${FAULTS_OPTIONS:-}"
mkdir "$work/tmp" "$work/view"
export TMPDIR=$work/tmp
reports_to "$work/report"

at_exit() {
	mountpoint -q "$work/view" && within 60 umount -l "$work/view"
	stress_clean
}
trap at_exit EXIT

for fs; do
	if ! make_backing "$fs" 300M >"$work/out" 2>&1; then
		skipped "$fs: $(tail -n 1 "$work/out")"
		continue
	fi
	mount --bind "$work/$fs" "$work/view"
	mkdir "$work/$fs/b"
	echo "== $fs"
	within 7200 "$faults" --build "$build" "${options[@]}" "$work/$fs/b" "$work/view/b" | tee "$work/out"
	status=${PIPESTATUS[0]}
	if [[ "$(tail -n 1 "$work/out")" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
		n_passed=$((n_passed + BASH_REMATCH[1])) n_failed=$((n_failed + BASH_REMATCH[2]))
	else
		failed "$fs: faults.py ends with $status"
	fi
	reports "$fs"
	umount -l "$work/view"
	end_mounts "$work/$fs"
done
stress_end
