#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the model test on lklfs: many sequences of operations drawn by lot, on each kind of backing.
#
#   tests/model/run.sh BUILD_DIR OPERATIONS [SEED]
#
# BUILD_DIR holds lklfs and tests/model. The operations are divided among ten cases with seeds of their own,
# half of them over ext4 in a file, half over tmpfs, two with always=none, one with keep=0. As root everything is
# mounted in a mount namespace of its own; an ordinary user gets a plain directory. MODEL_BACKINGS names the
# backings (ext4 tmpfs, or dir); MODEL_OPTIONS is for tests/model. A failing sequence is shrunk and printed;
# put into a file, `MODEL_OPTIONS=--replay=FILE tests/model/run.sh BUILD_DIR 1` repeats it.
# With LKLFS_MUST_RUN=1 a skip is a failure. A report of a sanitizer, by whichever process, is a failure.

set -uo pipefail

if (($# < 2)); then
	sed -n '3,13s/^# \?//p' "$0" >&2
	exit 2
fi
build=$(realpath -e "$1") || exit 2
if [[ -z "${MODEL_INSIDE:-}" ]]; then
	inside=(env MODEL_INSIDE=1)
	inside+=("$(realpath "${BASH_SOURCE[0]%/*}/../alone")")
	# ThreadSanitizer may not find room for its shadow where addresses are drawn by lot
	if grep -q __tsan_init "$build/lklfs"; then inside+=(setarch -R); fi
	exec "${inside[@]}" "$0" "$@"
fi

operations=$2
# Episodes take seeds one after the other, so those of the cases are far apart.
seed=${3:-$((RANDOM << 15 | RANDOM))}
lklfs=$build/lklfs
model=$build/tests/model
for program in "$lklfs" "$model"; do
	[[ -x "$program" ]] || { echo "$program is missing" >&2 && exit 2; }
done
if ((EUID == 0)); then backings=(ext4 tmpfs); else backings=(dir); fi
read -r -a backings <<<"${MODEL_BACKINGS:-${backings[*]}}"
read -r -a options <<<"${MODEL_OPTIONS:-}"
n_cases=10
((operations >= 10 * n_cases)) || n_cases=1

work=$(mktemp -d) || exit 2
report=$work/report
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$report"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1:log_path=$report"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$report"
suppressions=$(realpath "${BASH_SOURCE[0]%/*}/../mount/tsan.supp")
[[ ! -f "$suppressions" ]] || TSAN_OPTIONS+=":suppressions=$suppressions"
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
	tmpfs) mount -t tmpfs model "$work/tmpfs" ;;
	ext4)
		truncate -s 256M "$work/image" && mkfs.ext4 -q -F -I 256 "$work/image" &&
			mount -o loop "$work/image" "$work/ext4"
		;;
	*)
		echo "there is no kind of backing named $1" >&2
		return 1
		;;
	esac && mkdir "$work/$1/mnt"
}

# run_case DIR OPTION...: mounts, and unmounts; says what is wrong
run_case() {
	local dir=$1 left r=0
	shift
	"$model" --lklfs="$lklfs" "$@" "${options[@]}" "$dir" </dev/null >"$work/out" 2>&1 || r=1
	if (($(n_mounted "$dir") > 0)); then
		echo "it is still mounted"
		r=1
	fi
	left=$(daemons)
	if [[ -n "$left" ]]; then
		echo "a daemon has not ended"
		r=1
	fi
	left=$(cd "$dir" && find . -mindepth 1 | head -n 20)
	if ((r == 0)) && [[ -n "$left" ]]; then
		printf 'left in the backing:\n%s\n' "$left"
		r=1
	fi
	if ((r == 0)); then sed -n 's/^ok  *model: //p' "$work/out"; else cat "$work/out"; fi
	return "$r"
}

for ((i = 0; i < ${#backings[@]}; i++)); do
	fs=${backings[i]}
	dir=$work/$fs/mnt
	if ((EUID != 0)) && [[ "$fs" != dir ]]; then
		skipped "$fs: needs root"
		continue
	fi
	if ! make_backing "$fs" >"$work/out" 2>&1; then
		skipped "$fs: $(tr '\n' ' ' <"$work/out")"
		continue
	fi
	for ((case = i; case < n_cases; case += ${#backings[@]})); do
		arguments=(--seed=$((seed + case * 100000)) --operations=$((operations / n_cases)))
		how=
		if ((case % 5 == 4)); then arguments+=(--always-none) how="always=none, "; fi
		if ((case == 7)); then arguments+=(--no-keep) how="keep=0, "; fi
		if run_case "$dir" "${arguments[@]}" >"$work/said"; then
			ok "$fs $how$(cat "$work/said")"
		else
			failed "$fs ${how}seed $((seed + case * 100000))"
			indent "$work/said"
			force_end "$dir"
			find "$dir" -mindepth 1 -delete
		fi
		reports "$fs seed $((seed + case * 100000))"
	done
done

echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
((n_failed == 0 && n_passed > 0))
