#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 2, item 2: run prints one line at the end: files written, kept, changed, new, bytes not written.
. "${0%/*}/lib.sh"

pattern 5000 x >"$B/same"
cp "$B/same" "$W/same"
echo old >"$B/changed"
# shellcheck disable=SC2016
"$LKLFS" run "$B" -- sh -c 'cd "$1"; cat "$2" >same; echo new >changed; echo 1 >new1; echo 2 >new2; echo out; echo err >&2' \
	sh "$B" "$W/same" >"$T/out" 2>"$T/err" </dev/null
eq "standard output" "$(cat "$T/out")" out
eq "lines on standard error" "$(wc -l <"$T/err")" 2
eq "the first of them" "$(head -n 1 "$T/err")" err
line=$(tail -n 1 "$T/err")
has "written" "$line" "4 "
has "kept" "$line" "1 kept"
has "changed" "$line" "1 changed"
has "new" "$line" "2 new"
has "bytes not written" "$line" "4.9 KiB not written"
