#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the race test on lklfs: each case on each kind of backing.
#
#   tests/race/run.sh BUILD_DIR ROUNDS [CASE...]
#
# BUILD_DIR holds lklfs and tests/race. As root everything is mounted in a mount namespace of its own, over
# ext4 in a file and over tmpfs; an ordinary user gets a plain directory, and the rest is skipped.
# RACE_SEED repeats a run's lots (not its schedule); RACE_BACKINGS names the backings (ext4 tmpfs, or dir);
# RACE_MOUNT_OPTIONS is for lklfs. With LKLFS_MUST_RUN=1 a skip is a failure. A report of a sanitizer,
# by whichever process, is a failure.

set -uo pipefail

if (($# < 2)); then
	sed -n '3,11s/^# \?//p' "$0" >&2
	exit 2
fi
build=$(realpath -e "$1") || exit 2
if [[ -z "${RACE_INSIDE:-}" ]]; then
	inside=(env RACE_INSIDE=1)
	inside+=("$(realpath "${BASH_SOURCE[0]%/*}/../alone")")
	# ThreadSanitizer may not find room for its shadow where addresses are drawn by lot
	if grep -q __tsan_init "$build/lklfs"; then inside+=(setarch -R); fi
	exec "${inside[@]}" "$0" "$@"
fi

rounds=$2
shift 2
lklfs=$build/lklfs
race=$build/tests/race
for program in "$lklfs" "$race"; do
	[[ -x "$program" ]] || { echo "$program is missing" >&2 && exit 2; }
done
if (($#)); then cases=("$@"); else mapfile -t cases < <("$race" --list); fi
if ((EUID == 0)); then backings=(ext4 tmpfs); else backings=(dir ext4 tmpfs); fi
read -r -a backings <<<"${RACE_BACKINGS:-${backings[*]}}"
race_options=()
[[ -z "${RACE_SEED:-}" ]] || race_options+=(--seed="$RACE_SEED")
read -r -a mount_options <<<"${RACE_MOUNT_OPTIONS:-}"

work=$(mktemp -d) || exit 2
report=$work/report
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$report"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1:log_path=$report"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$report"
suppressions=$(realpath "${BASH_SOURCE[0]%/*}/../mount/tsan.supp")
[[ ! -f "$suppressions" ]] || TSAN_OPTIONS+=":suppressions=$suppressions"
((EUID != 0)) || race_options+=(--backing="$work/below/mnt")
n_passed=0 n_failed=0 n_skipped=0

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

indent() { sed 's/^/      /' "$@"; }

# Process ids of the lklfs that serve a directory of this run and have not ended.
daemons() {
	local dir
	for dir in /proc/[0-9]*; do
		[[ "$(readlink "$dir/exe" 2>/dev/null)" == "$lklfs" ]] || continue
		tr '\0' '\n' <"$dir/cmdline" 2>/dev/null | grep -qF "$work/" && echo "${dir#/proc/}"
	done
}

n_mounted() {
	awk -v dir="$1" '$5 == dir && / - fuse\.lklfs / { n++ } END { print n + 0 }' /proc/self/mountinfo
}

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

# Whatever state the mount is in, it is gone afterwards. For after a failure, and at the end.
force_end() {
	local pid
	for pid in $(daemons); do
		kill -KILL "$pid" 2>/dev/null
		tail --pid="$pid" -f /dev/null
	done
	while (($(n_mounted "$1") > 0)); do
		if ((EUID == 0)); then umount -l "$1"; else fusermount3 -uz "$1"; fi || return 1
	done
}

at_exit() {
	local fs
	mountpoint -q "$work/below" && umount -l "$work/below"
	for fs in "${backings[@]}"; do
		force_end "$work/$fs/mnt" 2>/dev/null
		mountpoint -q "$work/$fs" && umount -l "$work/$fs"
	done
	rm -rf "$work"
}
trap at_exit EXIT

# make_backing FS: a fresh file system at $work/FS, or a reason why not
make_backing() {
	mkdir -p "$work/$1" || return
	case $1 in
	dir) ;;
	tmpfs) mount -t tmpfs race "$work/tmpfs" ;;
	ext4)
		truncate -s 768M "$work/image" && mkfs.ext4 -q -F -I 256 "$work/image" &&
			mount -o loop "$work/image" "$work/ext4"
		;;
	*)
		echo "there is no kind of backing named $1" >&2
		return 1
		;;
	esac && mkdir "$work/$1/mnt" || return
	# what lklfs is mounted over, seen past it
	((EUID != 0)) || { mkdir -p "$work/below" && mount --bind "$work/$1" "$work/below"; }
}

mount_lklfs() {
	timeout 60 "$lklfs" "${mount_options[@]}" "$1" </dev/null >"$work/out" 2>&1 && (($(n_mounted "$1") == 1))
}

# run_case FS DIR CASE: from mount to umount; says what is wrong
run_case() {
	local left
	if ! mount_lklfs "$2"; then
		echo "mounting failed:"
		cat "$work/out"
		return 1
	fi
	if ! "$race" --mode="$3" --rounds="$rounds" "${race_options[@]}" "$2" >"$work/out" 2>&1; then
		sed 's/^FAIL  *race //' "$work/out"
		return 1
	fi
	if ! timeout 120 "$lklfs" umount "$2" </dev/null >"$work/umount" 2>&1; then
		echo "umount failed:"
		cat "$work/umount"
		return 1
	fi
	if (($(n_mounted "$2") > 0)); then
		echo "umount succeeded, but it is mounted"
		return 1
	fi
	left=$(daemons)
	if [[ -n "$left" ]]; then
		echo "umount returned before its daemon had gone"
		return 1
	fi
	left=$(cd "$2" && find . -mindepth 1 | head -n 20)
	if [[ -n "$left" ]]; then
		printf 'left in the backing:\n%s\n' "$left"
		return 1
	fi
	sed -n 's/^ok  *race //p' "$work/out"
}

for fs in "${backings[@]}"; do
	dir=$work/$fs/mnt
	if ((EUID != 0)) && [[ "$fs" != dir ]]; then
		skipped "$fs: needs root"
		continue
	fi
	if ! make_backing "$fs" >"$work/out" 2>&1; then
		skipped "$fs: $(tr '\n' ' ' <"$work/out")"
		continue
	fi
	for case in "${cases[@]}"; do
		if run_case "$fs" "$dir" "$case" >"$work/said"; then
			ok "$fs $(cat "$work/said")"
		else
			failed "$fs $case"
			indent "$work/said"
			force_end "$dir"
			find "$dir" -mindepth 1 -delete
		fi
		reports "$fs $case"
	done
	((EUID != 0)) || umount "$work/below"
done

echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
((n_failed == 0 && n_passed > 0))
