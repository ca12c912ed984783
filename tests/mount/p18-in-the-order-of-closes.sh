#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: what was closed, renamed, touched or made later is not there after a crash if what was closed before is not: a stamp is a
# sign that something is done. And of two names of one file that whose writer closed last wins (P14).
# AXES: root
. "${0%/*}/lib.sh"
need strace

content() { head -c $((40 << 20)) /dev/zero | tr '\0' "$1"; }
content a >"$B/large"
for sign in written touched renamed; do
	: >"$B/$sign"
	: >"$B/$sign.old"
done
dies_after() { # NEW COMMAND: NEW is written into the large file, COMMAND gives a sign, and the daemon is killed
	local sign=$1 new=$2 command=$3 before after daemon
	before=$(stat -c '%.9Y %s' "$B/$sign")
	mnt
	daemon=$(daemons)
	content "$new" | (cd "$B" && sh -c "cat >large; $command") || fail "$command"
	kill -KILL "$daemon"
	until_true "the daemon's end" no_daemon
	umount "$B"
	after=$(stat -c '%.9Y %s' "$B/$sign")
	[[ "$after" == "$before" || "$(head -c 1 "$B/large")" == "$new" ]] || fail "$sign is there, the large file is not"
	if [[ "$(head -c 1 "$B/large")" == "$new" ]]; then n_signs=$((n_signs + 1)); fi
}
n_signs=0
for new in b c d; do
	dies_after written "$new" "echo $new >written"
	dies_after touched "$new" "touch touched"
	dies_after renamed "$new" "mv renamed.old renamed"
	echo "$new" >"$B/renamed.old"
done
# Where the bytes take half a second to get to the disk, the file is over when the sign has been given.
: >"$B/file"
mnt -o durable
i=0
for command in "touch touched" "mv renamed.old renamed" "mkdir dir" "ln -s large symlink" "ln touched link" "mkfifo fifo"; do
	i=$((i + 1))
	inject fsync:delay_enter=500ms
	pattern 1000 "$i" | (cd "$B" && sh -c "cat >file; $command")
	eq "$command, and then the file" "$(sum "$V/file")" "$(pattern 1000 "$i" | sha256sum | cut -d' ' -f1)"
	inject_end
done
umnt
rm "$B/link"
echo "$n_signs of 9 large files were exposed before the end"

echo old >"$B/one"
ln "$B/one" "$B/other"
mnt
for i in {1..20}; do
	tool open 0 "$B/one" w,trunc -- open 1 "$B/other" w -- write 0 0 "first $i" -- write 1 0 "later $i" -- close 0 -- close 1 >"$T/out"
	eq "round $i" "$(cat "$B/one")" "later $i"
done
