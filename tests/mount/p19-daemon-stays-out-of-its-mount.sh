#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: the daemon never asks its own mount for anything, for nobody could answer that: no request that the kernel sends comes
# from one of its threads, and none of its descriptors, mappings and directories is in the mount, even if its program, the
# directory it was started in, HOME and TMPDIR are there, and so is all that those have whom it serves.
# AXES: root ext4
. "${0%/*}/lib.sh"
need git make

# The programs, the scripts and the working directories of those whom it serves.
mkdir "$B/bin" "$B/home" "$B/tmp" "$B/work"
cp "$LKLFS" "$B/bin/lklfs"
cp "$TOOL" "$B/bin/tool"
cp "$(command -v make)" "$B/bin/make"
cp "$(command -v bash)" "$B/bin/sh"
cat >"$B/work/script" <<EOF
#!$B/bin/sh
cat input >output
cat input | tee more >>less
ln -f output other
"$B/bin/tool" open 0 mapped rw,creat -- ftruncate 0 8192 -- mmap 0 8192 rw -- store 0 4096 text -- close 0
EOF
printf 'SHELL = ../bin/sh\nall: output\noutput: input\n\t./script >/dev/null\n' >"$B/work/Makefile"
chmod +x "$B/work/script"

# -d says who asks. Nothing is cached, so that whoever looks asks.
(
	cd "$B/work"
	HOME=$B/home TMPDIR=$B/tmp PATH=$B/bin:$PATH exec "$B/bin/lklfs" -d \
		-o entry_timeout=0,attr_timeout=0,negative_timeout=0,converge "$B" </dev/null >"$T/requests" 2>&1
) &
until_true "a live mount" is_live
daemon=$(daemons)
device=$(stat -c %d "$B")
ne "device" "$device" "$(stat -c %d "$W")"

# outside WHEN: all that it has open or mapped, and where it is
outside() {
	local found
	found=$(stat -L -c '%d %n' "/proc/$daemon"/{cwd,root,exe,fd/*,map_files/*} 2>/dev/null | grep "^$device " || :)
	eq "$1: in the mount" "$found" ""
	eq "$1: its directory" "$(readlink "/proc/$daemon/cwd")" /
}

outside "at the beginning"
for round in 1 2; do
	echo text >"$B/work/input"
	(cd "$B/work" && "$B/bin/make" -s all && rm output && "$B/bin/make" -s all)
	(
		cd "$B/work"
		git init -q "$B/work"
		git add "$B/work"
		git -c user.name=a -c user.email=a@b commit -q --allow-empty -m "$round"
		git status --short >/dev/null
	)
	start w env -C "$B/work"
	to w open 0 staged w,creat,trunc
	to w write 0 0 text >/dev/null
	outside "with something staged"
	forks w child
	ends w
	eq "exposed without a close" "$(cat "$B/work/staged")" text
	sync "$B/work/staged" "$B/.lklfs/status"
	leaves child
	mv "$B/work/mapped" "$B/work/moved"
	rm "$B/work/other"
	cat "$B/.lklfs/status" >/dev/null
done
rm "$B/bin/lklfs" # which strange_names() would find
outside "at the end"
tasks=$(ls "/proc/$daemon/task")
umnt
wait

# Those who have asked, as often as they have.
sed -n 's/^unique: .*, opcode: .*, pid: \([0-9]*\)$/\1/p' "$T/requests" | sort | uniq -c >"$T/askers"
(($(wc -l <"$T/askers") > 20)) || fail "-d does not say who asks: $(head "$T/requests")"
for task in $tasks; do
	! grep -E " $task\$" "$T/askers" || fail "a thread of the daemon's has asked its own mount: $task"
done
