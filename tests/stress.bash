# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
# What tests/race, tests/model and tests/oracle share to run their cases on lklfs. Sourced first by each run.sh, with
# what it was called with:
#
#   . "${0%/*}/../stress.bash"
#   stress_begin BUILD_DIR "$0" "$@"    sets $build, $lklfs, $work; never comes back outside a namespace of its own
#   make_backing FS SIZE                a fresh file system at $work/FS, or a reason why not
#   ok, failed, skipped TEXT            count a case, and say it; indent, reports, daemons, force_end: see below
#   stress_end                          the last line, and the exit status

set -uo pipefail

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
}

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

# Process ids of the lklfs that serve a directory of this run and have not ended.
daemons() {
	local dir
	for dir in /proc/[0-9]*; do
		[[ "$(readlink "$dir/exe" 2>/dev/null)" == "$lklfs" ]] || continue
		{ tr '\0' '\n' <"$dir/cmdline"; } 2>/dev/null | grep -qF "$work/" && echo "${dir#/proc/}"
	done
}

# Mounts of lklfs at or below DIR, the last first.
mounts() {
	awk -v dir="$1" '($5 == dir || index($5, dir "/") == 1) && / - fuse\.lklfs / { print $5 }' /proc/self/mountinfo | tac
}

n_mounted() { mounts "$1" | wc -l; }

# Whatever state mounts at or below DIR are in, they are gone afterwards. For after a failure, and at the end.
force_end() {
	local mount
	mounts "$1" | while IFS= read -r mount; do
		if ((EUID == 0)); then umount -l "$mount"; else fusermount3 -uz "$mount"; fi
	done
}

kill_daemons() {
	local pid
	for pid in $(daemons); do
		kill -KILL "$pid" 2>/dev/null
		tail --pid="$pid" -f /dev/null
	done
}

make_backing() {
	mkdir -p "$work/$1" || return
	case $1 in
	dir) ;;
	tmpfs) mount -t tmpfs lklfs-test "$work/tmpfs" ;;
	ext4)
		truncate -s "$2" "$work/image" && mkfs.ext4 -q -F -I 256 "$work/image" &&
			mount -o loop "$work/image" "$work/ext4"
		;;
	*)
		echo "there is no kind of backing named $1" >&2
		return 1
		;;
	esac
}

# stress_clean: nothing is left, whatever has happened
stress_clean() {
	local fs
	kill_daemons
	force_end "$work" 2>/dev/null
	for fs in ext4 tmpfs; do
		mountpoint -q "$work/$fs" && umount -l "$work/$fs"
	done
	rm -rf "$work"
}

stress_end() {
	echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
	((n_failed == 0 && n_passed > 0))
}
