#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: a directory's times move when a name appears in the mount or leaves it; and P3's replacing of a
# file is neither.
# BACKINGS: xfs btrfs overlayfs
. "${0%/*}/lib.sh"
not_over bindfs "keeps what is open under a hidden name of its own, which moves the directory's times when it goes"

mkdir "$B/d"
echo old >"$B/d/f"
touch -d 2001-02-03 "$B/d"
mnt
before=$(mtime "$B/d")
eq "mtime through the mount" "$before" "$(mtime "$(v d)")"
echo "new bytes" >"$B/d/f"
eq "bytes" "$(cat "$(v d/f)")" "new bytes"
eq "directory's mtime after a rewrite" "$(mtime "$B/d")" "$before"
echo "new bytes" >"$B/d/f"
eq "directory's mtime after an unchanged rewrite" "$(mtime "$B/d")" "$before"
echo more >>"$B/d/f"
chmod 600 "$B/d/f"
eq "directory's mtime after an append and a chmod" "$(mtime "$B/d")" "$before"

# each of these makes a name appear or leave
for step in 'echo x >$d/g' 'mkdir $d/sub' 'ln -s x $d/link' 'ln $d/f $d/h' 'mkfifo $d/fifo' \
	'mv $d/g $d/i' 'rm $d/i' 'rmdir $d/sub' 'rm $d/link' 'mv $d/fifo $B/fifo'; do
	touch -d 2001-02-03 "$B/d"
	(d=$B/d && eval "$step")
	newer "directory's mtime after: $step" "$(mtime "$B/d")" "$before"
done

# a new name moves it at once, before it is exposed
touch -d 2001-02-03 "$B/d"
start w
to w open 0 "$B/d/new" w,creat
newer "directory's mtime after an open that creates" "$(mtime "$B/d")" "$before"
ends w
