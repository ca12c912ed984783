#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14 and P18: killed in the middle of writing through, the next mount finishes it: whole new bytes by every
# name, also where the file is written in a directory that takes no other name, and nothing left behind. What
# somebody else has put there under such a name is left alone.
# AXES: root
. "${0%/*}/lib.sh"
need strace setpriv

# dies_writing FILE: all is staged, and what is left to do when it is closed is cut short
dies_writing() {
	start w
	to w open 0 "$1" w,trunc
	to w fill 0 0 900000 n
	sync -f "$B"
	inject pwrite64:signal=KILL:when=5
	ends w
	until_true "the daemon's death" no_daemon
	wait "$STRACE_PID" || :
}
pattern 1000000 old >"$T/old"
head -c 900000 /dev/zero | tr "\\0" n >"$T/new"
mkdir "$B/d" "$B/e"
cp "$T/old" "$B/d/a"
ln "$B/d/a" "$B/e/b"
mnt
dies_writing "$B/d/a"
cmp "$V/e/b" "$T/new" >/dev/null && fail "it was killed too late"
cmp "$V/e/b" "$T/old" >/dev/null && fail "it was killed too early"
eq "hidden names in the backing" "$(ls -A "$V/d" | grep -c 'stage')" 1
# the name is in another directory by now, too
mv "$V/d/a" "$V/e/a"
# somebody else's name for the same
hidden=$(cd "$V/d" && echo .lklfs-stage-*)
evil=.lklfs-stage-999999-1-7-$(ino "$V/e/b")-0
echo evil >"$V/e/$evil"
chown "$TEST_UID" "$V/e/$evil"
mnt
cmp "$B/e/a" "$T/new" || fail "the next mount has not finished it"
cmp "$B/e/b" "$T/new"
umnt
[[ ! -e "$V/d/$hidden" ]] || fail "what was finished is left"
eq "somebody else's" "$(cat "$V/e/$evil")" evil
rm "$V/e/$evil"

# where the directory takes no other name, the root of the mount has it
if [[ $AXIS_FS == ext4 ]]; then
	need chattr
	mkdir "$V/shut"
	cp "$T/old" "$V/shut/f"
	chattr +i "$V/shut"
	trap 'status=$?; chattr -i "$V/shut"; at_exit "$status"' EXIT
	mnt
	dies_writing "$B/shut/f"
	eq "hidden names in the root" "$(find "$V" -maxdepth 1 -type f -name "*stage*" | wc -l)" 1
	mnt
	cmp "$B/shut/f" "$T/new" || fail "the next mount has not finished it"
	umnt
fi
