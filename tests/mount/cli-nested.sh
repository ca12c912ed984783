#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 4: a mount inside a mount, or around one, is refused in one sentence; run --or-plain uses the outer one
# that is there, and says so.
. "${0%/*}/lib.sh"

refused() { # WHAT WORD DIR...
	local what=$1 word=$2 mounts
	shift 2
	mounts=$(findmnt -n -t fuse.lklfs -o TARGET)
	eq "$what: status" "$(status_of "$LKLFS" "$@")" 1
	said "$what" "$word" "$mounts"
	eq "$what, run: status" "$(status_of "$LKLFS" run "$@" -- touch "$W/ran")" 125
	said "$what, run" "$word" "$mounts"
	[[ ! -e "$W/ran" ]] || fail "$what: COMMAND ran"
}
said() { # WHAT WORD MOUNTS [LINES]
	eq "$1: lines said" "$(wc -l <"$T/err")" "${4:-1}"
	has "$1: what is said" "$(cat "$T/err")" "$2"
	eq "$1: mounts" "$(findmnt -n -t fuse.lklfs -o TARGET)" "$3"
	eq "$1: daemons" "$(daemons | wc -l)" 1
}

mkdir -p "$B/sub/deep" "$B/other" "$W/beside"
echo bytes >"$B/sub/deep/f"

# inside
mnt
refused "inside" "$B/sub lies inside the lklfs mount on $B" "$B/sub"
refused "inside, made" "$B/sub/new lies inside the lklfs mount on $B" --mkdir "$B/sub/new"
refused "inside, after another" "$B/sub lies inside" "$W/beside" "$B/sub"
ln -s "$B/sub" "$W/link"
refused "inside, by a link" "$B/sub lies inside" "$W/link"
before=$(trace "$(v sub/deep/f)")
plain() { # WHAT WORD ARGS...
	local what=$1 word=$2
	shift 2
	# shellcheck disable=SC2016
	eq "$what: status" "$(status_of "$LKLFS" run --or-plain "$@" -- sh -c 'echo bytes >"$1"; exit 9' sh "$B/sub/deep/f")" 9
	said "$what" "$word" "$B" 2
	eq "$what: what follows" "$(sed -n 2p "$T/err")" "lklfs: warning: running COMMAND without a mount of its own"
	eq "$what: what was written, to the outer one" "$(trace "$(v sub/deep/f)")" "$before"
}
plain "plain" "$B/sub lies inside the lklfs mount on $B, which serves it already" "$B/sub"
plain "plain, over the same" "$B is mounted with lklfs already" "$B"
plain "plain, two" "serves it already" "$B/sub" "$B/other"
umnt
# the same by run
# shellcheck disable=SC2016
eq "run in run: status" "$(status_of "$LKLFS" run "$B" -- "$LKLFS" run "$B/sub" -- touch "$W/ran")" 125
# shellcheck disable=SC2016
eq "run in run, plain: status" "$(status_of "$LKLFS" run "$B" -- "$LKLFS" run --or-plain "$B/sub" -- sh -c 'echo bytes >"$1"' sh "$B/sub/deep/f")" 0
has "run in run, plain: the totals of the outer one" "$(tail -n 1 "$T/err")" "1 kept"

# around
"$LKLFS" "$B/sub/deep" </dev/null
refused "around" "the lklfs mount on $B/sub/deep lies inside $B" "$B"
refused "around, nearer" "the lklfs mount on $B/sub/deep lies inside $B/sub" "$W/beside" "$B/sub"
eq "around: the inner one" "$(cat "$B/sub/deep/f")" bytes
kill_daemon
# a dead one, too: what is in it could not be reached any more
eq "around a dead one: status" "$(status_of "$LKLFS" "$B")" 1
has "around a dead one: what is said" "$(cat "$T/err")" "lies inside $B"
"$LKLFS" umount "$B/sub/deep" </dev/null

# side by side is neither
"$LKLFS" "$B/sub" </dev/null
"$LKLFS" "$B/other" </dev/null
eq "side by side" "$(n_mounted "$B/sub")$(n_mounted "$B/other")" 11
mkdir "$B/subtle"
"$LKLFS" "$B/subtle" </dev/null
"$LKLFS" umount "$B/sub" "$B/other" "$B/subtle" </dev/null

# nor is another file system in a mount
if [[ $AXIS_USER == root ]]; then
	mnt
	mount -t tmpfs none "$B/other"
	mkdir "$B/other/dir"
	"$LKLFS" "$B/other/dir" </dev/null
	eq "on another file system" "$(n_mounted "$B/other/dir")" 1
	"$LKLFS" umount "$B/other/dir" </dev/null
	umount "$B/other"
	# what is hidden is in nobody's way
	"$LKLFS" umount "$B" </dev/null
	"$LKLFS" "$B/sub/deep" </dev/null
	mount -t tmpfs none "$B/sub"
	mnt
	"$LKLFS" umount "$B" </dev/null
	umount "$B/sub"
	"$LKLFS" umount "$B/sub/deep" </dev/null
fi
