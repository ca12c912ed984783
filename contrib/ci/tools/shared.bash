# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# A directory that other machines have as well: a FUSE file system, bindfs. The other machine is the directory beside it.
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(bindfs make gcc ar)
sources() {
	mkdir ../there
	bindfs -o attr_timeout=0,entry_timeout=0,negative_timeout=0 "$PWD/../there" "$PWD"
	cd "$PWD" || return
	greeting_make
}
cleanup() {
	umount project
	rm -r there
}
# What the other machine has changed is seen, at the latest a second later.
also() {
	local limit=$((SECONDS + 30))
	(cd project && PATH=$work/$1:$PATH lklfs -o entry_timeout=1,attr_timeout=1,negative_timeout=1 out)
	stat project/out/prog >&2
	echo other >there/out/prog
	until [[ "$(cat project/out/prog)" == other ]] && (($(stat -c %s project/out/prog) == 6)); do
		((SECONDS < limit)) || { echo "never seen" && break; }
	done
	echo from here >project/out/new
	ls -l project/out >/dev/null
	cat there/out/prog there/out/new
	(cd project && PATH=$work/$1:$PATH lklfs umount out)
}
