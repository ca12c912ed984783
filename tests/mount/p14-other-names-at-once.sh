#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14: what is written through is seen by every name, in whatever directory, made or removed meanwhile, and
# whatever the kernel had cached of it: pages of the same size and time, handles that were open, mappings.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d" "$B/e"
pattern 20000 old >"$B/d/a"
ln "$B/d/a" "$B/e/b"
mnt
before=$(trace "$V/d/a")
cp "$B/d/a" "$T/old"
cat "$B/e/b" >"$T/read" # cached
start r
to r open 0 "$B/e/b" r
to r mmap 0 20000 r
eq "mapped before" "$(to r load 0 0 12)" '\s\s\s\s\s\s0\sold\n'

# other bytes of the same size, and then the old time
pattern 20000 new >"$T/new"
tool open 0 "$B/d/a" rw -- write 0 0 "$(head -c 4096 "$T/new" | tr ' \n' '..')" -- \
	ftimes 0 omit "$(mtime "$V/d/a")" -- close 0
eq "the time that was set" "$(mtime "$(v d/a)")" "$(grep -o 'mtime=[0-9.]*' <<<"$before" | cut -d= -f2)"
cmp "$B/d/a" "$V/d/a"
cmp "$B/e/b" "$V/d/a" || fail "the other name shows what was cached"
ne "the bytes" "$(sum "$B/e/b")" "$(sum "$T/old")"
reads_new() { [[ "$(to r read 0 0 12)" == '......0.new.' && "$(to r load 0 0 12)" == '......0.new.' ]]; }
until_true "new bytes for who had the other name open" reads_new
to r munmap 0
ends r

# names that come and go while it is written
start w
to w open 0 "$B/d/a" w,trunc
to w write 0 0 'once\smore\n'
ln "$B/e/b" "$B/e/c"
rm "$B/e/b"
tool rename "$B/e/c" "$B/d/c"
eq "the other name within the session" "$(sum "$B/d/c")" "$(sum "$V/d/a")"
ends w
eq "by the name that came" "$(cat "$B/d/c")" 'once more'
eq "in the backing" "$(cat "$V/d/a" "$V/d/c")" 'once more
once more'
eq "inode and names" "$(stat -c '%i %h' "$V/d/c")" "$(sed 's/ino=\([0-9]*\).*/\1/' <<<"$before") 2"
# the last other name goes: an ordinary file again
start w
to w open 0 "$B/d/a" w,trunc
to w write 0 0 'alone\n'
rm "$B/d/c"
ends w
eq "the name that is left" "$(cat "$(v d/a)")" alone
# unchanged
ln "$B/d/a" "$B/e/b"
before=$(trace "$V/d/a")
echo alone >"$B/e/b"
eq "the backing after the same" "$(trace "$(v d/a)")" "$before"
eq "names" "$(cd "$V" && find . -type f | sort | tr '\n' ' ')" "./d/a ./e/b "
