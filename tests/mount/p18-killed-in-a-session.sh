#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: after SIGKILL of the daemon the backing holds for each file a complete old or a complete new version;
# the next mount replaces the dead one and sweeps what was left.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
for f in trunc edit d/append mapped finished; do
	pattern 100000 old >"$B/$f"
done
pattern 100000 old >"$T/old"
mnt
pattern 90000 new >"$T/new"
cp "$T/new" "$B/finished"
start w
to w open 0 "$B/trunc" w,trunc
to w fill 0 0 50000 x
to w open 1 "$B/edit" rw
to w write 1 5000 XXXX
to w open 2 "$B/d/append" w,append
to w write 2 - more
to w open 3 "$B/mapped" rw
to w mmap 3 100000
to w store 3 50000 XXXX
to w open 4 "$B/new" w,creat
to w fill 4 0 50000 x
kill_daemon
ends w

for f in trunc edit d/append mapped; do
	cmp "$(v "$f")" "$T/old" || fail "$f is not the old version"
done
cmp "$(v finished)" "$T/new" || fail "a finished session is not the new version"
[[ ! -e "$(v new)" ]] || fail "a new name that was never closed is there"

eq "a look at the dead mount" "$(errno_of stat "$B/trunc")" ENOTCONN
mnt
cmp "$B/trunc" "$T/old" || fail "the next mount does not show the old version"
echo again >"$B/trunc"
eq "written in the next mount" "$(cat "$(v trunc)")" again
eq "names in the backing" "$(cd "$(v .)" && find . -type f | sort | tr '\n' ' ')" \
	"./d/append ./edit ./finished ./mapped ./trunc "
umnt
