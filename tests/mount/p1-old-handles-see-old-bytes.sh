#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P1: ... and through handles opened before: reads, fstat and mappings.
# BACKINGS: overlayfs bindfs
. "${0%/*}/lib.sh"

pattern 10000 old >"$B/f"
mnt
start r
to r open 0 "$B/f" r
to r open 1 "$B/f" r
to r mmap 1 10000 r
before=$(to r fstat 0)
first=$(to r read 0 0 100)

start w
to w open 0 "$B/f" rw
to w write 0 0 NEWBYTES
to w ftruncate 0 50
eq "read through the old handle" "$(to r read 0 0 100)" "$first"
eq "load through the old mapping" "$(to r load 1 0 100)" "$first"
eq "fstat of the old handle" "$(to r fstat 0)" "$before"
eq "the writer's own read" "$(to w read 0 0 8)" NEWBYTES

# a handle opened by a stranger during the session, read later in it
to r open 2 "$B/f" r
to w write 0 0 newer
eq "read through a handle opened during the session" "$(to r read 2 0 100)" "$first"
ends w
ends r
