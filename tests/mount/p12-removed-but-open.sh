#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: a removed file lives on for those who have it open, and another may take its name.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo old >"$B/f"
mnt
start r
to r open 0 "$B/f" rw
to r open 1 "$B/f" r
rm "$B/f"
eq "read after the removal" "$(to r read 0 0 10)" 'old\n'
has "fstat after the removal" "$(to r fstat 1)" nlink=0
echo new >"$B/f"
eq "the new file" "$(cat "$B/f")" new
eq "the old handle" "$(to r read 1 0 10)" 'old\n'
to r write 0 0 OLDER
to r ftruncate 0 4
eq "written through the old handle" "$(to r read 0 0 10)" OLDE
to r fchmod 0 600
to r ftimes 0 5 6
to r fsync 0
eq "the new file" "$(cat "$(v f)")" new
eq "the new file's mode" "$(stat -c %a "$(v f)")" 644
to r close 0
eq "the new file after the old handle's close" "$(cat "$(v f)")" new
eq "bytes through the mount" "$(cat "$B/f")" new
ends r
# a directory that somebody stands in
mkdir "$B/d"
(cd "$B/d" && rmdir "$B/d" && mkdir "$B/d" && echo x >"$B/d/f" && ! touch ./y 2>/dev/null)
eq "in the directory made again" "$(ls "$(v d)")" f
