#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P1: from the start of a session to its end, everyone outside the family sees the old bytes, size and
# mtime by path, and the backing file is not touched; whichever way the file is written.
. "${0%/*}/lib.sh"

pattern 10000 old >"$T/old"

begins() {
	case $1 in
	redirect) to w open 0 "$B/$1" w,creat,trunc && to w write 0 0 new ;;
	edit) to w open 0 "$B/$1" rw && to w write 0 5000 XXXX ;;
	append) to w open 0 "$B/$1" w,append && to w write 0 - more ;;
	cut) to w open 0 "$B/$1" w && to w ftruncate 0 100 ;;
	grow) to w open 0 "$B/$1" w && to w ftruncate 0 20000 ;;
	store) to w open 0 "$B/$1" rw && to w mmap 0 10000 && to w store 0 5 XXXX ;;
	esac
}

for way in redirect edit append cut grow store; do
	cp "$T/old" "$B/$way"
done
mnt
for way in redirect edit append cut grow store; do
	backing=$(trace "$(v "$way")")
	mount=$(seen "$B/$way")
	start w
	begins "$way"
	cmp "$B/$way" "$T/old" || fail "$way: a stranger sees staged bytes"
	eq "$way: what a stranger's stat says" "$(seen "$B/$way")" "$mount"
	eq "$way: the backing file" "$(trace "$(v "$way")")" "$backing"
	cmp "$(v "$way")" "$T/old" || fail "$way: the backing file's bytes changed"
	ends w
	! cmp -s "$B/$way" "$T/old" || fail "$way: still the old bytes after the session"
done
