#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14, P4: of a file that is written after its name has gone, the one name that is left is not remembered by the kernel
# while the session lasts, or whoever looks after the close would be shown what was synced before.
# AXES: root ext4
. "${0%/*}/lib.sh"
need strace

echo "old bytes" >"$B/f"
ln "$B/f" "$B/left"
mnt -o durable
start w
to w open 0 "$B/f" w
rm "$B/f"
to w write 0 0 new
to w fsync 0
eq "after an fsync" "$(cat "$B/left")" "new bytes"
# the verdict takes its time
inject fsync:delay_enter=500ms
to w write 0 0 end
to w close 0
eq "after the close" "$(cat "$B/left")" "end bytes"
inject_end
ends w
eq "its names" "$(stat -c %h "$B/left")" 1
umnt
eq "in the end" "$(cat "$B/left")" "end bytes"
