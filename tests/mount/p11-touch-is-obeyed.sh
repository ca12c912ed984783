#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P11: times set by path, or through a handle through which nothing was written, are obeyed at once.
# BACKINGS: all
. "${0%/*}/lib.sh"
need python3

echo bytes >"$B/f"
touch -d '2001-02-03 04:05:06.070809' "$B/f"
mnt
times() { stat -c '%.9X %.9Y' "$1"; }
both_are() { # WHAT MTIME
	eq "$1: through the mount" "$(mtime "$B/f")" "$2"
	eq "$1: in the backing" "$(mtime "$(v f)")" "$2"
}
moved_to_now() { # WHAT
	newer "$1" "$(mtime "$B/f")" "$old"
	not_newer "$1: against the clock" "$(mtime "$B/f")" "$(date +%s.%N)"
	eq "$1: in the backing" "$(mtime "$(v f)")" "$(mtime "$B/f")"
}

old=$(mtime "$B/f")
touch "$B/f"
moved_to_now touch
touch -d '2002-01-01 00:00:00.123456789 UTC' "$B/f"
both_are "touch -d" 1009843200.123456789
touch -m -d '2003-01-01 00:00:00.5 UTC' "$B/f"
both_are "touch -m -d" 1041379200.500000000
touch -a -d '2004-01-01 UTC' "$B/f"
both_are "touch -a leaves the mtime" 1041379200.500000000
eq "touch -a sets the atime" "$(times "$(v f)")" "1072915200.000000000 1041379200.500000000"
touch -m "$B/f"
old=1041379200.5 moved_to_now "touch -m"
python3 -c 'import os, sys; os.utime(sys.argv[1], ns=(5, 1000000000000000007))' "$B/f"
both_are "os.utime by path" 1000000000.000000007
python3 -c 'import os, sys; os.utime(os.open(sys.argv[1], os.O_RDONLY), ns=(5, 1000000001000000007))' "$B/f"
both_are "os.utime through a handle for reading" 1000000001.000000007
tool open 0 "$B/f" rw -- ftimes 0 6 1000000002.000000008 -- close 0
both_are "through a handle for writing, unused" 1000000002.000000008
tool open 0 "$B/f" rw -- read 0 0 3 -- ftimes 0 omit 1000000003.000000009 -- close 0 >/dev/null
both_are "through a handle for writing, read from" 1000000003.000000009
tool times "$B/f" omit omit
both_are "both omitted" 1000000003.000000009
tool times "$B/f" 7 omit
both_are "mtime omitted" 1000000003.000000009
tool open 0 "$B/f" rw -- ftimes 0 -- close 0
old=1000000003.9 moved_to_now "now, through a handle for writing, unused"

# other things that have times
mkdir "$B/d"
ln -s nowhere "$B/link"
touch -d '2002-01-01 00:00:00 UTC' "$B/d"
eq "a directory's" "$(mtime "$(v d)")" 1009843200.000000000
touch -h -d '2002-01-01 00:00:00 UTC' "$B/link"
eq "a symbolic link's" "$(mtime "$(v link)")" 1009843200.000000000
eq "a symbolic link's through the mount" "$(mtime "$B/link")" 1009843200.000000000
touch "$B/created"
eq "touch of a new name" "$(stat -c %s "$(v created)")" 0
