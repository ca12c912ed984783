#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# umount ends sessions: what was closed a moment ago is in the backing when it returns.
. "${0%/*}/lib.sh"

for ((i = 0; i < 10; i++)); do
	mnt
	pattern 500000 "$i" >"$B/f"
	pattern 500000 "$i" >"$B/new$i"
	umnt
	cmp "$B/f" "$B/new$i" || fail "round $i"
	eq "last line" "$(pattern 500000 "$i" | sum /dev/stdin)" "$(sum "$B/f")"
done
