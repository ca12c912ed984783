#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P1: a truncate by path joins a session that is open, and nobody outside sees it before the end. Alone
# it is a session of its own, over when truncate() returns.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo "old bytes" >"$B/f"
mnt
start w
to w open 0 "$B/f" w
before=$(seen "$B/f")
tool truncate "$B/f" 3
eq "what a stranger sees during the session" "$(seen "$B/f")" "$before"
eq "size in the writer's eyes" "$(to w fstat 0 | grep -o 'size=[0-9]*')" size=3
ends w
eq "bytes after the session" "$(cat "$B/f")" old

before=$(mtime "$B/f")
tool truncate "$B/f" 1
eq "bytes after a truncate alone" "$(cat "$B/f")" o
eq "bytes in the backing" "$(cat "$(v f)")" o
newer "mtime" "$(mtime "$B/f")" "$before"

before=$(trace "$(v f)")
tool truncate "$B/f" 1
eq "the backing after a truncate to the size it has" "$(trace "$(v f)")" "$before"
