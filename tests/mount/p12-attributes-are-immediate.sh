#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: mode, owner and extended attributes are those of the backing, at once; during a session, too.
# BACKINGS: all
. "${0%/*}/lib.sh"
need setfattr getfattr

echo bytes >"$B/f"
mkdir "$B/d"
ln -s f "$B/link"
mnt
look() {
	chmod "$2" "$B/$1"
	eq "$1: mode in the backing" "$(stat -c %a "$(v "$1")")" "$2"
	eq "$1: mode through the mount" "$(stat -c %a "$B/$1")" "$2"
}
look f 600
look f 6755
look d 1777
look d 700
if [[ $AXIS_USER == root ]]; then
	chown -h 1234:4321 "$B/f" "$B/d" "$B/link"
	for f in f d link; do
		eq "$f: owner in the backing" "$(stat -c %u:%g "$(v "$f")")" 1234:4321
		eq "$f: owner through the mount" "$(stat -c %u:%g "$B/$f")" 1234:4321
	done
	chown :0 "$B/f"
	eq "group alone" "$(stat -c %u:%g "$(v f)")" 1234:0
else
	eq "giving a file away" "$(errno_of chown "$B/f" 1 1)" EPERM
fi

start w
to w open 0 "$B/f" w,trunc
to w write 0 0 new
chmod 604 "$B/f"
eq "mode in the backing, during a session" "$(stat -c %a "$(v f)")" 604
eq "mode for a stranger, during a session" "$(stat -c %a "$B/f")" 604
to w fchmod 0 640
eq "mode set through the handle" "$(stat -c %a "$(v f)")" 640
to w close 0
eq "mode after the session" "$(stat -c '%a %s' "$(v f)")" "640 3"
ends w

setfattr -n user.colour -v green "$(v f)" || skip "no user attributes on this $AXIS_FS"
eq "attribute" "$(getfattr --only-values --absolute-names -n user.colour "$B/f")" green
setfattr -n user.colour -v red "$B/f"
setfattr -n user.size -v big "$B/d"
eq "attribute set" "$(getfattr --only-values --absolute-names -n user.colour "$(v f)")" red
eq "attribute of a directory" "$(getfattr --only-values --absolute-names -n user.size "$(v d)")" big
eq "list of attributes" "$(getfattr --absolute-names "$B/f" | grep '^user')" user.colour
setfattr -x user.colour "$B/f"
eq "attribute removed" "$(getfattr --absolute-names "$(v f)")" ""
