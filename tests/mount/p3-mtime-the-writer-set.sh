#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3 and P11: the mtime is the moment of exposure unless the writer set one; times set within a session
# count if the bytes changed.
# BACKINGS: all
. "${0%/*}/lib.sh"
need python3

echo old >"$B/f"
mnt
tool open 0 "$B/f" w,trunc -- write 0 0 one -- ftimes 0 1000000000.5 1000000001.123456789 -- close 0
eq "set through the handle" "$(mtime "$B/f")" 1000000001.123456789
eq "the same in the backing" "$(mtime "$(v f)")" 1000000001.123456789

tool open 0 "$B/f" w,trunc -- write 0 0 two -- times "$B/f" omit 1000000002.000000001 -- close 0
eq "set by path within the session" "$(mtime "$B/f")" 1000000002.000000001
eq "the same in the backing" "$(mtime "$(v f)")" 1000000002.000000001

echo three >"$W/source"
touch -d '2003-04-05 06:07:08.091011121' "$W/source"
cp -p "$W/source" "$B/f"
eq "cp -p of other bytes" "$(mtime "$B/f")" "$(mtime "$W/source")"
eq "the same in the backing" "$(mtime "$(v f)")" "$(mtime "$W/source")"

echo four >"$W/source"
touch -d '2004-04-05 06:07:08.091011121' "$W/source"
python3 -c 'import shutil, sys; shutil.copy2(sys.argv[1], sys.argv[2])' "$W/source" "$B/f"
eq "copy2 of other bytes" "$(mtime "$B/f")" "$(mtime "$W/source")"

# a new file
cp -p "$W/source" "$B/new"
eq "cp -p of a new name" "$(mtime "$(v new)")" "$(mtime "$W/source")"

# set before it was written: the exposure's, or what was set, but never the old one
before=$(mtime "$B/f")
tool open 0 "$B/f" w,trunc -- ftimes 0 now now -- write 0 0 five -- close 0
newer "now, set within the session" "$(mtime "$B/f")" "$before"
