#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3: owner, mode, ACL and extended attributes of the replaced file carry over.
# BACKINGS: all user
. "${0%/*}/lib.sh"
need setfattr getfattr setfacl getfacl

echo old >"$B/f"
chmod 640 "$B/f"
setfattr -n user.colour -v green "$B/f" || skip "no user attributes on this $AXIS_FS"
setfacl -m u:1234:rw- "$B/f"
[[ $AXIS_USER == user ]] || chown 1234:4321 "$B/f"
touch -a -d '1 hour ago' "$B/f" # but later than its mtime, so that reading leaves it alone
touch -m -d '2 hours ago' "$B/f"
atime=$(stat -c %.9X "$B/f")
mnt
[[ $AXIS_USER == user ]] || eq "owner through the mount" "$(stat -c %u:%g "$B/f")" 1234:4321
attributes() {
	stat -c '%a %u:%g' "$1"
	getfattr --absolute-names -d -m - "$1" | grep -v '^# file' | sort
	getfacl -c --absolute-names "$1"
}
backing=$(attributes "$(v f)")
mount=$(attributes "$B/f")
echo "new bytes" >"$B/f"
eq "atime through the mount" "$(stat -c %.9X "$B/f")" "$atime"
eq "atime in the backing" "$(stat -c %.9X "$(v f)")" "$atime"
eq "bytes in the backing" "$(cat "$(v f)")" "new bytes"
eq "attributes in the backing" "$(attributes "$(v f)")" "$backing"
eq "attributes through the mount" "$(attributes "$B/f")" "$mount"

# changed while a session is open: the later state carries over
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 newer
chmod 600 "$B/f"
setfattr -n user.colour -v red "$B/f"
ends w
eq "bytes in the backing" "$(cat "$(v f)")" newer
eq "mode set during the session" "$(stat -c %a "$(v f)")" 600
eq "attribute set during the session" "$(getfattr --only-values --absolute-names -n user.colour "$(v f)")" red
