#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: what fstat said before the last close (inode number, mtime, ctime) is what stat says after it.
# BACKINGS: all
. "${0%/*}/lib.sh"

# every thread of the daemon
traced() {
	local task
	for task in /proc/"$(daemons)"/task/*; do
		! grep -q '^TracerPid:.*[^0-9]0$' "$task/status" || return 1
	done
}

mkdir "$B/d"
mnt
start w
for f in a b d/c; do
	to w open 0 "$B/$f" w,creat
	to w write 0 0 "bytes-of-$f"
	said=$(to w fstat 0)
	to w close 0
	eq "$f: stat after the close" "$(tool stat "$B/$f")" "$said"
done
# through a rename, as git makes its files
to w open 0 "$B/tmp" w,creat,excl
to w write 0 0 bytes
said=$(to w fstat 0 | grep -o '.*mtime=[^ ]*')
to w close 0
mv "$B/tmp" "$B/e"
eq "e: stat after close and rename" "$(tool stat "$B/e" | grep -o '.*mtime=[^ ]*')" "$said"
eq "e: inode number in the backing" "$(ino "$(v e)")" "$(ino "$B/e")"

# the kernel's memory is not what it rests on: not even for the ctime that it gives a renamed file by itself,
# later than the backing does
if [[ $AXIS_USER == root ]]; then
	strace -f -qq -o "$W/strace" -e trace=renameat2 -e inject=renameat2:delay_exit=50000 \
		-p "$(daemons)" 2>"$W/strace.err" &
	until_true "strace's being there" traced
	mv "$B/a" "$B/f"
	kill $!
	wait $! || :
	said=$(tool stat "$B/f" -- stat "$B/d/c" -- stat "$B/e")
	# what has been used is spared at first
	for _ in 1 2 3; do
		echo 2 >/proc/sys/vm/drop_caches
	done
	eq "stat after the kernel forgot" "$(tool stat "$B/f" -- stat "$B/d/c" -- stat "$B/e")" "$said"
fi
ends w
