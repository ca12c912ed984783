#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: renames of directories carry along what is below: working directories, open handles, later names.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir -p "$B/a/b/c" "$B/z"
echo old >"$B/a/b/c/f"
mnt
start w
to w open 0 "$B/a/b/c/f" rw
start r
to r open 0 "$B/a/b/c/f" r
cd "$B/a/b/c"
mv "$B/a/b" "$B/z/y"
eq "the working directory" "$(cat f)" old
echo fresh >g
eq "a name made in it" "$(cat "$(v z/y/c/g)")" fresh
echo changed >g
eq "and changed in it" "$(cat "$(v z/y/c/g)")" changed
to w write 0 0 'new\n'
to w close 0
eq "written through a handle opened before" "$(cat "$B/z/y/c/f")" new
eq "the same in the backing" "$(cat "$(v z/y/c/f)")" new
eq "a reader's handle" "$(to r read 0 0 10)" 'old\n'
eq "the old place" "$(errno_of stat "$B/a/b")" ENOENT
# into its own place again, under the name it had
mv "$B/z/y" "$B/a/b"
echo back >f
eq "after the move back" "$(cat "$(v a/b/c/f)")" back
# two directories exchanged
if ! over bindfs; then # which knows no flags of rename
	mkdir "$B/z/b"
	echo other >"$B/z/b/f"
	tool rename "$B/a/b" "$B/z/b" exchange
	echo below >f
	eq "the working directory, exchanged" "$(cat "$(v z/b/c/f)")" below
	eq "what came in its place" "$(cat "$B/a/b/f")" other
fi
cd "$T"
