#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: what is mounted below DIR beforehand is served with it. Renames and links between two file systems
# fail with EXDEV as ever, and no two files have the same inode number.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3

tmp=$B/tmp tmp2=$B/sub/tmp alone=$B/alone
mkdir -p "$tmp" "$tmp2" "$B/dir"
: >"$alone"
echo "not that" >"$B/other"
echo bound >"$W/bound"
mount -t tmpfs none "$tmp"
mount -t tmpfs none "$tmp2"
mkdir "$W/more"
mount -t tmpfs none "$W/more"
echo bound >"$W/more/bound"
mount --bind "$W/more/bound" "$alone"
mkdir "$tmp/d" "$tmp2/d"
echo tmp >"$tmp/f"
echo tmp2 >"$tmp2/f"
eq "numbers that the two have in common" "$(ino "$tmp/f")" "$(ino "$tmp2/f")"
mnt

unique() { # WHAT: all that has different bytes has different numbers, and the listing has them, too
	python3 - "$B" <<'END' || fail "$1"
import collections, os, sys
by_number = collections.defaultdict(set)
for top, dirs, files in os.walk(sys.argv[1]):
    by_number[os.stat(top).st_ino].add(top)
    mine = {entry.name: entry.inode() for entry in os.scandir(top)}
    for name in files:
        st = os.lstat(os.path.join(top, name))
        by_number[st.st_ino].add(os.path.join(top, name))
        # a mount point is listed with the number of what is under the mount, as ever
        assert mine[name] == st.st_ino or name == "alone", (top, name, mine[name], st.st_ino)
shared = {n: names for n, names in by_number.items() if len(names) > 1}
assert not shared, shared
END
}
unique "at first"
for dir in "$tmp" "$tmp2"; do
	eq "rename out of it" "$(errno_of rename "$dir/f" "$B/dir/f")" EXDEV
	eq "rename into it" "$(errno_of rename "$B/other" "$dir/other")" EXDEV
	eq "link out of it" "$(errno_of link "$dir/f" "$B/dir/f")" EXDEV
	eq "removing it" "$(errno_of rmdir "$dir")" EBUSY
	before=$(seen "$dir/f")
	cat "$dir/f" >"$T/copy"
	cat "$T/copy" >"$dir/f"
	eq "a rewrite of the same there" "$(seen "$dir/f")" "$before"
	echo changed >"$dir/f"
	eq "a change there" "$(cat "$dir/f")" changed
	echo new >"$dir/new"
	mv "$dir/new" "$dir/d/new"
	cp "$dir/f" "$B/dir/copy"
	cat "$dir/d/new" >>"$B/dir/copy" # which cat refuses if it takes the two for one
	mv "$dir/d/new" "$B/dir/moved"   # copied
	eq "copied and moved" "$(cat "$B/dir/copy" "$B/dir/moved")" $'changed\nnew\nnew'
	rm "$dir/f"
	echo changed >"$dir/f"
	unique "in the end"
done

# a file that is a mount of its own cannot be renamed over: it is written through
before=$(seen "$alone")
echo bound >"$alone"
eq "a rewrite of the same" "$(seen "$alone")" "$before"
echo "quite another" >"$alone"
eq "a change" "$(cat "$alone" "$W/more/bound")" $'quite another\nquite another'
eq "removing it" "$(errno_of unlink "$alone")" EBUSY
eq "beside it" "$(cat "$B/other")" "not that"
has "status" "$("$LKLFS" status "$B")" " staged"
[[ "$("$LKLFS" status "$B")" != *failed* ]] || fail "something could not be exposed"
umnt
umount "$alone" "$W/more" "$tmp2" "$tmp"
eq "under it" "$(cat "$alone")" ""
