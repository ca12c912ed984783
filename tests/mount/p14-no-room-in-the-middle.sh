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
head -c $(($(stat -f -c '%a * %S' "$B") - 5000000)) /dev/zero >"$W/small/filler"
mnt --log="$T/log"
before=$(trace "$B/other")
cp "$T/new" "$B/a"
cmp "$B/a" "$T/new"
eq "failed" "$(status_value failed_paths)" '["a"]'
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
umount "$W/small"
B=$V
