#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: always: whenever the kill comes, between closes or in one, nothing is torn.
# BACKINGS: xfs bindfs
. "${0%/*}/lib.sh"

pattern 300000 one >"$T/1"
pattern 200000 two >"$T/2"
for f in a b c d; do
	cp "$T/1" "$B/$f"
done

# Rewrites the four until the mount is dead; says after each round that it is done.
writer() {
	local i f
	for ((i = 0; ; i++)); do
		for f in a b c d; do
			cat "$T/$((i % 2 + 1))" >"$B/$f" || return 0
		done
		echo "$i" >>"$T/rounds"
	done
}
rounds_are() { (($(wc -l <"$T/rounds") >= $1)); }
for round in 1 2 3 4 5 6; do
	mnt
	: >"$T/rounds"
	writer 2>/dev/null &
	pid=$!
	until_true "$round rounds" rounds_are "$round"
	kill_daemon
	wait "$pid"
	for f in a b c d; do
		cmp -s "$(v "$f")" "$T/1" || cmp -s "$(v "$f")" "$T/2" || fail "$f is torn after kill $round"
	done
	# every other time the dead mount is taken away first
	if ((round % 2)); then umnt; fi
done
mnt
eq "names in the backing" "$(ls -A "$(v .)" | tr '\n' ' ')" "a b c d "
for f in a b c d; do
	cmp -s "$B/$f" "$T/1" || cmp -s "$B/$f" "$T/2" || fail "$f is torn in the next mount"
done
