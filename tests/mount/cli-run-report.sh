#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `lklfs run --report` prints on standard error, before its last line, what `lklfs report` says of this run alone, of all of
# its mounts; the exit status is COMMAND's.
# AXES: root ext4
. "${0%/*}/lib.sh"

mkdir "$B/a" "$B/b"
echo same >"$B/a/same"
cd "$W"
run() { # STATUS OPTIONS... -- COMMAND: leaves $T/text, what was said but for the last line
	local want=$1
	shift
	eq "exit status" "$(status_of "$LKLFS" run "$@")" "$want"
	eq "standard output" "$(cat "$T/out")" out
	has "the last line" "$(tail -n 1 "$T/err")" "3 files written: 1 kept"
	sed '$d' "$T/err" >"$T/text"
}
writes() { # to be run: writes to both mounts
	# shellcheck disable=SC2016
	echo 'cd "$0" && echo same >a/same; echo new >a/new; echo new >b/new; echo out; exit 7'
}
run 7 --report "$B/a" "$B/b" -- sh -c "$(writes)" "$B"
has "mounts and verdicts" "$(head -n 1 "$T/text")" "1 build, 3 verdicts, 1 kept, 2 new"
grep -Eq '^ +1 +5 +0  .*/a/same: ' "$T/text" || fail "what was kept: $(cat "$T/text")"
# the same as of a file, into which all goes as well, behind what was there
rm "$B/a/new" "$B/b/new"
run 7 -o "journal=$W/journal" "$B/a" "$B/b" -- sh -c "$(writes)" "$B"
eq "without --report" "$(cat "$T/text")" ""
rm "$B/a/new" "$B/b/new"
lines=$(wc -l <"$W/journal")
run 7 --report -o "journal=$W/journal" "$B/a" "$B/b" -- sh -c "$(writes)" "$B"
tail -n "+$((lines + 1))" "$W/journal" >"$W/journal2"
eq "lines in the file" "$(wc -l <"$W/journal2")" "$lines"
eq "of this run alone" "$(cat "$T/text")" "$("$LKLFS" report "$W/journal2")"
has "of this run alone" "$(head -n 1 "$T/text")" "1 build, 3 verdicts"
rm "$B/a/new" "$B/b/new"
run 7 --report -o audit "$B/a" "$B/b" -- sh -c "$(writes)" "$B"
has "an audit" "$(cat "$T/text")" "3 verdicts are of an audit: nothing was held back; 1 would have been kept"

# where there is nothing to tell
eq "no command" "$(status_of "$LKLFS" run --report "$B" -- "$T/missing")" 127
eq "no command" "$(cat "$T/err")" "lklfs: cannot execute $T/missing: No such file or directory"
