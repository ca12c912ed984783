#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: a file that is written without a name (O_TMPFILE) and then linked to where the same bytes were has the old
# mtime back; linked to another name first and renamed over the file, it leaves no trace (P8).
. "${0%/*}/lib.sh"

[[ "$(printf '%s\n' 6.1 "$(uname -r)" | sort -V | head -n 1)" == 6.1 ]] || skip "this kernel is older than 6.1"

# One step: what make runs.
make_file() {
	"$TOOL" open 0 "$B" rw,tmpfile 644 -- write 0 0 "$1" -- linkat 0 "$B/$2" -- close 0
}

echo -n same >"$B/f"
echo -n same >"$B/g"
mnt
before=$(mtime "$B/f")
other=$(trace "$B/g")
for i in 1 2 3; do
	rm "$B/f"
	make_file same f
	eq "mtime, time $i" "$(mtime "$B/f")" "$before"
	eq "in the backing, time $i" "$(mtime "$(v f)")" "$before"
	eq "bytes, time $i" "$(cat "$B/f")" same

	make_file same .t
	mv -f "$B/.t" "$B/g"
	eq "renamed over, time $i" "$(trace "$B/g")" "$other"
	eq "renamed over, in the backing, time $i" "$(trace "$(v g)")" "$other"

	# renamed while it is still open, as most do it
	tool open 0 "$B" rw,tmpfile 644 -- write 0 0 same -- linkat 0 "$B/.t" -- rename "$B/.t" "$B/g" -- close 0
	eq "renamed over while open, time $i" "$(trace "$B/g")" "$other"
done
eq "the names" "$(ls -A "$B")" "f
g"

# closed for writing before it is linked
rm "$B/f"
tool open 0 "$B" rw,tmpfile 644 -- write 0 0 same -- open 1 fd:0 r -- close 0 -- linkat 1 "$B/f" -- close 1
eq "mtime, closed before" "$(mtime "$B/f")" "$before"

# other bytes
rm "$B/f"
make_file diff f
newer "mtime of other bytes" "$(mtime "$B/f")" "$before"
make_file diff .t
mv -f "$B/.t" "$B/g"
eq "other bytes" "$(cat "$(v g)")" diff

# somebody has looked in between (P10): no way back
before=$(mtime "$B/f")
rm "$B/f"
eq "a look in between" "$(errno_of stat "$B/f")" ENOENT
make_file diff f
newer "mtime after a look at the absent name" "$(mtime "$B/f")" "$before"
