#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 4: over a file system that is mounted read-only mounting is refused in one sentence that says what to do,
# before anything is mounted; run --or-plain runs COMMAND; with -o ro it is mounted, and can be read.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4 setpriv

refused() { # WHAT DIR ARGS...: as root and as the user
	local what=$1 dir=$2 as
	shift 2
	for as in "" "setpriv --reuid=$TEST_UID --regid=$TEST_UID --clear-groups --"; do
		# shellcheck disable=SC2086
		eq "$what: status" "$(status_of $as "$LKLFS" "$@")" 1
		said "$what" "$dir"
		# shellcheck disable=SC2086
		eq "$what, run: status" "$(status_of $as "$LKLFS" run "$@" -- touch "$T/ran")" 125
		said "$what, run" "$dir"
		[[ ! -e "$T/ran" ]] || fail "$what: COMMAND ran"
		# shellcheck disable=SC2086
		eq "$what, plain: status" "$(status_of $as "$LKLFS" run --or-plain "$@" -- sh -c 'echo out; exit 9')" 9
		said "$what, plain" "$dir" 2
		eq "$what, plain: what follows" "$(sed -n 2p "$T/err")" "lklfs: warning: running COMMAND without lklfs"
		eq "$what, plain: what COMMAND prints" "$(cat "$T/out")" out
	done
}
said() { # WHAT DIR [LINES]
	eq "$1: lines said" "$(wc -l <"$T/err")" "${3:-1}"
	has "$1: what is said" "$(cat "$T/err")" "$2 is on a file system that is mounted read-only: remount that writable"
	eq "$1: mounts" "$(findmnt -n -t fuse.lklfs)" ""
	eq "$1: daemons" "$(daemons)" ""
}
can_be_read() { # WHAT
	eq "$1, with -o ro" "$(cat "$B/dir/f")" bytes
	eq "$1, with -o ro: writing" "$(errno_of open 0 "$B/dir/f" w)" EROFS
	eq "$1, with -o ro: making" "$(errno_of open 0 "$B/dir/g" w,creat)" EROFS
	eq "$1, with -o ro: mounts" "$(n_mounted "$B/dir")" 1
	"$LKLFS" umount "$B/dir" </dev/null
}
chmod 777 "$B" "$W" "$T"
mkdir -m 777 "$B/dir" "$W/writable"
echo bytes >"$B/dir/f"

# a bind mount of a directory that can be written
mount --bind "$B/dir" "$B/dir"
mount -o remount,bind,ro "$B/dir"
refused "a bind mount" "$B/dir" "$B/dir"
refused "a bind mount, after another" "$B/dir" "$W/writable" "$B/dir"
"$LKLFS" -o ro "$B/dir" </dev/null
can_be_read "a bind mount"
eq "with -o ro,rw: status" "$(status_of "$LKLFS" -o ro,rw "$B/dir")" 1
said "with -o ro,rw" "$B/dir"
# below it, made
eq "--mkdir: status" "$(status_of "$LKLFS" --mkdir "$B/dir/new")" 1
eq "--mkdir: lines said" "$(wc -l <"$T/err")" 1
has "--mkdir: what is said" "$(cat "$T/err")" "cannot create $B/dir/new: Read-only file system"
# what is underneath does not matter once that is writable again
mount -o remount,bind,rw "$B/dir"
"$LKLFS" "$B/dir" </dev/null
echo changed >"$B/dir/f"
"$LKLFS" umount "$B/dir" </dev/null
eq "remounted" "$(cat "$B/dir/f")" changed
echo bytes >"$B/dir/f"
umount "$B/dir"

# a file system of its own
truncate -s 4M "$W/image"
mkfs.ext4 -q -F -d "$B/dir" "$W/image"
mount -o loop,ro "$W/image" "$B/dir"
refused "an ext4" "$B/dir" "$B/dir"
"$LKLFS" -o ro "$B/dir" </dev/null
can_be_read "an ext4"
umount "$B/dir"
