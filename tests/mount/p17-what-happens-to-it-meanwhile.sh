#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: what could not be exposed stays what everyone reads while it is written again, renamed, linked and
# removed, and where its last writer's descriptor outlives him; fsync is told the error.
# AXES: root
. "${0%/*}/lib.sh"

for f in f renamed linked removed kept-open synced; do
	echo old >"$B/$f"
done
mkdir "$B/d"
mnt --log="$T/log"
start w
to w open 1 "$B/kept-open" w,trunc
to w write 1 0 inherited
forks w child
ends w
inject utimensat:error=EIO
for f in f renamed linked removed; do
	echo "new bytes" >"$B/$f"
done
until_true "four failures" so_many_failed 4

# written again: nobody sees the old bytes once more
start w
to w open 0 "$B/f" rw
to w write 0 0 'NEW'
sync -f "$B"
eq "written again" "$(cat "$B/f")" "NEW bytes"
eq "failed while it is written again" "$(status_value failed)" 4
eq "fsync" "$(to_errno w fsync 0)" EIO
ends w
eq "after that" "$(cat "$B/f")" "NEW bytes"
tool rename "$B/renamed" "$B/d/to"
eq "renamed" "$(cat "$B/d/to")" "new bytes"
eq "its old name" "$(errno_of stat "$B/renamed")" ENOENT
eq "linked" "$(errno_of link "$B/linked" "$B/other")" EIO
rm "$B/removed"
eq "removed" "$(errno_of stat "$B/removed")" ENOENT
eq "failed, then" "$(status_value failed_paths)" '["f","d/to","linked"]'

# nobody is left who opened it
for i in 1 2 3; do
	eq "what a descriptor outlives" "$(cat "$B/kept-open")" inherited
done
eq "failed with that" "$(status_value failed)" 4
eq "said of that" "$(grep -c 'cannot expose kept-open' "$T/log")" 1

# told by fsync, and by nothing else
start w
to w open 0 "$B/synced" w,trunc
to w write 0 0 'synced'
eq "fsync" "$(to_errno w fsync 0)" EIO
eq "a stranger after it" "$(cat "$B/synced")" old
inject_end
# exposed before it is written once more, so that nobody outside sees what is written now
start again
to again open 0 "$B/linked" rw
to again write 0 0 'XXX'
sync -f "$B"
eq "written once more" "$(cat "$B/linked")" "new bytes"
to again write 0 0 'new'
ends again
eq "fsync, then" "$(to_errno w fsync 0)" OK
eq "a stranger, then" "$(cat "$B/synced")" synced
ends w
try_again
eq "what a descriptor outlived, then" "$(cat "$B/kept-open")" inherited
eq "failed at last" "$(status_value failed)" 0
eq "in the backing" "$(cat "$V/f" "$V/d/to" "$V/linked" "$V/kept-open")" "NEW bytes
new bytes
new bytes
inherited"
eq "names" "$(cd "$V" && find . -type f | sort | tr '\n' ' ')" "./d/to ./f ./kept-open ./linked ./synced "
leaves child
umnt
