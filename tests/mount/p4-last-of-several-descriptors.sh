#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: it is the last close that ends a session: of a dup, of a fork's copy.
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 new
to w dup 0 1
to w close 0
eq "after the close of one of two" "$(cat "$B/f")" old
to w write 1 0 newer
to w close 1
eq "after the close of the other" "$(cat "$B/f")" newer

to w open 0 "$B/f" w,trunc
forks w child
to w close 0
eq "after the close in the parent, which lives on" "$(cat "$B/f")" newer
to child write 0 0 "bychild"
to child close 0
eq "after the close in the child" "$(cat "$B/f")" bychild
leaves child
ends w
