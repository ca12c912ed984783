#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: if the bytes at the end equal the exposed version, then bytes, mtime, ctime and inode number of the
# backing file are as before, whichever way they were written.
# BACKINGS: all
. "${0%/*}/lib.sh"
need python3

pattern 300000 old >"$T/old"

rewrite() {
	local f=$B/$1
	case $1 in
	cp) cp "$T/old" "$f" ;;
	cat) cat "$T/old" >"$f" ;;
	tee) tee "$f" <"$T/old" >/dev/null ;;
	clobber) dd if="$T/old" of="$f" bs=4k status=none ;;
	pieces) dd if="$T/old" of="$f" bs=4k conv=notrunc status=none ;;
	odd-pieces) dd if="$T/old" of="$f" bs=777 status=none ;;
	python) python3 -c 'import sys; open(sys.argv[2], "wb").write(open(sys.argv[1], "rb").read())' "$T/old" "$f" ;;
	truncate) tool truncate "$f" 300000 ;;
	esac
}

ways="cp cat tee clobber pieces odd-pieces python truncate"
for way in $ways; do
	cp "$T/old" "$B/$way"
done
mnt
for way in $ways; do
	backing=$(trace "$(v "$way")")
	mount=$(seen "$B/$way")
	rewrite "$way"
	eq "$way: the backing file" "$(trace "$(v "$way")")" "$backing"
	eq "$way: through the mount" "$(seen "$B/$way")" "$mount"
	cmp "$B/$way" "$T/old" || fail "$way: other bytes"
	cmp "$(v "$way")" "$T/old" || fail "$way: other bytes in the backing"
done
