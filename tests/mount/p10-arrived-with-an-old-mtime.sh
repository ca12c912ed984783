#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: a file that has come to a name with an old mtime, where somebody may have seen other bytes, is new once it is
# written again, even with the same bytes; a temporary file that has just been written is not old.
# BACKINGS: all
. "${0%/*}/lib.sh"

old() {
	echo "bytes of $1" >"$B/$1"
	touch -d @1000000000 "$B/$1"
}
for f in f g h i; do old "$f"; done
mnt
echo seen >"$B/a"
cat "$B/a" >/dev/null
mv "$B/f" "$B/a"
eq "a rename leaves the mtime" "$(stat -c %Y "$B/a")" 1000000000
echo "bytes of f" >"$B/a"
newer "written again" "$(mtime "$B/a")" 1000000000.0
before=$(mtime "$B/a")
echo "bytes of f" >"$B/a"
eq "and once more" "$(mtime "$B/a")" "$before"

mv "$B/g" "$B/a"
cp "$B/a" "$B/t"
mv "$B/t" "$B/a"
newer "renamed over" "$(mtime "$B/a")" 1000000000.0

mv "$B/h" "$B/a"
cp "$B/a" "$W/copy"
rm "$B/a"
cp "$W/copy" "$B/a"
newer "removed and written again" "$(mtime "$B/a")" 1000000000.0

rm "$B/a"
ln "$B/i" "$B/a"
echo "bytes of i" >"$B/a"
newer "linked" "$(mtime "$B/a")" 1000000000.0

# the way of many recipes
echo once >"$B/t"
mv "$B/t" "$B/r"
before=$(mtime "$B/r")
echo once >"$B/r"
eq "a new file that has been renamed" "$(mtime "$B/r")" "$before"
echo once >"$B/t"
mv "$B/t" "$B/r"
eq "over the same" "$(mtime "$B/r")" "$before"

# exchanged with a newer file
if ! over bindfs; then # which knows no flags of rename
	echo first >"$B/x"
	echo second >"$B/y"
	cat "$B/y" >"$T/made"
	before=$(mtime "$B/x")
	tool rename "$B/x" "$B/y" exchange
	echo first >"$B/y"
	newer "exchanged" "$(mtime "$B/y")" "$before"
fi

# below a directory: what was under the name before is not known
mkdir "$B/d" "$B/dn"
echo seen >"$B/d/f"
cat "$B/d/f" >"$T/made"
echo other >"$B/dn/f"
before=$(mtime "$B/dn/f")
mv "$B/d" "$B/do"
mv "$B/dn" "$B/d"
eq "a rename of the directory leaves the mtime" "$(mtime "$B/d/f")" "$before"
echo other >"$B/d/f"
newer "its directory renamed" "$(mtime "$B/d/f")" "$before"
before=$(mtime "$B/d/f")
echo other >"$B/d/f"
eq "and once more" "$(mtime "$B/d/f")" "$before"
