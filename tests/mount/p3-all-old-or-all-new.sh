#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3: a reader sees all of the old or all of the new.
. "${0%/*}/lib.sh"

pattern 200000 old >"$T/a"
pattern 150000 new >"$T/b"
cp "$T/a" "$B/f"
mnt
: >"$T/sums"
(
	while [[ ! -e "$T/stop" ]]; do
		cat "$B/f" | sha256sum >>"$T/sums"
	done
) &
reader=$!
seen_both() { (($(sort -u "$T/sums" | wc -l) >= 2 && $(wc -l <"$T/sums") >= 20)); }
both() {
	cat "$T/b" >"$B/f"
	cat "$T/a" >"$B/f"
	seen_both
}
until_true "the reader has seen both versions" both
for ((i = 0; i < 20; i++)); do
	both || :
done
: >"$T/stop"
wait "$reader"
eq "sums of what was read" "$(sort -u "$T/sums")" "$(for f in a b; do sha256sum <"$T/$f"; done | sort)"
