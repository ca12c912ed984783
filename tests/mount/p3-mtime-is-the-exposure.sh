#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3: the mtime is the moment of exposure, not of the last write, so that what a reader of the old bytes
# made in between looks older; stamped by the backing file system, so that no two neighbours tie.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo old >"$B/f"
echo old >"$B/g"
mnt
for round in 1 2 3 4 5; do
	start w
	to w open 0 "$B/f" w,trunc
	to w open 1 "$B/g" w,trunc
	to w write 0 0 "new$round"
	to w write 1 0 "new$round"
	between=$(marker "between$round")
	to w close 0
	first=$(mtime "$B/f")
	to w close 1
	second=$(mtime "$B/g")
	end=$(marker "end$round")
	newer "exposure against the reader's output" "$first" "$between"
	newer "second exposure against the first" "$second" "$first"
	not_newer "exposure against what came after" "$second" "$end"
	eq "mtime in the backing" "$(mtime "$(v f)")" "$first"
	ends w
done
