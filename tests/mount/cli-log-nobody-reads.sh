#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a failure is said, but nobody who says it waits for whoever reads: with a full pipe as standard error, that nobody
# empties, the mount goes on and ends, and what was said comes when somebody reads after all.
# AXES: root ext4
# TIMEOUT: 20
. "${0%/*}/lib.sh"

mkfifo "$T/said"
exec {said}<>"$T/said"
fill() {
	local size
	for size in 4096 1; do
		! dd "bs=$size" if=/dev/zero of="$T/said" oflag=nonblock conv=nocreat,notrunc 2>"$T/err" || fail "it is not full"
		has "why no more goes into the pipe" "$(cat "$T/err")" "temporarily unavailable"
	done
}
begins() {
	fill
	"$LKLFS" -f "$B" </dev/null >&"$said" 2>&1 &
	daemon=$!
	until_true "a live mount" is_live
}
fails() { # BYTES: that are written, and cannot be exposed
	(chattr +i "$V/f" && echo "$1") >"$B/f"
	until_true "the failure" so_many_failed 1
}
taken() { # reads what is in the pipe until a line matches
	while read -r -t 30 -u "$said" line; do
		tr -d '\0' <<<"$line" >>"$T/taken"
		[[ "$line" != *$1* ]] || return 0
	done
	return 1
}

echo old | tee "$B/f" "$B/g" >/dev/null

# the mount goes on
begins
fails new
(echo new) >"$B/g"
eq "another file" "$(cat "$B/g" "$V/g")" $'new\nnew'
chattr -i "$V/f"
try_again
eq "the file, after all" "$(cat "$V/f")" new
taken "exposed after all" || fail "the last is not said: $(cat "$T/taken")"
eq "what is said" "$(cat "$T/taken")" "lklfs: cannot expose f in $B, which is tried again: Operation not permitted
lklfs: f in $B has been exposed after all"

# it ends, too
fill
fails newer
chattr -i "$V/f"
umnt
wait "$daemon"
