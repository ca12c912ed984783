#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: setting mode, owner or attribute to what it is leaves no trace.
. "${0%/*}/lib.sh"
need setfattr

echo bytes >"$B/f"
mkdir "$B/d"
chmod 644 "$B/f"
chmod 755 "$B/d"
attributes=no
setfattr -n user.colour -v green "$B/f" 2>/dev/null && attributes=yes
mnt
before=$(trace "$(v f)") before_d=$(trace "$(v d)")
same() {
	eq "$1: the file" "$(trace "$(v f)")" "$before"
	eq "$1: the directory" "$(trace "$(v d)")" "$before_d"
	eq "$1: ctime through the mount" "$(ctime "$B/f")" "$(ctime "$(v f)")"
}
chmod 644 "$B/f"
chmod 755 "$B/d"
same chmod
chown "$(id -u):$(id -g)" "$B/f" "$B/d"
same chown
tool open 0 "$B/f" rw -- fchmod 0 644 -- close 0
same fchmod
if [[ $attributes == yes ]]; then
	setfattr -n user.colour -v green "$B/f"
	same setxattr
fi
chmod 600 "$B/f"
ne "the file after another mode" "$(trace "$(v f)")" "$before"
