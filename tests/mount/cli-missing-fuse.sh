#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 2, item 2: a missing /dev/fuse, fusermount3 or privilege: one clear sentence that says what is
# missing and what to do, nothing left mounted.
# AXES: root
. "${0%/*}/lib.sh"
need setpriv

refused() { # WHAT WORD COMMAND...
	local what=$1 word=$2
	shift 2
	eq "$what: status" "$(status_of "$@" "$B")" 1
	eq "$what: lines said" "$(wc -l <"$T/err")" 1
	has "$what: what is missing" "$(cat "$T/err")" "$word"
	eq "$what: mounts" "$(n_mounted "$B")" 0
	eq "$what: daemons" "$(daemons)" ""
}
user=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups --)
chown "$TEST_UID:$TEST_UID" "$B"
chmod 1777 "$T"
# may not mount: no set-id helper gets more rights in here
refused "no privilege" fusermount3 "${user[@]}" setpriv --no-new-privs -- "$LKLFS"

# an empty file in the helper's place, in this mount namespace alone
: >"$W/empty"
mount --bind "$W/empty" "$(command -v fusermount3)"
refused "no fusermount3" fusermount3 "${user[@]}" "$LKLFS"
umount "$(command -v fusermount3)"

# a /dev without fuse
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
refused "no /dev/fuse" /dev/fuse "$LKLFS"
umount /dev
"$LKLFS" "$B" </dev/null
eq "mounts with all in place" "$(n_mounted "$B")" 1
