# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts beside this file share. Each sources it first, with its own arguments:
#
#     . "${0%/*}/common.bash" "$@"
#
# From then on the script runs as process 1 of a mount and process namespace of its own: what it mounts nobody else sees,
# and what it leaves behind ends with it. $work is a directory that is removed at the end, or CONFORMANCE_DIR if that is
# set, which stays.

set -euo pipefail
export LC_ALL=C.UTF-8
script=${0##*/}
here=$(realpath "${BASH_SOURCE[0]%/*}")
n_passed=0 n_failed=0 n_skipped=0

die() {
	printf '%s: %s\n' "$script" "$1" >&2
	exit 2
}

case ${1--h} in
-h | --help)
	sed -n '3,/^$/s/^# \?//p' "$0"
	exit $(($# == 0 ? 2 : 0))
	;;
esac
((EUID == 0)) || die "must be root"
if [[ -z "${CONFORMANCE_ALONE-}" ]]; then
	work=${CONFORMANCE_DIR-}
	[[ -n "$work" ]] || work=$(mktemp -d)
	mkdir -p "$work"
	CONFORMANCE_ALONE=$(realpath "$work") unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@" &
	alone=$! r=0
	trap 'kill "$alone"' INT TERM
	wait "$alone" || r=$?
	[[ -n "${CONFORMANCE_DIR-}" ]] || rm -rf "$work"
	exit "$r"
fi
work=$CONFORMANCE_ALONE
unset CONFORMANCE_ALONE
[[ -f "$1" && -x "$1" ]] || die "no program: $1"
lklfs=$(realpath "$1")

# ---- outcome ----

check() { # WHAT COMMAND...: exit status 77 is a skip
	local what=$1 r=0
	shift
	"$@" || r=$?
	case $r in
	0) echo "ok    $what" && n_passed=$((n_passed + 1)) ;;
	77) echo "skip  $what" && n_skipped=$((n_skipped + 1)) ;;
	*) echo "FAIL  $what" && n_failed=$((n_failed + 1)) ;;
	esac
}

outcome() {
	echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
	((n_failed == 0 && n_passed > 0))
}

. "$here/judge.bash"

# ---- backings ----

# backing DIR SIZE: an ext4 on an image, mounted on DIR
backing() {
	mkdir -p "$1"
	truncate -s "$2" "$1.img"
	mkfs.ext4 -q -F -m 0 "$1.img"
	mount -o loop "$1.img" "$1"
}

# shown DIR: everything below it that a program can see, but for what moves by looking. A directory's size is the
# backing's affair, and its mtime moves as former versions come and go.
shown() {
	(
		cd "$1"
		find . ! -path . -printf '%p %y %m %U %G %n %i %l' \( -type f -printf ' %s %T@\n' -o -type d -printf '\n' -o -printf ' %T@\n' \) |
			LC_ALL=C sort
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
		getfattr -hRd -m - . 2>/dev/null
	)
}

# clean DIR: nothing but what programs have made
clean() {
	local strange
	strange=$(find "$1" -name '*lklfs*')
	[[ -z "$strange" ]] || { echo "left behind: $strange" && return 1; }
}

# ends_as_shown DIR: the mount on it is ended, and the backing is what the mount showed
ends_as_shown() {
	shown "$1" >"$work/shown.mount"
	"$lklfs" umount "$1" || return
	shown "$1" >"$work/shown.backing"
	diff "$work/shown.mount" "$work/shown.backing" >"$work/shown.diff" || { head -n 20 "$work/shown.diff" && return 1; }
	clean "$1"
}
