#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: directories, links and special files are in the backing at once, and leave it at once.
# BACKINGS: all
. "${0%/*}/lib.sh"

mnt
there() { # NAME TYPE
	eq "$1: type in the backing" "$(stat -c %F "$(v "$1")")" "$2"
	eq "$1: type through the mount" "$(stat -c %F "$B/$1")" "$2"
	eq "$1: inode number" "$(ino "$B/$1")" "$(ino "$(v "$1")")"
}
gone() {
	[[ ! -e "$(v "$1")" && ! -L "$(v "$1")" ]] || fail "$1 is in the backing"
	eq "lookup of $1" "$(errno_of stat "$B/$1")" ENOENT
}
mkdir -m 750 "$B/d"
there d directory
eq "mode of the directory" "$(stat -c %a "$(v d)")" 750
mkdir -p "$B/d/deep/deeper"
there d/deep/deeper directory
ln -s ../target/of/it "$B/d/link"
there d/link "symbolic link"
eq "target" "$(readlink "$B/d/link")" ../target/of/it
eq "target in the backing" "$(readlink "$(v d/link)")" ../target/of/it
mkfifo -m 600 "$B/fifo"
there fifo fifo
echo bytes >"$B/f"
there f "regular file"
ln "$B/f" "$B/d/hard"
there d/hard "regular file"
eq "number of names" "$(stat -c %h "$B/f")" 2

# both ends of a fifo are ours
cat "$B/fifo" >"$T/out" &
echo through >"$B/fifo"
wait $!
eq "bytes through the fifo" "$(cat "$T/out")" through

mv "$B/f" "$B/d/g"
gone f
there d/g "regular file"
mv "$B/d" "$B/e"
gone d
there e/g "regular file"
there e/deep/deeper directory
eq "bytes below the renamed directory" "$(cat "$B/e/g" "$B/e/hard")" "bytes
bytes"
rmdir "$B/e/deep/deeper"
gone e/deep/deeper
rm "$B/fifo" "$B/e/link" "$B/e/hard"
gone fifo
gone e/link
gone e/hard
rm -r "$B/e"
gone e
gone e/g
eq "what is left in the backing" "$(ls -A -I '.lklfs-stage-*' "$(v .)")" ""
umnt
eq "what is left in the backing after the end" "$(ls -A "$V")" ""
eq "what is left in the mount" "$(ls -A "$B")" ""
