#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the race test on lklfs: each case on each kind of backing.
#
#   tests/race/run.sh BUILD_DIR ROUNDS [CASE...]
#
# BUILD_DIR holds lklfs and tests/race. As root everything is mounted in a mount namespace of its own, over
# ext4 in a file and over tmpfs; an ordinary user gets a plain directory, and the rest is skipped.
# A case with -uncached behind its name is run without the kernel's remembering names and attributes;
# mixed-uncached is among those run by default.
# RACE_SEED repeats a run's lots (not its schedule); RACE_BACKINGS names the backings (ext4 tmpfs xfs btrfs
# overlayfs bindfs, or dir); RACE_MOUNT_OPTIONS is for lklfs, RACE_OPTIONS for tests/race: --timeout=5 finds a hang
# sooner. Whatever takes longer than RACE_LIMIT seconds (120, and 50 for each 1000 rounds) is ended. With
# LKLFS_MUST_RUN=1 a skip is a failure.
# A report of a sanitizer, by whichever process, is a failure.

. "${0%/*}/../stress.bash"

if (($# < 2)); then
	usage "$0"
	exit 2
fi
stress_begin "$1" "$0" "$@"

rounds=$2
shift 2
race=$build/tests/race
[[ -x "$race" ]] || { echo "$race is missing" >&2 && exit 2; }
if (($#)); then cases=("$@"); else mapfile -t cases < <("$race" --list && echo mixed-uncached); fi
if ((EUID == 0)); then backings=(ext4 tmpfs); else backings=(dir ext4 tmpfs); fi
read -r -a backings <<<"${RACE_BACKINGS:-${backings[*]}}"
read -r -a race_options <<<"${RACE_OPTIONS:-}"
[[ -z "${RACE_SEED:-}" ]] || race_options+=(--seed="$RACE_SEED")
read -r -a mount_options <<<"${RACE_MOUNT_OPTIONS:-}"
race_limit=${RACE_LIMIT:-$((120 + rounds / 20))}

reports_to "$work/report"
((EUID != 0)) || race_options+=(--backing="$work/below/mnt")

at_exit() {
	mountpoint -q "$work/below" && within 60 umount -l "$work/below"
	stress_clean
}
trap at_exit EXIT

# begin_backing FS: one with a directory to mount over, and what that is seen past the mount
begin_backing() {
	make_backing "$1" 768M && mkdir "$work/$1/mnt" || return
	((EUID != 0)) || { mkdir -p "$work/below" && mount --bind "$work/$1" "$work/below"; }
}

# mount_lklfs DIR CASE
mount_lklfs() {
	local options=("${mount_options[@]}")
	[[ "$2" != *-uncached ]] || options+=(-o entry_timeout=0,attr_timeout=0,negative_timeout=0)
	within 60 "$lklfs" "${options[@]}" "$1" </dev/null >"$work/out" 2>&1 && (($(n_mounted "$1") == 1))
}

# run_case FS DIR CASE: from mount to umount; says what is wrong
run_case() {
	local left
	if ! mount_lklfs "$2" "$3"; then
		echo "mounting failed:"
		cat "$work/out"
		return 1
	fi
	if ! within "$race_limit" "$race" --mode="${3%-uncached}" --rounds="$rounds" "${with[@]}" "$2" >"$work/out" 2>&1; then
		sed 's/^FAIL  *race //' "$work/out"
		waits "$work"
		return 1
	fi
	if ! within 120 "$lklfs" umount "$2" </dev/null >"$work/umount" 2>&1; then
		echo "umount failed:"
		cat "$work/umount"
		return 1
	fi
	if (($(n_mounted "$2") > 0)); then
		echo "umount succeeded, but it is mounted"
		return 1
	fi
	left=$(daemons "$work")
	if [[ -n "$left" ]]; then
		echo "umount returned before its daemon had gone"
		return 1
	fi
	left=$(cd "$2" && find . -mindepth 1 | head -n 20)
	if [[ -n "$left" ]]; then
		printf 'left in the backing:\n%s\n' "$left"
		return 1
	fi
	sed -n "s/^ok  *race [^:]*/$3/p" "$work/out"
}

for fs in "${backings[@]}"; do
	dir=$work/$fs/mnt
	if ((EUID != 0)) && [[ "$fs" != dir ]]; then
		skipped "$fs: needs root"
		continue
	fi
	if ! begin_backing "$fs" >"$work/out" 2>&1; then
		skipped "$fs: $(tr '\n' ' ' <"$work/out")"
		continue
	fi
	with=("${race_options[@]}")
	[[ "$fs" != bindfs ]] || with+=(--no-flags)
	for case in "${cases[@]}"; do
		if run_case "$fs" "$dir" "$case" >"$work/said"; then
			ok "$fs $(cat "$work/said")"
		else
			failed "$fs $case"
			indent "$work/said"
			end_mounts "$work"
			empty "$dir"
		fi
		reports "$fs $case"
	done
	((EUID != 0)) || within 60 umount -l "$work/below"
done

stress_end
