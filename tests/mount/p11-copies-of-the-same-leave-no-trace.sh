#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P11: times older than the session's start, set by the same process right after its own unchanged session
# (cp -p, shutil.copy2), belong to that write and leave no trace.
. "${0%/*}/lib.sh"
need python3

echo bytes >"$B/f"
echo bytes >"$W/source"
touch -d '2001-02-03 04:05:06.070809' "$W/source"
mnt
before=$(trace "$(v f)")
mount=$(seen "$B/f")
same() {
	eq "$1: the backing" "$(trace "$(v f)")" "$before"
	eq "$1: through the mount" "$(seen "$B/f")" "$mount"
}
cp -p "$W/source" "$B/f"
same "cp -p"
python3 -c 'import shutil, sys; shutil.copy2(sys.argv[1], sys.argv[2])' "$W/source" "$B/f"
same "shutil.copy2"
tool open 0 "$B/f" w,trunc -- write 0 0 'bytes\n' -- close 0 -- times "$B/f" 5 1000000000.123
same "times right after the close"
tool open 0 "$B/f" w,trunc -- write 0 0 'bytes\n' -- ftimes 0 5 1000000000.123 -- close 0
same "times before the close"
# more than once, and the kernel does not go on with what it was told
cp -p "$W/source" "$B/f"
cp -p "$W/source" "$B/f"
start r
to r open 0 "$B/f" r
has "fstat of a new handle" "$(to r fstat 0)" "$(grep -o 'mtime=[^ ]*' <<<"$mount")"
ends r
same "cp -p again"
