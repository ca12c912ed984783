#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P16: thin archives: their bytes name members and stay the same when a member changes; others are kept.
. "${0%/*}/lib.sh"
need gcc ar

echo 'int f(void) { return 1; }' >"$W/f.c"
mnt
gcc -c "$W/f.c" -o "$B/f.o"
cd "$B"
ar rcDT thin.a f.o
ar rcD thick.a f.o
has "the thin archive" "$(head -c 7 thin.a)" '!<thin>'
cd "$T"
touch -d 2001-01-01 "$B/thin.a" "$B/thick.a"
before=$(trace "$(v thick.a)")
bytes=$(sum "$B/thin.a")
(cd "$B" && ar rcDT thin.a f.o && ar rcD thick.a f.o)
eq "bytes of the thin archive" "$(sum "$B/thin.a")" "$bytes"
newer "mtime of the thin archive" "$(mtime "$B/thin.a")" 1000000000.0
eq "the other archive" "$(trace "$(v thick.a)")" "$before"
