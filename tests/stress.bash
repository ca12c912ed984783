# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
# What tests/race, tests/model and tests/oracle share to run their cases on lklfs. Sourced first by each run.sh, with
# what it was called with:
#
#   . "${0%/*}/../stress.bash"
#   stress_begin BUILD_DIR "$0" "$@"    sets $build, $lklfs, $work; never comes back outside a namespace of its own
#   make_backing FS SIZE                a fresh file system at $work/FS, or a reason why not
#   within SECONDS COMMAND...           runs it, and ends it if it takes longer: 124; nothing else may wait for lklfs
#   ok, failed, skipped TEXT            count a case, and say it; indent, reports, waits, end_mounts: see below
#   stress_end                          the last line, and the exit status

set -uo pipefail

n_passed=0 n_failed=0 n_skipped=0
limit=$(realpath "${BASH_SOURCE[0]%/*}")/limit.py

within() { "$limit" "$@"; }

ok() {
	echo "ok    $*"
	n_passed=$((n_passed + 1))
}

failed() {
	echo "FAIL  $*"
	n_failed=$((n_failed + 1))
}

skipped() {
	if [[ "${LKLFS_MUST_RUN:-}" == 1 ]]; then
		failed "$*"
	else
		echo "skip  $*"
		n_skipped=$((n_skipped + 1))
	fi
}

# Of files, or as a filter.
# shellcheck disable=SC2120
indent() { sed 's/^/      /' "$@"; }

# usage SCRIPT: its head
usage() { sed -n '3,/^$/s/^# \?//p' "$1" >&2; }

