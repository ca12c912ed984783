#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12 and P14: what is written through one name of a file is seen through the others.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo old >"$B/a"
ln "$B/a" "$B/b"
mnt
echo new >"$B/a"
eq "the name written through" "$(cat "$B/a")" new
eq "the other name" "$(cat "$B/b")" new
eq "in the backing" "$(cat "$(v a)" "$(v b)")" "new
new"
eq "inode numbers in the backing" "$(ino "$(v a)")" "$(ino "$(v b)")"
eq "number of names" "$(stat -c %h "$B/a") $(stat -c %h "$B/b")" "2 2"
before=$(trace "$(v a)")
echo new >"$B/b"
eq "the backing after a rewrite of the same" "$(trace "$(v a)")" "$before"

# at once (P4), whatever the size, and whatever the kernel had cached of the other name
for ((i = 0; i < 60; i++)); do
	printf '%*d' $((i % 7 + 1)) "$i" >"$B/a"
	eq "the other name, round $i" "$(cat "$B/b")" "$(printf '%*d' $((i % 7 + 1)) "$i")"
	eq "its size, round $i" "$(stat -c %s "$B/b")" "$(stat -c %s "$B/a")"
done
echo new >"$B/a"

# made in the mount, and in a session
ln "$B/a" "$B/c"
echo longer bytes >>"$B/c"
eq "three names" "$(cat "$B/a" "$B/b" "$B/c" | sort | uniq -c | tr -s ' ')" " 3 longer bytes
 3 new"
start w
to w open 0 "$B/new" w,creat
to w write 0 0 'linked\n'
ln "$B/new" "$B/new2"
eq "a new file's second name" "$(cat "$B/new2")" linked
ends w
eq "both in the backing" "$(cat "$(v new)" "$(v new2)")" "linked
linked"
rm "$B/new"
eq "the second name alone" "$(cat "$(v new2)")" linked
# rename(2) leaves two names of one file as they are
before=$(trace "$(v a)")
tool rename "$B/a" "$B/b"
eq "renamed to its other name" "$(trace "$(v a)")" "$before"
eq "the other name" "$(ino "$B/b")" "$(ino "$B/a")"
