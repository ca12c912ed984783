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
# there is no room for what was removed and what is written, be it the same or not
for i in 1 2 3; do
	cp "$W/a" "$s/f"
	cmp "$W/a" "$s/f"
	rm "$s/f"
	{ head -c 2400000 "$W/a"; tail -c 100000 "$W/b"; } >"$W/c"
	cp "$W/c" "$s/f"
	cmp "$W/c" "$s/f"
	rm "$s/f"
done
cp "$W/a" "$s/f"
cmp "$W/a" "$s/f"
eq "without any more room" "$(status_of cp "$W/a" "$s/h")" 1
rm -f "$s/h"
"$LKLFS" umount "$s" </dev/null
cmp "$W/a" "$s/f"

# there is room for both, and somebody else takes what is left while the same is being written: then it differs
ls "$s" >"$T/left"
rm "$s"/*
mount -o remount,size=6m "$W/small"
"$LKLFS" "$s" </dev/null
tool open 0 "$s/f" w,creat -- fill 0 0 2500000 x
rm "$s/f"
start w
to w open 0 "$s/f" w,creat,direct >/dev/null
to w fill 0 0 2000000 x >/dev/null
cat /dev/zero >"$W/small/filler" 2>/dev/null || :
to w fill 0 2000000 500000 y >/dev/null
ends w
tool open 0 "$W/c" w,creat,trunc -- fill 0 0 2000000 x -- fill 0 2000000 500000 y
cmp "$W/c" "$s/f"
rm "$W/small/filler"
"$LKLFS" umount "$s" </dev/null
cmp "$W/c" "$s/f"

# what was removed takes no room from others, also while it is being written again with the same bytes
rm "$s"/*
mount -o remount,size=24m "$W/small"
"$LKLFS" "$s" </dev/null
tool open 0 "$s/f" w,creat -- fill 0 0 10000000 x
rm "$s/f"
start w
to w open 0 "$s/f" w,creat,direct >/dev/null
to w fill 0 0 400000 x >/dev/null
tool open 0 "$s/g" w,creat -- fill 0 0 15000000 y
eq "what somebody else writes" "$(stat -c %s "$s/g")" 15000000
ends w
"$LKLFS" umount "$s" </dev/null
eq "it is there" "$(stat -c %s "$s/g")" 15000000
umount "$W/small"
