#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: a file or link that is renamed away and then written with the same bytes under the old name has its old
# mtime back there; whatever has become of the other name meanwhile, that is its own affair.
# BACKINGS: all
. "${0%/*}/lib.sh"

pattern 70000 x >"$W/x"
pattern 70000 y >"$W/y"
cp "$W/x" "$B/f"
touch -d @1000000000 "$B/f"
mnt
f=$B/f
before=$(mtime "$f")

# away HOW COMMAND...: renames f away, does that to the other name, and writes f again
away() {
	local how=$1
	shift
	mv "$f" "$B/away"
	eq "$how: links of the other name" "$(stat -c %h "$B/away")" 1
	"$@"
	cp "$W/x" "$f"
	cmp "$f" "$W/x"
	eq "$how: mtime" "$(mtime "$f")" "$before"
	eq "$how: in the backing" "$(mtime "$(v f)")" "$before"
	eq "$how: links" "$(stat -c %h "$f")" 1
	if [[ -e "$B/away" ]]; then
		ne "$how: they are two files" "$(ino "$f")" "$(ino "$B/away")"
		echo more >>"$B/away"
		cmp "$f" "$W/x"
		chmod 600 "$B/away"
		eq "$how: the mode of one of them" "$(stat -c %a "$f")" 644
		rm "$B/away"
	fi
}
away "left alone" true
away "read" cat "$B/away" >/dev/null
away "changed" cp "$W/y" "$B/away"
away "changed in place" dd if="$W/y" of="$B/away" bs=100 count=1 conv=notrunc status=none
away "removed" rm "$B/away"
away "replaced" mv "$W/y" "$B/away"
away "renamed again" mv "$B/away" "$B/again"
rm "$B/again"
# by one name after the other, with the same file
for name in g h; do
	mv "$f" "$B/$name"
	mv "$B/$name" "$B/last"
	cp "$W/x" "$f"
	eq "by way of $name" "$(mtime "$f")" "$before"
done
rm "$B/last"

# other bytes are new
mv "$f" "$B/away"
pattern 70000 z >"$f"
newer "other bytes" "$(mtime "$f")" "$before"
# and so are the same, if somebody has looked in vain
mv "$B/away" "$f"
before=$(mtime "$f")
mv "$f" "$B/away"
eq "a stranger's look" "$(errno_of stat "$f")" ENOENT
cp "$W/x" "$f"
newer "after a look in vain" "$(mtime "$f")" "$before"

# links
ln -s target "$B/l"
before=$(mtime "$B/l")
mv "$B/l" "$B/m"
ln -s target "$B/l"
eq "a link" "$(mtime "$B/l")" "$before"
eq "its target" "$(readlink "$V/l")" target
umnt
eq "left in the backing" "$(strange_names)" ""
eq "links in the backing" "$(stat -c %h "$V/f" "$V/away" | tr '\n' ' ')" "1 1 "
