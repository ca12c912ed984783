#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P3: set-id bits and file capabilities are dropped as a write in place would drop them.
# BACKINGS: all user
. "${0%/*}/lib.sh"

# What the backing file system does with an ordinary writer is the measure.
if [[ $AXIS_USER == user ]]; then
	writer=("$TOOL")
	mnt_options=()
else
	need setpriv setcap getcap
	writer=(setpriv --reuid="$TEST_UID" --regid="$TEST_UID" --clear-groups -- "$TOOL")
	mnt_options=(-o allow_other)
fi
for f in "$W/plain" "$B/f" "$B/g"; do
	echo old >"$f"
	[[ $AXIS_USER == user ]] || chown "$TEST_UID:$TEST_UID" "$f"
	chmod 6755 "$f"
done
mnt "${mnt_options[@]}"
eq "mode before" "$(stat -c %a "$B/f")" 6755
writes() { "${writer[@]}" open 0 "$1" w,trunc -- write 0 0 new -- fstat 0 -- close 0 | sed -n 's/^.* mode=\([0-9]*\) .*/\1/p'; }
plain=$(writes "$W/plain")
eq "mode by the descriptor that has written" "$(writes "$B/f")" "$plain"
ne "mode of the measure" "$(stat -c %a "$W/plain")" 6755
eq "mode in the backing" "$(stat -c %a "$(v f)")" "$(stat -c %a "$W/plain")"
eq "mode through the mount" "$(stat -c %a "$B/f")" "$(stat -c %a "$W/plain")"

# set-group-ID without execution by the group is none
echo linked >"$B/l"
ln "$B/l" "$B/l2"
for f in "$W/plain" "$B/f" "$B/l"; do
	[[ $AXIS_USER == user ]] || chown "$TEST_UID:$TEST_UID" "$f"
	chmod 2664 "$f"
done
plain=$(writes "$W/plain")
for f in f l; do
	eq "mode of $f by the descriptor that has written" "$(writes "$B/$f")" "$plain"
	eq "mode of $f in the backing" "$(stat -c %a "$(v "$f")")" "$(stat -c %a "$W/plain")"
	eq "mode of $f through the mount" "$(stat -c %a "$B/$f")" "$(stat -c %a "$W/plain")"
done
for dir in "$W/new" "$B/new"; do
	mkdir "$dir"
	[[ $AXIS_USER == user ]] || chown "$TEST_UID:$TEST_UID" "$dir"
	"${writer[@]}" open 0 "$dir/f" w,creat -- fchmod 0 2664 -- write 0 0 new -- close 0
done
eq "mode of a new one" "$(stat -c %a "$B/new/f")" "$(stat -c %a "$W/new/f")"

# but who sets them after having written has set them
for mode in 6755 4711; do
	"${writer[@]}" open 0 "$B/f" w,trunc -- write 0 0 "$mode" -- fchmod 0 "$mode" -- close 0
	eq "mode in the backing, set within a session" "$(stat -c %a "$(v f)")" "$mode"
	eq "mode through the mount, set within a session" "$(stat -c %a "$B/f")" "$mode"
done

if [[ $AXIS_USER == root ]]; then
	# root keeps set-id bits, but file capabilities go whoever writes
	echo new >"$B/g"
	eq "mode after root's write" "$(stat -c %a "$B/g")" 6755
	cp "$TOOL" "$B/prog"
	setcap cap_net_raw+ep "$B/prog"
	has "capability through the mount" "$(getcap "$B/prog")" cap_net_raw
	has "capability in the backing" "$(getcap "$(v prog)")" cap_net_raw
	echo more >>"$B/prog"
	eq "capability after a write" "$(getcap "$(v prog)")" ""
fi
