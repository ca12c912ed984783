#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P4: a name renamed while its session is open takes the session with it.
. "${0%/*}/lib.sh"

mkdir "$B/d"
for f in f same d/f over; do
	echo "old $f" >"$B/$f"
done
mnt

start w
to w open 0 "$B/f" w,trunc
to w write 0 0 'new\sf\n'
mv "$B/f" "$B/g"
eq "the new name in a stranger's eyes" "$(cat "$B/g")" "old f"
[[ ! -e "$(v f)" && -e "$(v g)" ]] || fail "the rename has not reached the backing"
eq "the backing" "$(cat "$(v g)")" "old f"
to w close 0
eq "the new name after the close" "$(cat "$B/g")" "new f"
eq "the backing after the close" "$(cat "$(v g)")" "new f"
! ls "$B/f" 2>/dev/null || fail "the old name is there"
! ls "$(v f)" 2>/dev/null || fail "the old name is in the backing"

# unchanged: under the other name somebody may have seen other bytes (P10), so that it counts as a change
before=$(mtime "$B/same")
to w open 0 "$B/same" w,trunc
to w write 0 0 'old\ssame\n'
mv "$B/same" "$B/same2"
to w close 0
newer "mtime of an unchanged file renamed in session" "$(mtime "$(v same2)")" "$before"
eq "the same through the mount" "$(mtime "$B/same2")" "$(mtime "$(v same2)")"
eq "its bytes" "$(cat "$B/same2")" "old same"

# the directory above it
to w open 0 "$B/d/f" w,trunc
to w write 0 0 'new\sd\n'
mv "$B/d" "$B/e"
eq "below the renamed directory" "$(cat "$B/e/f")" "old d/f"
to w close 0
eq "below the renamed directory after the close" "$(cat "$B/e/f")" "new d"
eq "the backing" "$(cat "$(v e/f)")" "new d"

# a new name
to w open 0 "$B/new" w,creat
to w write 0 0 'bytes\n'
mv "$B/new" "$B/newer"
eq "a new name after its rename" "$(cat "$B/newer")" bytes
[[ ! -e "$(v new)" && ! -e "$(v newer)" ]] || fail "a new name is in the backing before its close"
to w close 0
eq "the backing after the close" "$(cat "$(v newer)")" bytes
[[ ! -e "$(v new)" ]] || fail "the first name is in the backing"

# over another file
to w open 0 "$B/tmp" w,creat
to w write 0 0 'over\n'
mv "$B/tmp" "$B/over"
to w close 0
eq "renamed over another in session" "$(cat "$B/over")" over
eq "the backing" "$(cat "$(v over)")" over
ends w
umnt
eq "names in the backing" "$(ls -A "$V" | tr '\n' ' ')" "e g newer over same2 "
