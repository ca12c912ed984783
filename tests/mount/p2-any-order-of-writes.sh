#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: the order in which equal bytes are written, how often, and what is left alone, do not matter.
. "${0%/*}/lib.sh"

# ten blocks of 1000 bytes, each of one letter
for c in a b c d e f g h i j; do
	printf '%1000s' '' | tr ' ' "$c"
done >"$T/old"
for f in backwards twice overlapping part holes; do
	cp "$T/old" "$B/$f"
done
mnt
declare -A before
for f in backwards twice overlapping part holes; do
	before[$f]=$(trace "$(v "$f")")
done

tool open 0 "$B/backwards" w,trunc \
	-- fill 0 9000 1000 j -- fill 0 8000 1000 i -- fill 0 7000 1000 h -- fill 0 6000 1000 g \
	-- fill 0 5000 1000 f -- fill 0 4000 1000 e -- fill 0 3000 1000 d -- fill 0 2000 1000 c \
	-- fill 0 1000 1000 b -- fill 0 0 1000 a
# the whole of it in one letter first, in the one session
tool open 0 "$B/twice" rw -- fill 0 0 10000 x -- fill 0 0 1000 a -- fill 0 1000 1000 b \
	-- fill 0 2000 1000 c -- fill 0 3000 1000 d -- fill 0 4000 1000 e -- fill 0 5000 1000 f \
	-- fill 0 6000 1000 g -- fill 0 7000 1000 h -- fill 0 8000 1000 i -- fill 0 9000 1000 j
tool open 0 "$B/overlapping" rw -- fill 0 900 3000 x -- fill 0 900 100 a -- fill 0 1000 1000 b \
	-- fill 0 3000 900 d -- fill 0 1500 2000 y -- fill 0 1500 500 b -- fill 0 2000 1000 c -- fill 0 3000 500 d
tool open 0 "$B/part" rw -- fill 0 4000 1000 e -- fill 0 4100 10 e
tool open 0 "$B/holes" rw -- fill 0 1000 1 b -- fill 0 9999 1 j
for f in backwards twice overlapping part holes; do
	cmp "$(v "$f")" "$T/old" || fail "$f: other bytes"
	eq "$f: the backing file" "$(trace "$(v "$f")")" "${before[$f]}"
done

# and the counter-example: one byte off is a change
tool open 0 "$B/part" rw -- fill 0 4000 1000 e -- fill 0 4100 1 x
ne "mtime after a change of one byte" "$(mtime "$(v part)")" "$(grep -o 'mtime=[0-9.]*' <<<"${before[part]}" | cut -d= -f2)"
