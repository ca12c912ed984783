#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: renames with RENAME_NOREPLACE and RENAME_EXCHANGE, files and directories, are immediate.
# BACKINGS: xfs btrfs overlayfs
. "${0%/*}/lib.sh"
not_over bindfs "knows no flags of rename"

echo one >"$B/one"
echo two >"$B/two"
mkdir "$B/d"
echo inside >"$B/d/f"
mnt
eq "NOREPLACE onto a name" "$(errno_of rename "$B/one" "$B/two" noreplace)" EEXIST
eq "bytes of the one" "$(cat "$B/one")" one
eq "bytes of the other" "$(cat "$B/two")" two
tool rename "$B/one" "$B/three" noreplace
eq "NOREPLACE to a free name" "$(cat "$(v three)")" one
[[ ! -e "$(v one)" ]] || fail "the old name is in the backing"

inodes=$(ino "$(v two)") inodes+=" $(ino "$(v three)")"
tool rename "$B/two" "$B/three" exchange
eq "EXCHANGE: bytes" "$(cat "$B/two" "$B/three")" "one
two"
eq "EXCHANGE: bytes in the backing" "$(cat "$(v two)" "$(v three)")" "one
two"
eq "EXCHANGE: inode numbers" "$(ino "$B/three") $(ino "$B/two")" "$inodes"
tool rename "$B/two" "$B/d" exchange
eq "EXCHANGE with a directory" "$(cat "$B/d" "$B/two/f")" "one
inside"
eq "EXCHANGE with a directory, in the backing" "$(cat "$(v d)" "$(v two/f)")" "one
inside"
# what is written afterwards goes where the name is now
echo new >"$B/three"
echo newer >"$B/two/f"
eq "rewritten after the exchange" "$(cat "$(v three)" "$(v two/f)" "$(v d)")" "new
newer
one"
# while a session is open on one of them
echo left >"$B/left"
echo right >"$B/right"
start w
to w open 0 "$B/left" w,trunc
to w write 0 0 'staged\n'
tool rename "$B/left" "$B/right" exchange
eq "EXCHANGE in session, for a stranger" "$(cat "$B/left" "$B/right")" "right
left"
ends w
eq "EXCHANGE in session, at its end" "$(cat "$B/left" "$B/right")" "right
staged"
eq "the same in the backing" "$(cat "$(v left)" "$(v right)")" "right
staged"
