#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 5: a container that is killed in the middle of a build leaves no mount, no process and no torn file; the next
# one sweeps what it has left, and builds on.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/container.bash"
need runc python3

echo old >"$B/old"
pattern 100000 old >"$B/large"
cp "$B/large" "$W/large"
bundle killed "$LKLFS" run "$B" -- sh -c "cd '$B'; exec 3>old 4>large 5>new; echo other >&3; echo short >&4; echo new >&5
	rm -f old2; echo >'$W/ready'; read x <>'$T/never'"
begins killed
ends_by KILL killed 137
eq "old" "$(cat "$B/old")" old
cmp "$B/large" "$W/large" || fail "the large file is torn"
[[ ! -e "$B/new" ]] || fail "half of a new file is there"
eq "mounts" "$(n_mounted "$B")" 0
eq "daemons" "$(daemons)" ""

bundle again "$LKLFS" run "$B" -- sh -c "cd '$B'; echo other >old; echo new >new"
eq "status of the next" "$(status_of contain again)" 0
eq "what it made" "$(cat "$B/old" "$B/new")" "other
new"
eq "names" "$(ls -A "$B" | tr '\n' ' ')" "large new old "
