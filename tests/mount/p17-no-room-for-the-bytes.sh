#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: what cannot be stored, as the disk is full or fails, is told by write, fsync or close. Shells do not look: so
# a file of which not all is there is not exposed. The old one stays with its mtime, a new name is not made, what there
# is of it is kept beside, and the log says so once; make makes it again.
# AXES: root ext4
. "${0%/*}/lib.sh"
need make python3

mkdir "$W/small"
mount -t tmpfs -o size=512k none "$W/small"
trap 'umount -l "$W/small"; at_exit 1' EXIT
D=$W/small/b
mkdir "$D"
fill() { cat /dev/zero >"$W/small/filler" 2>/dev/null || :; }

printf 'out: in\n\twhile IFS= read -r x; do echo "$$x"; done <in >out\nnew: in\n\twhile IFS= read -r x; do echo "$$x"; done <in >new\n' >"$D/Makefile"
seq 20000 >"$D/in"
echo old >"$D/out"
touch -d '1 hour ago' "$D/out"
before=$(trace "$D/out")
"$LKLFS" --log="$T/log" "$D" </dev/null
fill
# whether make notices is the shell's affair
(cd "$D" && make -s out) >&2 || :
(cd "$D" && make -s new) >&2 || :
eq "the old file" "$(cat "$D/out")" old
eq "the new name" "$(errno_of stat "$D/new")" ENOENT
eq "said of them" "$(grep -c 'could not be stored' "$T/log")" 2
has "said of them" "$(cat "$T/log")" "No space left on device"
# a program that looks is told
eq "write, or close" "$(tool open 0 "$D/told" w,creat -- write 0 0 bytes -- fsync 0 -- close 0 | grep -c ENOSPC)" 1
rm "$W/small/filler"
(cd "$D" && make -s out new) || fail "make, with room"
eq "made then" "$(sum "$D/out") $(sum "$D/new")" "$(sum "$D/in") $(sum "$D/in")"
rm -f "$D"/*.lklfs-unsaved*
"$LKLFS" umount "$D" </dev/null
until_true "the daemon's end" no_daemon
eq "in the backing" "$(sum "$D/out") $(sum "$D/new")" "$(sum "$D/in") $(sum "$D/in")"

# by run, which says it
echo old >"$D/out"
rm "$D/new"
before=$(trace "$D/out")
fill
eq "run: status" "$(status_of "$LKLFS" run "$D" -- sh -c "cd '$D'; cat in >out; cat in >new; true")" 125
has "run: what is said" "$(cat "$T/err")" "out in $D could not be stored"
eq "run: the old file" "$(trace "$D/out")" "$before"
[[ ! -e "$D/new" ]] || fail "run: the new name is there"
rm "$W/small/filler"
umount "$W/small"
trap 'status=$?; at_exit "$status"' EXIT

# the disk fails; what is written from the beginning once more is whole
echo old >"$B/f"
before=$(trace "$B/f")
mnt --log="$T/log2"
inject pwrite64:error=EIO
echo new >"$B/f" || :
echo new >"$B/g" || :
eq "EIO: f" "$(cat "$B/f")" old
eq "EIO: g" "$(errno_of stat "$B/g")" ENOENT
for how in left whole; do
	start w
	to w open 0 "$B/f" w,trunc
	to w write 0 0 'first'
	eq "EIO: fsync" "$(to_errno w fsync 0)" EIO
	eq "in the backing" "$(trace "$V/f")" "$before"
	if [[ "$how" == whole ]]; then
		inject_end
		to w ftruncate 0 0
		to w write 0 0 'second'
	fi
	ends w
	[[ "$how" == whole ]] || eq "afterwards" "$(cat "$B/f")" old
done
eq "written from the beginning" "$(cat "$B/f")" second
rm -f "$V"/*.lklfs-unsaved*
umnt