stress_begin() {
	local script=$2 inside
	build=$(realpath -e "$1") || exit 2
	lklfs=$build/lklfs
	[[ -x "$lklfs" ]] || { echo "$lklfs is missing" >&2 && exit 2; }
	shift 2
	if [[ -z "${STRESS_INSIDE:-}" ]]; then
		inside=(env STRESS_INSIDE=1 "$(realpath "${BASH_SOURCE[0]%/*}/alone")")
		# ThreadSanitizer may not find room for its shadow where addresses are drawn by lot
		if grep -q __tsan_init "$lklfs"; then inside+=(setarch -R); fi
		exec "${inside[@]}" "$script" "$@"
	fi
	unset STRESS_INSIDE
	work=$(mktemp -d) || exit 2
	((EUID != 0)) || mountpoint -q "$connections" || mount -t fusectl none "$connections" # for end_mounts
}
connections=/sys/fs/fuse/connections

# reports_to PREFIX: where sanitizers write
reports_to() {
	local suppressions
	suppressions=$(realpath "${BASH_SOURCE[0]%/*}/mount/tsan.supp")
	report=$1
	export ASAN_OPTIONS="${asan_options:+$asan_options:}log_path=$report"
	export UBSAN_OPTIONS="${ubsan_options:+$ubsan_options:}print_stacktrace=1:log_path=$report"
	export TSAN_OPTIONS="${tsan_options:+$tsan_options:}log_path=$report"
	[[ ! -f "$suppressions" ]] || TSAN_OPTIONS+=":suppressions=$suppressions"
}
asan_options=${ASAN_OPTIONS:-} ubsan_options=${UBSAN_OPTIONS:-} tsan_options=${TSAN_OPTIONS:-}

# reports WHAT: what sanitizers have written is a failure, once
reports() {
	local file
	for file in "$report".*; do
		[[ -s "$file" ]] || continue
		failed "$1: a sanitizer reports"
		head -n 80 "$file" | indent
		rm -f "$file"
	done
}

# daemons DIR: process ids of the lklfs that serve DIR or something below it and have a thread that has not ended.
daemons() {
	local exe
	find /proc/[0-9]*/task/[0-9]*/exe -maxdepth 0 -lname "$lklfs" 2>/dev/null | while IFS= read -r exe; do
		[[ "$(cat "${exe%/task/*}/comm" 2>/dev/null)" != lklfs-watch ]] || continue
		{ tr '\0' '\n' <"${exe%exe}cmdline"; } 2>/dev/null | sed 's,$,/,' | grep -q "^$1/" && echo "$exe"
	done | cut -d/ -f3 | uniq
}

# waits DIR: where in the kernel the threads of these wait
waits() {
	local pid task
	for pid in $(daemons "$1"); do
		echo "daemon $pid waits in:"
		for task in "/proc/$pid/task/"*; do echo "$(<"$task/wchan")"; done 2>/dev/null | sort | uniq -c
	done
}

# mountinfo DIR: the lines of lklfs at or below DIR, the last first.
mountinfo() {
	awk -v dir="$1" '($5 == dir || index($5, dir "/") == 1) && / - fuse\.lklfs /' /proc/self/mountinfo | tac
}

mounts() { mountinfo "$1" | cut -d' ' -f5; }

n_mounted() { mounts "$1" | wc -l; }

# end_mounts DIR: whatever state the mounts at or below DIR and their daemons are in, they are gone afterwards, and what
# is not is a failure. For after a failure, and at the end. The connections are aborted first, if that is possible: a
# daemon that waits in the kernel for somebody who waits for the daemon does not die of SIGKILL.
end_mounts() {
	local pid mount i
	for mount in $(mountinfo "$1" | cut -d' ' -f3); do
		echo 1 >"$connections/${mount#*:}/abort"
	done
	for pid in $(daemons "$1"); do kill -KILL "$pid" 2>/dev/null; done
	while IFS= read -r mount; do
		if ((EUID == 0)); then within 20 umount -l "$mount"; else within 20 fusermount3 -uz "$mount"; fi
	done < <(mounts "$1")
	for ((i = 0; i < 200; i++)); do
		[[ -n "$(daemons "$1")" ]] || break
		sleep 0.1
	done
	for pid in $(daemons "$1"); do failed "daemon $pid outlives SIGKILL"; done
	(($(n_mounted "$1") == 0)) || failed "$1 is still mounted"
} 2>/dev/null

# empty DIR: nothing is left in it, unless it is a mount
empty() {
	[[ ! -d "$1" ]] || (($(n_mounted "$1") > 0)) || within 60 find "$1" -mindepth 1 -delete
}

# make_image FS SIZE DIR
make_image() {
	local -A mkfs=([ext4]="mkfs.ext4 -q -F -I 256" [xfs]="mkfs.xfs -q -f" [btrfs]="mkfs.btrfs -q -f")
	truncate -s "$2" "$3.image" && ${mkfs[$1]} "$3.image" && mkdir -p "$3" && mount -o loop "$3.image" "$3"
}

make_backing() {
	local below=$work/$1.below
	mkdir -p "$work/$1" || return
	case $1 in
	dir) ;;
	tmpfs) mount -t tmpfs lklfs-test "$work/tmpfs" ;;
	ext4) make_image ext4 "$2" "$work/ext4" ;;
	xfs | btrfs) make_image "$1" 1G "$work/$1" ;; # they have no smaller ones
	overlayfs)
		make_image ext4 "$2" "$below" && mkdir "$below/lower" "$below/upper" "$below/work" &&
			mount -t overlay -o "lowerdir=$below/lower,upperdir=$below/upper,workdir=$below/work" none "$work/overlayfs"
		;;
	bindfs) make_image ext4 "$2" "$below" && bindfs "$below" "$work/bindfs" ;;
	*)
		echo "there is no kind of backing named $1" >&2
		return 1
		;;
	esac
}

# stress_clean: nothing is left, whatever has happened
stress_clean() {
	local fs
	end_mounts "$work"
	for fs in ext4 tmpfs xfs btrfs overlayfs bindfs overlayfs.below bindfs.below; do
		mountpoint -q "$work/$fs" && within 60 umount -l "$work/$fs"
	done
	within 60 rm -rf --one-file-system "$work"
}

stress_end() {
	end_mounts "$work"
	echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
	((n_failed == 0 && n_passed > 0))
}
