#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: ... so that lock files and O_EXCL work.
. "${0%/*}/lib.sh"

echo other >"$B/other"
mnt
start w
start x
to w open 0 "$B/lock" w,creat,excl
eq "O_EXCL by a stranger, while it is open" "$(to_errno x open 0 "$B/lock" w,creat,excl)" EEXIST
eq "link at it by a stranger" "$(errno_of link "$B/other" "$B/lock")" EEXIST
eq "mkdir of it by a stranger" "$(errno_of mkdir "$B/lock")" EEXIST
eq "symlink at it by a stranger" "$(errno_of symlink x "$B/lock")" EEXIST
to w close 0
eq "O_EXCL after the close" "$(to_errno x open 0 "$B/lock" w,creat,excl)" EEXIST
rm "$B/lock"
to x open 0 "$B/lock" w,creat,excl
eq "O_EXCL the other way round" "$(to_errno w open 0 "$B/lock" w,creat,excl)" EEXIST
rm "$B/lock"
to w open 0 "$B/lock" w,creat,excl
to x close 0
[[ ! -e "$(v lock)" ]] || fail "the removed lock's close exposed the new one"
to w close 0
[[ -e "$(v lock)" ]] || fail "the lock is not in the backing"

# of many who try at once one wins
for ((i = 0; i < 8; i++)); do
	"$TOOL" open 0 "$B/race" w,creat,excl >"$T/race.$i" &
	pids[i]=$!
done
won=0
for ((i = 0; i < 8; i++)); do
	if wait "${pids[i]}"; then won=$((won + 1)); else eq "the losers' error" "$(cat "$T/race.$i")" EEXIST; fi
done
eq "winners" "$won" 1
ends w
ends x
