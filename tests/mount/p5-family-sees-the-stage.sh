#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P5: the family sees the stage by path too: the writer, its children, and the processes above it.
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 'staged\n'
eq "a child of the writer" "$(to w spawn cat "$B/f")" '0 staged\n'
eq "a grandchild" "$(to w spawn "sh -c 'cat $B/f; true'")" '0 staged\n'
eq "size, in a child's eyes" "$(to w spawn stat -c %s "$B/f")" '0 7\n'
# the shell itself is above the writer; a command of it is not
read -r line <"$B/f"
eq "the shell above the writer" "$line" staged
[[ "$B/f" -nt "$(v f)" ]] || fail "the shell above the writer is told the old mtime"
eq "a stranger" "$(cat "$B/f")" old
ends w
eq "a stranger, after the session" "$(cat "$B/f")" staged
