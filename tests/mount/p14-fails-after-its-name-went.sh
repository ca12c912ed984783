#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P14 and P17: what could not be written through, or but in part, is not forgotten when its name is removed or replaced, before
# the close or after the failure: the other names get it later, by a later attempt or by the next mount after a crash or an
# end by force, and until then it counts as failed.
# AXES: root ext4 tmpfs
. "${0%/*}/lib.sh"

pattern 600000 old >"$T/old"
head -c 500000 /dev/zero | tr '\0' n >"$T/new"
mkdir "$B/d"
cp "$T/old" "$B/d/other"

is_torn() { ! cmp -s "$1" "$T/old" && ! cmp -s "$1" "$T/new"; }

# What is staged goes to the disk with pwrite64, too: it has, when the injection begins.
# staged NAME: all of it is, and its writer has it open
staged() {
	cp "$T/old" "$V/d/other"
	ln "$V/d/other" "$V/$1"
	mnt --log="$T/log"
	start w
	to w open 0 "$B/$1" w,trunc
	to w fill 0 0 500000 n
	sync -f "$B"
}
finished() {
	cmp "$V/d/other" "$T/new"
	eq "names" "$(cd "$V" && find . -type f | sort | tr '\n' ' ')" "./d/other "
}

# removed, then closed
staged a
tool unlink "$B/a"
inject pwrite64:error=EIO:when=2+
ends w
until_true "the failure" so_many_failed 1
is_torn "$V/d/other" || fail "it has not failed in the middle"
inject_end
try_again
until_true "no failure, then" so_many_failed 0
finished
umnt

# the same, and killed, or ended by force: what was saved is another file than what the next mount finishes
staged a
tool unlink "$B/a"
inject pwrite64:error=EIO:when=2+
ends w
until_true "the failure" so_many_failed 1
kill_daemon
wait "$STRACE_PID" || :
"$LKLFS" umount "$B"
is_torn "$V/d/other" || fail "it has not failed in the middle"
mnt
finished
umnt

ends_traced
staged a
tool unlink "$B/a"
inject pwrite64:error=EIO:when=2+
ends w
until_true "the failure" so_many_failed 1
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
inject_end
inject pwrite64:error=EIO
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
wait "$STRACE_PID" || :
is_torn "$V/d/other" || fail "it has not failed until the end"
has "the log" "$(cat "$T/log")" "could not be exposed but in part, and was saved as "
saved=$(sed -n 's/.* and was saved as //p' "$T/log" | tail -n 1)
cmp "$saved" "$T/new"
rm "$saved"
mnt
finished
umnt

# failed, then removed or replaced
for how in removed replaced; do
	staged a
	inject pwrite64:error=EIO:when=1+
	ends w
	until_true "the failure" so_many_failed 1
	if [[ $how == removed ]]; then
		tool unlink "$B/a"
	else
		ln -s nowhere "$V/link"
		tool rename "$B/link" "$B/a"
	fi
	until_true "a failure, $how" these_failed '["a"]'
	inject_end
	try_again
	until_true "no failure any more, $how" so_many_failed 0
	finished
	umnt
	rm -f "$V/a"
done

# with its last name it is gone
staged a
inject pwrite64:error=EIO:when=1+
ends w
until_true "the failure" so_many_failed 1
tool unlink "$B/d/other" -- unlink "$B/a"
until_true "no failure without a name" so_many_failed 0
inject_end
umnt
eq "names at last" "$(cd "$V" && find . -type f | tr '\n' ' ')" ""
mnt
