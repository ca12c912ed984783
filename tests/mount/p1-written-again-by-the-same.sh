#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P1, P3, P4: who writes a file and comes again is told its id before others are, and may write by that at once. Others
# see what is exposed all the same, before, while it is written and after.
. "${0%/*}/lib.sh"

# rewritten TEXT: the actor writes the whole file
rewritten() {
	to w open 0 "$B/f" w,trunc
	to w write 0 0 "$1"
	to w close 0
}

echo v0 >"$B/f"
echo k0 >"$B/k"
mnt
start w
rewritten 'v1\n'

# Nobody looks in between.
to w open 0 "$B/f" w,trunc
to w write 0 0 'v22\n'
eq "a stranger, while it is written again" "$(cat "$B/f") $(stat -c %s "$B/f")" 'v1 3'
to w close 0
eq "a stranger, after that" "$(cat "$B/f") $(stat -c %s "$B/f")" 'v22 4'

# The actor looks, then somebody else does, and is told so that the kernel remembers it.
rewritten 'v3\n'
to w stat "$B/f" >/dev/null
eq "a stranger, before it is written" "$(stat -c %s "$B/f")$(stat -c %s "$B/f")" 33
to w open 0 "$B/f" w,trunc
to w write 0 0 'v44\n'
eq "a stranger, while it is written" "$(cat "$B/f") $(stat -c %s "$B/f")" 'v3 3'
eq "the actor, while it writes" "$(to w spawn cat "$B/f")" '0 v44\n'
to w close 0
eq "a stranger, at once" "$(stat -c %s "$B/f") $(cat "$B/f")" '4 v44'

# The actor looks, then somebody else writes it.
rewritten 'v5\n'
to w stat "$B/f" >/dev/null
echo v66 >"$B/f"
to w open 0 "$B/f" rw
eq "the actor edits what is there" "$(to w read 0 0 9)" 'v66\n'
to w write 0 1 7
to w close 0
eq "an edit of what somebody else wrote" "$(cat "$B/f")" v76

# The same behind the mount.
rewritten 'v8\n'
to w stat "$B/f" >/dev/null
echo v9999 >"$(v f).new"
mv "$(v f).new" "$(v f)"
to w open 0 "$B/f" rw
eq "the actor edits what came from behind" "$(to w read 0 0 9)" 'v9999\n'
to w write 0 1 8
to w close 0
eq "an edit of what came from behind" "$(cat "$B/f")" v8999

# The same by the id that it has been told, without another lookup; of a name without former versions, so that
# the kernel remembers it.
for ((i = 0; i < 2; i++)); do
	to w open 0 "$B/k" w,trunc
	to w write 0 0 'k0\n'
	to w close 0
done
to w open 2 "$B/k" path
eq "a stranger is told, and the kernel remembers" "$(stat -c %s "$B/k")" 3
to w open 0 fd:2 w,trunc
to w write 0 0 'k1111\n'
# A name that was cached when it was opened by a descriptor expires in a moment.
has_size() { [[ "$(stat -c %s "$B/k")" == "$1" ]]; } # opening it would make the kernel look again
until_true "a stranger sees what is exposed" has_size 3
eq "a stranger, while it is written" "$(cat "$B/k")" k0
to w close 0
to w close 2
until_true "a stranger sees what was written" has_size 6
eq "a stranger, after that" "$(cat "$B/k")" k1111
rewritten 'v12\n'
to w open 2 "$B/f" path
echo v1333 >"$(v f).new"
mv "$(v f).new" "$(v f)"
errno=$(to_errno w open 0 fd:2 rw)
if [[ "$errno" == OK ]]; then
	eq "the actor edits what somebody else wrote" "$(to w read 0 0 9)" 'v1333\n'
	to w close 0
else
	eq "what is another file by now" "$errno" ESTALE
fi
eq "what somebody else wrote" "$(cat "$B/f")" v1333
to w close 2

# The actor has it open for reading when it writes it.
rewritten 'v10\n'
to w open 1 "$B/f" r
chmod 640 "$B/f"
is_told() { [[ "$(to w fstat 1)" == *mode=640* ]]; }
until_true "the mode that somebody else has set, by that handle" is_told
to w open 0 "$B/f" w,trunc
to w write 0 0 'v11\n'
eq "the old bytes by the handle from before" "$(to w read 1 0 9)" 'v10\n'
to w close 0
eq "and after it" "$(to w read 1 0 9)" 'v10\n'
eq "its size" "$(to w fstat 1 | grep -o 'size=[0-9]*')" size=4
to w close 1
eq "a stranger, at last" "$(cat "$B/f")" v11

# What leaves no trace leaves none, however often, and the actor itself is told so.
want=$(stat -c '%i %y %z' "$(v f)")
told=$(to w stat "$B/f")
for ((i = 0; i < 5; i++)); do
	rewritten 'v11\n'
	eq "what the actor is told $i" "$(to w stat "$B/f")" "$told"
done
eq "no trace" "$(stat -c '%i %y %z' "$(v f)")" "$want"

# It looks, and what it looked at is removed, or renamed.
to w stat "$B/f" >/dev/null
mv "$B/f" "$B/g"
echo other >"$B/f"
to w open 0 "$B/f" append,w
to w write 0 - '+\n'
to w close 0
eq "a name that is another file by now" "$(cat "$B/f")" $'other\n+'
eq "what it was" "$(cat "$B/g")" v11
ends w
