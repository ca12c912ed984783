#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: versions kept for P7 and P9 are given up before a writer is told that the disk is full.
# AXES: root
. "${0%/*}/lib.sh"

mkdir "$W/small"
mount -t tmpfs -o size=4m small "$W/small"
mkdir "$W/small/b"
"$LKLFS" "$W/small/b" </dev/null
s=$W/small/b
pattern 2500000 a >"$W/a"
pattern 2500000 b >"$W/b"
for i in 1 2 3; do
	cp "$W/a" "$s/f"
	rm "$s/f"
	cp "$W/b" "$s/g"
	cmp "$W/b" "$s/g"
	rm "$s/g"
done
cp "$W/a" "$s/f"
cmp "$W/a" "$s/f"
eq "without any more room" "$(status_of cp "$W/a" "$s/h")" 1
rm -f "$s/h"
"$LKLFS" umount "$s" </dev/null
cmp "$W/a" "$s/f"
umount "$W/small"
