#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# -o journal=FILE: a FILE that cannot be used is one sentence, and nothing is mounted; one that takes no lines keeps
# nobody waiting, and what is missing is said and counted.
# AXES: ext4
. "${0%/*}/lib.sh"
need python3

refused() { # WHAT WORD FILE
	eq "$1: status" "$(status_of "$LKLFS" -o "journal=$3" "$B")" "${4-1}"
	eq "$1: lines said" "$(wc -l <"$T/err")" 1
	has "$1: what is said" "$(cat "$T/err")" "$2"
	eq "$1: mounts" "$(n_mounted "$B")" 0
}
refused "no such directory" "cannot open the journal $W/missing/j" "$W/missing/j"
refused "a directory" "cannot open the journal $W" "$W"
refused "inside" "the journal $B/j would be hidden" "$B/j"
mkfifo "$W/unread"
refused "a pipe that nobody reads" "cannot open the journal $W/unread" "$W/unread"
refused "none" "-o journal=: a FILE is wanted" "" 2

# several mounts, one file, each line whole; a comma in the name
mkdir "$B/a" "$B/b"
"$LKLFS" -o "journal=$W/with\,comma" "$B/a" "$B/b" </dev/null
# shellcheck disable=SC2016
for dir in a b; do
	sh -c 'for i in $(seq 60); do echo $i >"$0/f$i"; done' "$B/$dir" &
done
wait
"$LKLFS" umount "$B/a" "$B/b"
eq "lines" "$(wc -l <"$W/with,comma")" 122
python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$W/with,comma"

# a full disk
# shellcheck disable=SC2016
"$LKLFS" run -o journal=/dev/full "$B" -- sh -c 'echo bytes >"$0/f"; echo bytes >"$0/g"' "$B" </dev/null 2>"$T/err"
eq "with a full disk" "$(cat "$B/f" "$B/g")" "bytes
bytes"
eq "what is said" "$(grep -c 'the journal /dev/full misses lines' "$T/err")" 1
# one that has room again counts what it has missed; one that nobody but the mounter may read
mkdir "$W/small"
if [[ $AXIS_USER == root ]]; then
	mount -t tmpfs -o size=16k none "$W/small"
	# shellcheck disable=SC2016
	"$LKLFS" run -o "journal=$W/small/j" "$B" -- sh -c 'for i in $(seq 60); do echo $i >"$0/f"; done; sync "$0/.lklfs/journal"
		mount -o remount,size=64k "$1" && echo more >"$0/f"' "$B" "$W/small" </dev/null 2>"$T/err"
	eq "lines and missed lines" "$(($(wc -l <"$W/small/j") - 2 + $(sed -n 's/.*"missed":\([0-9]*\).*/\1/p' "$W/small/j")))" 62
	eq "its mode" "$(stat -c %a "$W/small/j")" 600
	umount "$W/small"
fi

# a pipe that nobody empties: far more than it and the queue hold
mkfifo "$W/pipe"
exec 5<>"$W/pipe"
mnt -o "journal=$W/pipe"
# shellcheck disable=SC2016
sh -c 'long=$(printf "%0200d" 0); mkdir "$0/$long"; for i in $(seq 1300); do echo $i >"$0/$long/f"; done' "$B"
eq "the last one" "$(cat "$B"/0*/f)" 1300
cat "$B/.lklfs/journal" >"$T/kept"
has "the last line" "$(tail -n 1 "$T/kept")" '"verdict":"changed"'
cat <&5 >"$T/piped" &
reader=$!
umnt
exec 5<&-
until_true "the count of what is missing" grep -q '"missed":' "$T/piped"
kill "$reader"
wait "$reader" || :
missed=$(sed -n 's/.*"missed":\([0-9]*\).*/\1/p' "$T/piped")
eq "lines and missed lines" "$(($(wc -l <"$T/piped") - 1 + missed))" 1301
