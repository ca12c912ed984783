#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: a new name is visible as soon as it is created, with the bytes written so far; it appears in the
# backing only when exposed.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
mnt
start w
to w open 0 "$B/d/new" w,creat 640
eq "a stranger's look at the new name" "$(stat -c '%s %a' "$B/d/new")" "0 640"
eq "its directory" "$(ls -A "$B/d")" new
to w write 0 0 'so\sfar\n'
eq "bytes so far" "$(cat "$B/d/new")" "so far"
eq "size so far" "$(stat -c %s "$B/d/new")" 7
to w write 0 7 'and\smore\n'
eq "bytes a little later" "$(tail -n 1 "$B/d/new")" "and more"
# (Where there are no files without a name it has a hidden one.)
eq "names in the backing before the close" "$(ls -A -I '.lklfs-stage-*' "$(v d)")" ""
over bindfs || eq "hidden names in the backing" "$(ls -A "$(v d)")" ""
to w close 0
eq "bytes in the backing" "$(cat "$(v d/new)")" "so far
and more"
eq "mode in the backing" "$(stat -c %a "$(v d/new)")" 640

# an empty file is one, too
to w open 0 "$B/d/empty" w,creat
[[ ! -e "$(v d/empty)" ]] || fail "an empty name is in the backing before its close"
to w close 0
eq "size of the empty file in the backing" "$(stat -c %s "$(v d/empty)")" 0
ends w
