#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: an mtime that was held back is so for the name under which nobody has seen other bytes. Under another one
# somebody may have: there the file is stamped, whichever way it comes.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir -p "$B/d/deep"
mnt

# old NAME: a file that is old; held NAME: the same bytes have been written again, and it still is
old() {
	echo "bytes of ${1##*/}" >"$B/$1"
	touch -d @1000000000 "$B/$1"
}
held() {
	old "$1"
	cat "$B/$1" >/dev/null
	echo "bytes of ${1##*/}" >"$B/$1"
	eq "$1 is held back" "$(stat -c %Y "$B/$1")" 1000000000
}
# moved WHAT NAME: it has another mtime than before, for everybody
moved() {
	now=$(mtime "$(v "$2")")
	newer "$1, in the backing" "$now" "$mark"
	until_true "$1, through the mount" eval '[[ "$(mtime "$B/'"$2"'")" == "$now" ]]'
}
stays() { eq "$1" "$(stat -c %Y "$B/$2" "$(v "$2")" | tr '\n' ' ')" "1000000000 1000000000 "; }
mark=$(marker mark)

held f
mv "$B/f" "$B/g"
eq "at once" "$(mtime "$B/g")" "$(mtime "$(v g)")"
moved "renamed" g
held f
echo other >"$B/g"
mv "$B/f" "$B/g"
eq "at once" "$(mtime "$B/g")" "$(mtime "$(v g)")"
moved "renamed over another" g
held f
ln "$B/f" "$B/h"
moved "linked, the new name" h
moved "linked, the old name" f
rm "$B/h"
held f
held g
if ! over bindfs; then # which knows no flags of rename
	tool rename "$B/f" "$B/g" exchange
	moved "exchanged, one" f
	moved "exchanged, the other" g
fi
held d/f
held d/deep/f
old d/o
stat "$B/d/f" "$B/d/deep/f" >/dev/null
mv "$B/d" "$B/e"
moved "its directory renamed" e/f
moved "a directory above it renamed" e/deep/f
stays "what was not held back" e/o

# written with what was there before, it is held back as well (P7, P8)
old f
rm "$B/f"
echo "bytes of f" >"$B/f"
stays "put back" f
mv "$B/f" "$B/i"
moved "put back and renamed" i
old f
echo "bytes of f" >"$B/f.tmp"
mv "$B/f.tmp" "$B/f"
stays "renamed over" f
mv "$B/f" "$B/i"
moved "renamed over and renamed" i
rm "$B/i"
ln -s target "$B/l"
touch -hd @1000000000 "$B/l"
rm "$B/l"
ln -s target "$B/l"
mv "$B/l" "$B/m"

# what nobody held back keeps its time
old n
mv "$B/n" "$B/o"
stays "renamed" o
# nor is it held back when it has been changed since
held n
echo changed >"$B/n"
touch -d @1000000000 "$B/n"
mv "$B/n" "$B/o"
stays "changed and dated by hand" o
