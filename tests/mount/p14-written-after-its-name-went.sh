#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14: what is written to a file whose name has been removed, or replaced, meanwhile is seen by its other names, at the
# close, at an fsync, and whoever had one of them open.
# BACKINGS: xfs btrfs
. "${0%/*}/lib.sh"

mkdir "$B/d"
for name in removed replaced synced twice; do
	echo "old $name" >"$B/$name"
	ln "$B/$name" "$B/d/$name"
done
echo other >"$B/other"
echo alone >"$B/alone"
mnt

cat "$B/d/removed" >/dev/null
start r
to r open 0 "$B/d/removed" r
start w
to w open 0 "$B/removed" w
rm "$B/removed"
to w write 0 0 new
to w close 0
eq "after its name was removed" "$(cat "$B/d/removed")" "new removed"
eq "in the backing" "$(cat "$(v d/removed)")" "new removed"
reads_new() { [[ "$(to r read 0 0 3)" == new ]]; }
until_true "new bytes for who had the other name open" reads_new

to w open 0 "$B/replaced" w
mv "$B/other" "$B/replaced"
to w write 0 0 new
to w close 0
eq "after its name was replaced" "$(cat "$B/d/replaced")" "new replaced"
eq "what replaced it" "$(cat "$B/replaced")" other

to w open 0 "$B/synced" w
rm "$B/synced"
to w write 0 0 new
to w fsync 0
eq "after an fsync" "$(cat "$B/d/synced")" "new synced"
to w write 0 0 end
to w close 0
eq "and after the close" "$(cat "$B/d/synced")" "end synced"

# with its last name it is gone
to w open 0 "$B/twice" w
rm "$B/twice" "$B/d/twice"
to w write 0 0 new
to w close 0
to w open 0 "$B/alone" w
rm "$B/alone"
to w write 0 0 new
to w close 0
eq "what is left" "$(cd "$B" && find . -type f | sort | tr '\n' ' ')" "./d/removed ./d/replaced ./d/synced ./replaced "
ends w
ends r
umnt
eq "in the end" "$(cat "$B/d/synced")" "end synced"
