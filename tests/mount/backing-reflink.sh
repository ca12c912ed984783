#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Of a file that is changed in part, what stays equal shares its blocks with the version before, where the
# file system can; where it cannot, it is copied. Either way the bytes are right.
# AXES: root ext4
# BACKINGS: xfs btrfs
. "${0%/*}/lib.sh"
need filefrag

size=$((32 << 20))
# MiB of the file that it shares with others; of what is not written yet nobody can say
n_shared() {
	sync "$1"
	filefrag -v -b4096 "$1" | awk '/shared/ { gsub(":", "", $6); n += $6 } END { print int(n / 256) }'
}
# shares WHAT NAME MIB: at least so much
shares() {
	local n
	n=$(n_shared "$(v "$2")")
	if over ext4; then
		eq "$1: MiB that are shared" "$n" 0
	else
		((n >= $3)) || fail "$1: $n MiB are shared, not $3"
	fi
}
n_written() { sed -n 's/^wchar: //p' "/proc/$(daemons)/io"; }
# writes WHAT MIB COMMAND...: the daemon does not write more than that, replies included, unless it has to copy
writes() {
	local what=$1 mib=$2 before
	before=$(n_written)
	shift 2
	"$@"
	v . >/dev/null
	over ext4 || (($(n_written) - before < mib << 20)) || fail "$what: $((($(n_written) - before) >> 20)) MiB were written"
}
append() { echo "and more" >>"$B/f"; }

head -c "$size" /dev/urandom >"$W/f"
cp --reflink=never "$W/f" "$B/f"
head -c $((size / 2)) "$W/f" >"$B/g"
sync "$B/f" "$B/g"
mnt
ls "$B" >/dev/null

# so that there is a version before to share with
start r
to r open 0 "$B/f" r
to r open 1 "$B/g" r

# appended to
writes "an append" 2 append
echo "and more" >>"$W/f"
cmp "$B/f" "$W/f" || fail "an append: bytes"
shares "an append" f 31
# behind an end that is not a block's
writes "another append" 2 append
echo "and more" >>"$W/f"
cmp "$B/f" "$W/f" || fail "another append: bytes"
shares "another append" f 31

# some bytes in the middle, not at blocks
writes "a change in the middle" 2 tool open 0 "$B/f" rw -- write 0 10000001 changed -- write 0 20000003 too -- close 0
tool open 0 "$W/f" rw -- write 0 10000001 changed -- write 0 20000003 too -- close 0
cmp "$B/f" "$W/f" || fail "a change in the middle: bytes"
shares "a change in the middle" f 31

# all of it again, but other bytes from the middle on: the first half is shared, but for pieces that are compared later
# than the first difference was seen, for the kernel hands over several at once
cp "$B/g" "$W/g"
tool open 0 "$W/g" rw -- fill 0 $((size / 4)) $((size / 4)) x
writes "the second half" 14 cp --reflink=never "$W/g" "$B/g"
cmp "$B/g" "$W/g" || fail "the second half: bytes"
shares "the second half" g 2

# cut short, and grown
tool truncate "$B/g" 5000001
truncate -s 5000001 "$W/g"
cmp "$B/g" "$W/g" || fail "cut short: bytes"
tool truncate "$B/g" 7500001
truncate -s 7500001 "$W/g"
cmp "$B/g" "$W/g" || fail "grown: bytes"
ends r
umnt
cmp "$B/f" "$W/f" || fail "f in the end"
cmp "$B/g" "$W/g" || fail "g in the end"
