#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3: a handle opened before goes on reading the old, after the exposure too, mapped or not; every
# version has its readers.
# BACKINGS: all
. "${0%/*}/lib.sh"

printf 'first version' >"$B/f"
mnt
start r
to r open 0 "$B/f" r
to r mmap 0 13 r
stat0=$(to r fstat 0 | grep -o '.* mtime=[^ ]*')
printf 'second' >"$B/f"
to r open 1 "$B/f" r
printf 'third, longer than the others' >"$B/f"
to r open 2 "$B/f" r

eq "the first handle" "$(to r read 0 0 100)" 'first\sversion'
eq "the second handle" "$(to r read 1 0 100)" second
eq "the third handle" "$(to r read 2 0 100)" 'third,\slonger\sthan\sthe\sothers'
eq "the first mapping" "$(to r load 0 0 13)" 'first\sversion'
eq "fstat of the first handle" "$(to r fstat 0 | grep -o '.* mtime=[^ ]*')" "$stat0"
eq "by path" "$(cat "$B/f")" 'third, longer than the others'
eq "in the backing" "$(cat "$(v f)")" 'third, longer than the others'
ends r
