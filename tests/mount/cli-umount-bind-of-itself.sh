#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# umount takes away every layer, and waits for a daemon only when the last of its mount has gone: a bind mount
# of the mount on itself is one layer more of the same daemon.
# AXES: root
. "${0%/*}/lib.sh"

echo bytes >"$B/f"
mnt
mount --bind "$B" "$B"
eq "exit status" "$(status_of "$LKLFS" umount "$B")" 0
eq "what it said" "$(cat "$T/err")" ""
eq "mounts" "$(n_mounted "$B")" 0
eq "the file" "$(cat "$B/f")" bytes
