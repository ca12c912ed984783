#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12 and P6: what is set on a new name before it is exposed is there afterwards.
. "${0%/*}/lib.sh"
need setfattr getfattr setfacl getfacl

mkdir "$B/d"
mnt
start w
to w open 0 "$B/d/new" w,creat
to w write 0 0 'bytes\n'
chmod 4751 "$B/d/new"
attributes=no
setfattr -n user.colour -v green "$B/d/new" 2>/dev/null && attributes=yes
setfacl -m u:1234:r-- "$B/d/new"
eq "mode before the exposure" "$(stat -c %a "$B/d/new")" 4751
[[ $AXIS_USER == user ]] || chown 1234:4321 "$B/d/new"
chmod 751 "$B/d/new"
acl=$(getfacl -c --absolute-names "$B/d/new")
has "ACL before the exposure" "$acl" "user:1234:r--"
touch -d '2001-02-03 04:05:06.070809 UTC' "$B/d/new"
ln "$B/d/new" "$B/second"
mv "$B/d/new" "$B/first"
to w close 0
for f in first second; do
	eq "$f: bytes" "$(cat "$(v $f)")" bytes
	eq "$f: mode" "$(stat -c %a "$(v $f)")" 751
	eq "$f: names" "$(stat -c %h "$(v $f)")" 2
	eq "$f: mtime" "$(mtime "$(v $f)")" 981173106.070809000
	eq "$f: ACL" "$(getfacl -c --absolute-names "$(v $f)")" "$acl"
	[[ $attributes == no ]] ||
		eq "$f: attribute" "$(getfattr --only-values --absolute-names -n user.colour "$(v $f)")" green
	[[ $AXIS_USER == user ]] || eq "$f: owner" "$(stat -c %u:%g "$(v $f)")" 1234:4321
done
ends w
[[ ! -e "$(v d/new)" ]] || fail "the first name is there"
