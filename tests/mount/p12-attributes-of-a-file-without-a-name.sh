#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: a file made without a name (O_TMPFILE) has the owner, mode and ACL that a plain directory would give it, and
# keeps them when it gets a name.
. "${0%/*}/lib.sh"
need setfacl getfacl

[[ "$(printf '%s\n' 6.1 "$(uname -r)" | sort -V | head -n 1)" == 6.1 ]] || skip "this kernel is older than 6.1"

options=()
for top in "$B" "$W"; do
	mkdir "$top/plain" "$top/acl" "$top/group"
	setfacl -d -m u:1234:rwx,g::r-x,o::- "$top/acl"
	if [[ "$AXIS_USER" == root ]]; then
		chown 0:4321 "$top/group"
		chmod 2775 "$top/group"
		chmod 777 "$top"/*
		chmod g+s "$top/group"
	fi
done
[[ "$AXIS_USER" != root ]] || options=(-o allow_other)
mnt "${options[@]}"
# make DIR: files in each of its directories, by everybody who can
make() {
	local d mode
	cd "$1"
	for d in plain acl group; do
		for mode in 666 755 4755 2755; do
			(umask 027 && "$TOOL" open 0 "$d" rw,tmpfile "$mode" -- write 0 0 x -- linkat 0 "$d/$mode" -- close 0)
		done
		[[ "$AXIS_USER" == root ]] || continue
		(umask 077 && setpriv --reuid=65534 --regid=65533 --clear-groups "$TOOL" open 0 "$d" rw,tmpfile 666 -- \
			write 0 0 x -- linkat 0 "$d/theirs" -- fstat 0 -- close 0) >/dev/null
	done
}
made() {
	(cd "$1" && find plain acl group -type f -printf '%p %m %U %G %s\n' | sort &&
		find plain acl group -type f -print0 | sort -z | xargs -0 getfacl -n)
}
(make "$W")
(make "$B")
made "$W" >"$T/want"
(($(wc -l <"$T/want") > 60)) || fail "too little was made"
made "$B" | diff -u "$T/want" - >&2 || fail "through the mount it differs from what a plain directory has"
made "$(v "")" | diff -u "$T/want" - >&2 || fail "in the backing it differs from what a plain directory has"
