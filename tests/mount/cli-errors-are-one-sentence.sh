#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 2, item 2: a directory that is missing, not a directory, not readable, mounted already or given
# twice: one clear sentence, nothing left mounted.
. "${0%/*}/lib.sh"

mkdir "$B/good" "$B/closed"
: >"$B/file"
ln -s good "$B/link"
refused() { # WHAT NAME-IN-THE-SENTENCE ARGS...
	local what=$1 name=$2
	shift 2
	eq "$what: status" "$(status_of "$LKLFS" "$@")" 1
	eq "$what: lines said" "$(wc -l <"$T/err")" 1
	has "$what: who says it" "$(cat "$T/err")" "lklfs: "
	has "$what: what it is about" "$(cat "$T/err")" "$name"
	eq "$what: on standard output" "$(cat "$T/out")" ""
	eq "$what: mounts" "$(findmnt -n -t fuse.lklfs -o TARGET)" "${mounted:-}"
}
mounted=""
refused "missing" "$B/missing" "$B/missing"
has "missing: what to do" "$(cat "$T/err")" --mkdir
refused "missing, after a good one" "$B/missing" "$B/good" "$B/missing"
refused "not a directory" "$B/file" "$B/file"
refused "given twice" "$B/good" "$B/good" "$B/good"
refused "given twice in other words" good "$B/good" "$B/link/../good/."
eq "daemons" "$(daemons)" ""
if [[ $AXIS_USER == user ]]; then
	chmod 0 "$B/closed"
	refused "not readable" "$B/closed" "$B/closed"
	chmod 700 "$B/closed"
fi
"$LKLFS" "$B/good" </dev/null
mounted=$B/good
refused "mounted already" "$B/good" "$B/good"
refused "mounted already, by another name" good "$B/link"
mounted=""
"$LKLFS" umount "$B/good" </dev/null
eq "run in a missing directory" "$(status_of "$LKLFS" run "$B/missing" -- true)" 125
eq "run in a missing directory: lines said" "$(wc -l <"$T/err")" 1
