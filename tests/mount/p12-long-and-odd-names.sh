#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: any name the backing takes is good: of 255 bytes, with newlines, of bytes that are no text.
# BACKINGS: overlayfs bindfs
. "${0%/*}/lib.sh"

long=$(printf '%255s' '' | tr ' ' n)
names=("$long" $'with\nnewline' $'\xff\xfe\x80' ' ' '-rf' '*' '"quote\' '.hidden' 'ends with ~' $'\x01')
mnt
for name in "${names[@]}"; do
	for dir in "$B" "$B/$name.d"; do
		[[ "$name" == "$long" && "$dir" != "$B" ]] && continue
		[[ -d "$dir" ]] || mkdir "$dir"
		f=$dir/$name
		echo old >"$f"
		before=$(seen "$f")
		echo old >"$f"
		eq "$name: after a rewrite of the same" "$(seen "$f")" "$before"
		start w
		to w open 0 "$B" r,dir # not by name: steering knows no blanks
		ends w
		echo new >"$f"
		eq "$name: bytes" "$(cat "$f")" new
		ln "$f" "$dir/link"
		mv "$f" "$dir/other"
		mv "$dir/other" "$f"
		echo newer >"$dir/link"
		eq "$name: bytes by the other name" "$(cat "$f")" newer
		rm "$dir/link"
	done
done
eq "names in the mount" "$(ls -AR "$B" | sha256sum)" "$(cd "$(v .)" && ls -AR "$B" | sha256sum)"
umnt
for name in "${names[@]}"; do
	eq "$name: bytes in the backing" "$(cat "$B/$name")" newer
done
