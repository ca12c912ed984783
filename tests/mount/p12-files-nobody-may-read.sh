#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: what the backing lets one do with a file that cannot be read, or not be written, one can do.
# BACKINGS: all
. "${0%/*}/lib.sh"

for f in write-only read-only; do
	echo old >"$B/$f"
	echo old >"$W/$f"
done
chmod 200 "$B/write-only" "$W/write-only"
chmod 400 "$B/read-only" "$W/read-only"
mnt
both() { # the same command, beside the mount and in it
	local plain mounted
	plain=$(cd "$W" && "$@" 2>&1) || plain+=" status $?"
	mounted=$(cd "$B" && "$@" 2>&1) || mounted+=" status $?"
	eq "$*" "$mounted" "$plain"
}
bytes() { # whatever the mode
	local mode
	mode=$(stat -c %a "$1")
	chmod 600 "$1"
	cat "$1"
	chmod "$mode" "$1"
}
both tool open 0 write-only w,trunc -- write 0 0 new -- close 0
eq "written" "$(bytes "$(v write-only)")" new
both tool open 0 write-only w,append -- write 0 - er -- close 0
eq "appended" "$(bytes "$(v write-only)")" newer
both tool open 0 write-only r
both tool open 0 write-only rw
both tool truncate write-only 3
eq "truncated" "$(bytes "$(v write-only)")" new
both tool open 0 read-only w
both tool truncate read-only 1
both tool open 0 none w,creat,excl 0 -- write 0 0 bytes -- close 0
eq "made without any permission" "$(bytes "$(v none)")" bytes
eq "its mode" "$(stat -c %a "$(v none)")" 0
both tool open 0 object w,creat,excl 444 -- write 0 0 bytes -- fsync 0 -- close 0
eq "made read-only, as git does" "$(cat "$(v object)")" bytes
# handles outlive permissions
start w
to w open 0 "$B/object2" rw,creat 600
chmod 0 "$B/object2"
to w write 0 0 bytes
to w close 0
ends w
eq "written after the mode was gone" "$(bytes "$(v object2)")" bytes
