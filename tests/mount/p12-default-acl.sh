#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: a directory's default ACL decides about what is made in it, and then the umask does not count.
# BACKINGS: xfs btrfs overlayfs
. "${0%/*}/lib.sh"
not_over bindfs "applies the umask where there is a default ACL"
need setfacl getfacl

for d in "$B/d" "$W/d"; do
	mkdir "$d"
	setfacl -d -m u:1234:rwx,g::r-x,o::- "$d"
done
mnt
make() {
	cd "$1"
	for mask in 022 077; do
		umask "$mask"
		echo x >"f$mask"
		mkdir "d$mask"
		mkfifo "p$mask"
		tool open 0 "w$mask" w,creat 666 -- write 0 0 x -- close 0
		echo y >"f$mask"
	done
}
(make "$W/d")
(make "$B/d")
made() { (cd "$1" && find . -mindepth 1 -print0 | sort -z | xargs -0 getfacl -n); }
(($(made "$W/d" | grep -c user:1234) > 8)) || fail "the default ACL did nothing"
made "$W/d" >"$T/want"
made "$B/d" | diff -u "$T/want" - >&2 || fail "through the mount it differs from what a plain directory has"
made "$(v d)" | diff -u "$T/want" - >&2 || fail "in the backing it differs from what a plain directory has"
