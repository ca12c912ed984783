#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: whichever system call of an exposure fails, what was written stays what everyone reads, the failure is
# said once, status counts and names it, umount refuses and names it; and as soon as it can be, it is exposed.
# AXES: root ext4
. "${0%/*}/lib.sh"
need setfattr

mkdir "$B/d"
echo old >"$B/d/f"
chown "$TEST_UID" "$B/d/f"
setfattr -n user.note -v kept "$B/d/f"
mnt --log="$T/log"

n=0
# fails WHAT EXPRESSION...: rewrites f, and makes a new name, with these system calls failing
fails() {
	local what=$1 reader new=new-$((++n))
	shift
	tool open 0 "$B/d/f" w,trunc -- write 0 0 "before\\s$n" -- close 0
	start r
	to r open 0 "$B/d/f" r
	inject "$@"
	: >"$T/log"
	echo "after $n, longer" >"$B/d/f"
	echo "new $n" >"$B/d/$new"
	eq "$what: bytes for everybody" "$(cat "$B/d/f")" "after $n, longer"
	eq "$what: size for everybody" "$(stat -c %s "$B/d/f")" "$((15 + ${#n}))"
	eq "$what: mapped" "$(tool open 0 "$B/d/f" r -- mmap 0 4 r -- load 0 0 5)" "after"
	eq "$what: a new name" "$(cat "$B/d/$new")" "new $n"
	eq "$what: who had it open" "$(to r read 0 0 6)" "before"
	eq "$what: the backing" "$(cat "$V/d/f")" "before $n"
	[[ ! -e "$V/d/$new" ]] || fail "$what: the new name is in the backing"
	ends r
	eq "$what: failed" "$(status_value failed)" 2
	eq "$what: failed_paths" "$(status_value failed_paths)" "[\"d/f\",\"d/$new\"]"
	"$LKLFS" status "$B" >"$T/status" </dev/null
	has "$what: status" "$(cat "$T/status")" "2 failed (\"d/f\", \"d/$new\": "
	eq "$what: umount" "$(status_of "$LKLFS" umount "$B")" 1
	eq "$what: lines said by umount" "$(wc -l <"$T/err")" 1
	has "$what: names said by umount" "$(cat "$T/err")" "\"d/f\", \"d/$new\""
	eq "$what: mounts" "$(n_mounted "$B")" 1
	eq "$what: bytes after umount refused" "$(cat "$B/d/f")" "after $n, longer"
	eq "$what: lines in the log" "$(grep -c 'cannot expose' "$T/log")" 2
	inject_end
	try_again
	eq "$what: bytes in the backing, then" "$(cat "$V/d/f")" "after $n, longer"
	eq "$what: the new name in the backing, then" "$(cat "$V/d/$new")" "new $n"
	eq "$what: owner and attribute" "$(stat -c %u "$V/d/f") $(getfattr --only-values -n user.note "$V/d/f")" "$TEST_UID kept"
	eq "$what: bytes, then" "$(cat "$B/d/f")" "after $n, longer"
	eq "$what: failed, then" "$(status_value failed)" 0
	eq "$what: hidden names" "$(ls -A "$V/d" | grep -c stage)" 0
}

fails "linkat" linkat:error=ENOSPC
fails "renameat and linkat" renameat:error=EIO linkat:error=EIO
fails "utimensat" utimensat:error=EROFS
fails "fchown and linkat" fchown:error=EDQUOT linkat:error=EDQUOT
fails "fsetxattr and linkat" fsetxattr:error=ENOSPC linkat:error=EIO
fails "fchmod and linkat" fchmod:error=EIO linkat:error=ENOENT

# after it has got a hidden name, which it must not lose: it could not get another
inject renameat:error=EIO
echo renamed >"$B/d/f"
eq "renameat alone: bytes" "$(cat "$B/d/f")" renamed
eq "renameat alone: umount" "$(status_of "$LKLFS" umount "$B")" 1
inject_end
try_again
eq "renameat alone: in the backing, then" "$(cat "$V/d/f")" renamed
eq "renameat alone: hidden names" "$(ls -A "$V/d" | grep -c stage)" 0
umnt
