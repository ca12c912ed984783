#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7, P12: a removed version that is remembered is gone for everybody: not listed, not found, no link of it is
# counted, its directory can be removed; and whoever has it open reads on.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
echo content >"$B/d/f"
mnt
root=$(stat -c %h "$B")
start r
to r open 0 "$B/d/f" r
rm "$B/d/f"
eq "listed" "$(ls -A "$B/d")" ""
eq "listed in the root" "$(ls -A "$B")" d
eq "found" "$(errno_of stat "$B/d/f")" ENOENT
has "links of the open one" "$(to r fstat 0)" nlink=0
eq "read" "$(to r read 0 0 10)" 'content\n'
rmdir "$B/d"
eq "links of the root" "$(stat -c %h "$B")" "$((root > 1 ? root - 1 : root))"
eq "read after the directory's end" "$(to r read 0 0 10)" 'content\n'
mkdir "$B/d"
echo content >"$B/d/f"
eq "read after it is back" "$(to r read 0 0 10)" 'content\n'
eq "links of it" "$(stat -c %h "$B/d/f")" 1
ends r
# a hard link to it is one more, and then the versions are one file
ln "$B/d/f" "$B/d/g"
eq "links" "$(stat -c %h "$B/d/f")" 2
rm "$B/d/f"
eq "links" "$(stat -c %h "$B/d/g")" 1
# killed with remembered versions, the next mount sweeps them
echo a >"$B/d/h"
rm "$B/d/h" "$B/d/g"
ne "remembered" "$(strange_names)" ""
kill_daemon
mnt
eq "after the next mount" "$(ls -A "$V" "$V/d" | xargs)" "$V: d $V/d:"
