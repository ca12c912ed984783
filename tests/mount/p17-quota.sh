#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a quota that is used up, for real: who looks is told, the old file stays, and with more of it all goes on.
# AXES: root ext4
. "${0%/*}/lib.sh"
need mkfs.btrfs btrfs

truncate -s 200M "$W/image"
mkfs.btrfs -q "$W/image"
mkdir "$W/small"
mount -o loop "$W/image" "$W/small" || skip "no btrfs"
trap 'umount -l "$W/small"; at_exit 1' EXIT
btrfs quota enable "$W/small"
btrfs -q subvolume create "$W/small/b" || btrfs subvolume create "$W/small/b" >&2
D=$W/small/b
pattern 3000000 old >"$D/f"
sync -f "$D"
quota=0/$(btrfs subvolume list "$W/small" | cut -d" " -f2)
btrfs qgroup limit 8M "$quota" "$W/small"
before=$(trace "$D/f")
pattern 20000000 new >"$W/new"
"$LKLFS" --log="$T/log" "$D" </dev/null
eq "cp over the old file" "$(status_of cp "$W/new" "$D/f")" 1
# (what close(2) says of pages that were written back is "no space" or "input/output error", nothing else)
has "cp over the old file" "$(cat "$T/err")" "cp: "
eq "cp to a new name" "$(status_of cp "$W/new" "$D/g")" 1
eq "the old file" "$(sum "$D/f")" "$(pattern 3000000 old | sha256sum | cut -d' ' -f1)"
has "the log" "$(cat "$T/log")" "quota exceeded"
rm -f "$D"/*.lklfs-unsaved*
eq "the old file underneath" "$(trace "$D/f" | cut -d' ' -f1-3)" "$(cut -d' ' -f1-3 <<<"$before")"
btrfs qgroup limit none "$quota" "$W/small"
sync -f "$W/small"
cp "$W/new" "$D/f"
eq "with more of it" "$(sum "$D/f")" "$(sum "$W/new")"
"$LKLFS" umount "$D" </dev/null
until_true "the daemon's end" no_daemon
eq "in the backing" "$(sum "$D/f")" "$(sum "$W/new")"
umount "$W/small"
trap 'status=$?; at_exit "$status"' EXIT
