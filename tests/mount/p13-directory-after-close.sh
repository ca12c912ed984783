#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13: whoever closes files and syncs their directory then, has them all exposed, however long the comparison takes.
# AXES: root
. "${0%/*}/lib.sh"

mkdir "$B/d"
mnt
commands=()
wants=
# each is compared with what has been removed, to its last byte
for i in 1 2 3 4 5; do
	"$TOOL" open 0 "$B/d/f$i" w,creat -- fill 0 0 20000000 x 1000000 -- write 0 19999999 a -- close 0
	rm "$B/d/f$i"
	commands+=(open "$i" "$B/d/f$i" w,creat -- fill "$i" 0 20000000 x 1000000 -- write "$i" 19999999 b --)
	wants+="f$i\n"
done
for i in 1 2 3 4 5; do commands+=(close "$i" --); done
out=$("$TOOL" "${commands[@]}" open 0 "$B/d" r,dir -- fsync 0 -- list "$V/d" -- close 0)
eq "names in the backing after fsync of the directory" \
	"$(tr ' ' '\n' <<<"$out" | grep '^f' | sort)" "$(printf "$wants")"
