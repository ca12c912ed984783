#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19 and P6: a directory of many files, some of them not exposed yet, lists each name exactly once.
# BACKINGS: btrfs overlayfs bindfs
. "${0%/*}/lib.sh"

mkdir "$B/d"
(cd "$B/d" && seq -f 'file-with-a-somewhat-longer-name-%.0f' 1 2000 | xargs touch)
mnt
start w
for ((i = 1; i <= 20; i++)); do
	to w open "$i" "$B/d/new$i" w,creat
done
{
	seq -f 'file-with-a-somewhat-longer-name-%.0f' 1 2000
	seq -f 'new%.0f' 1 20
	echo .
	echo ..
} | sort >"$T/want"
list() { tool list "$B/d" | tr ' ' '\n' | sort; }
list | diff "$T/want" - >&2 || fail "listing with unexposed names"
ends w
list | diff "$T/want" - >&2 || fail "listing after their exposure"
rm "$B/d/file-with-a-somewhat-longer-name-7"
mv "$B/d/new3" "$B/d/renamed"
sed -i -e '/-7$/d' -e 's/^new3$/renamed/' "$T/want"
list | sort | diff <(sort "$T/want") - >&2 || fail "listing after a removal and a rename"
eq "inode numbers" "$(ls -1i "$B/d" | sort | sha256sum)" "$(ls -1i "$(v d)" | sort | sha256sum)"
rm -r "$B/d"
eq "what is left" "$(ls -A "$B")" ""
umnt
eq "what is left of what was remembered" "$(ls -A "$B")" ""
