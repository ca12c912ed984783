#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14 and P17: where there is no room to write all of it through, none of it is written: the file is as it was
# by its other names, and what was written is what everyone reads by the name that it was written by.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.ext4

truncate -s 8M "$W/image"
mkfs.ext4 -q -F -O ^has_journal -m 0 "$W/image"
mkdir "$W/small"
mount -o loop "$W/image" "$W/small"
mkdir "$W/small/b"
B=$W/small/b
pattern 100000 old >"$B/a"
ln "$B/a" "$B/other"
pattern 3000000 new >"$T/new"
# room for it once, but not twice
fill() { head -c $(($(stat -f -c '%a * %S' "$B") - $1)) /dev/zero >"$W/small/filler"; }
fill 5000000
mnt --log="$T/log"
before=$(trace "$B/other")
cp "$T/new" "$B/a"
cmp "$B/a" "$T/new"
until_true "a failure" these_failed '["a"]'
eq "the other name" "$(seen "$B/other" | cut -d' ' -f2,3)" "$(cut -d' ' -f2,3 <<<"$before")"
(($(stat -c %b "$B/other") < 300)) || fail "room is held for what could not be written: $(trace "$B/other")"
eq "the other name's bytes" "$(pattern 100000 old | sum /dev/stdin)" "$(sum "$B/other")"
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
cmp "$B/a" "$T/new"
rm "$W/small/filler"
umnt
cmp "$B/a" "$T/new"
cmp "$B/other" "$T/new"
eq "names" "$(ls -A "$B" | tr '\n' ' ')" "a other "

# killed while it is so, with or without a hidden name that says for which inode its bytes are: nothing has been written, and
# there is still no room for it
was=$(trace "$B/other")
pattern 3500000 newer >"$T/newer"
fill 3700000
mnt
cp "$T/newer" "$B/a"
until_true "another failure" these_failed '["a"]'
kill_daemon
"$LKLFS" umount "$B"
cmp "$B/other" "$T/new"
mnt
cmp "$B/a" "$T/new"
umnt
eq "names after the crash" "$(ls -A "$B" | tr '\n' ' ')" "a other "
eq "mtime after the crash" "$(mtime "$B/other")" "$(sed 's/.*mtime=\([^ ]*\).*/\1/' <<<"$was")"
rm "$W/small/filler"

ends_traced
fill 3700000
mnt
start w
to w open 0 "$B/a" w,trunc
to w fill 0 0 3500000 n
sync -f "$B"
inject fallocate:signal=KILL:when=1
ends w
until_true "the daemon's death" no_daemon
wait "$STRACE_PID" || :
"$LKLFS" umount "$B"
eq "hidden names" "$(find "$B" -name '*stage*' -type f | wc -l)" 1
eq "status of the next mount" "$(status_of "$LKLFS" "$B")" 0
has "said" "$(cat "$T/err")" "cannot finish writing"
cmp "$B/a" "$T/new"
umnt
rm "$W/small/filler"
mnt
eq "finished" "$(stat -c %s "$B/a") $(tr -d n <"$B/other" | wc -c)" "3500000 0"
umnt
eq "names at the end" "$(ls -A "$B" | tr '\n' ' ')" "a other "
umount "$W/small"
B=$V
