#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: what one name of an inode is told, of mode, owner, times and the number of names, so are the others, at once;
# whatever kind of file it is, and whatever the kernel has cached of it.
# AXES: ext4
. "${0%/*}/lib.sh"

told() { tool stat "$1" | sed 's/^.* mode=/mode=/'; }
mnt

for kind in fifo file socket; do
	case $kind in
	fifo) tool mkfifo "$B/$kind" ;;
	*) tool mknod "$B/$kind" "$kind" ;;
	esac
	ls -l "$B"/* "$B" "$B" "$B" "$B" >/dev/null # cached
	tool link "$B/$kind" "$B/b"
	eq "$kind: names" "$(stat -c %h "$B/$kind") $(stat -c %h "$B/b")" "2 2"
	chmod 604 "$B/b"
	eq "$kind: mode by the first name" "$(stat -c %a "$B/$kind")" 604
	chmod 640 "$B/$kind"
	eq "$kind: mode by the second name" "$(stat -c %a "$B/b")" 640
	touch -d @1000000000.5 "$B/b"
	eq "$kind: mtime by the first name" "$(mtime "$B/$kind")" 1000000000.500000000
	rm "$B/b"
	eq "$kind: names again" "$(stat -c %h "$B/$kind")" 1
	rm "$B/$kind"
done

ln -s target "$B/link"
stat "$B/link" "$B/link" "$B/link" "$B/link" "$B/link" >/dev/null
ln -P "$B/link" "$B/b"
eq "symbolic link: names" "$(stat -c %h "$B/link") $(stat -c %h "$B/b")" "2 2"
touch -h -d @1000000000.5 "$B/b"
eq "symbolic link: mtime by the first name" "$(mtime "$B/link")" 1000000000.500000000
rm "$B/b"
eq "symbolic link: names again" "$(stat -c %h "$B/link")" 1

# A regular file's ctime the kernel keeps by itself, for each name.
echo bytes >"$B/f"
stat "$B/f" "$B/f" "$B/f" "$B/f" "$B/f" >/dev/null
tool link "$B/f" "$B/b"
for action in "chmod 604" "touch -d @1000000000.5" "chmod 640" "tool unlink"; do
	before=$(ctime "$B/f")
	$action "$B/b"
	newer "ctime by the other name, after $action" "$(ctime "$B/f")" "$before"
	eq "ctime in the backing, after $action" "$(ctime "$B/f")" "$(ctime "$V/f")"
done

# by who had it open before, and with nothing between the two calls
for ((i = 0; i < 60; i++)); do
	echo "$i" >"$B/f$i"
	told=$(tool open 0 "$B/f$i" r -- stat "$B/f$i" -- stat "$B/f$i" -- stat "$B/f$i" -- stat "$B/f$i" -- fstat 0 -- \
		link "$B/f$i" "$B/g$i" -- stat "$B/f$i" -- fstat 0 -- chmod "$B/g$i" 604 -- stat "$B/f$i" -- fstat 0 |
		tail -n 4 | sed -n 's/^.* mode=\([0-9]*\) .* nlink=/\1 /p' | tr '\n' ,)
	eq "round $i: by name, by descriptor" "$told" "644 2,644 2,604 2,604 2,"
done
