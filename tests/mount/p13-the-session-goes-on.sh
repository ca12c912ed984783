#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P13: whoever syncs a file that is being written exposes what is staged so far; the session goes on, and what
# is written then is seen by nobody outside before it is synced or closed.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo 'old bytes' >"$B/f"
mnt
start w
start other
start early
start late
to early open 0 "$B/f" r
to w open 0 "$B/f" rw,trunc
to w open 1 "$B/f" r
to other open 0 "$B/f" rw
last=$(mtime "$V/f")

# what has been written so far is exposed, whoever asks, and stays so
check() { # HOW
	local seen backing
	eq "$1: bytes for a stranger" "$(cat "$B/f")" "$1 one"
	eq "$1: size for a stranger" "$(stat -c %s "$B/f")" "$((${#1} + 5))"
	eq "$1: bytes in the backing" "$(cat "$V/f")" "$1 one"
	newer "$1: mtime" "$(mtime "$B/f")" "$last"
	eq "$1: mtime in the backing" "$(mtime "$V/f")" "$(mtime "$B/f")"
	last=$(mtime "$B/f")
	seen=$(seen "$B/f") backing=$(trace "$V/f")
	to late open 0 "$B/f" r
	to late mmap 0 100 r
	to w write 0 0 "$1\\stwo, and longer"
	sync -f "$B" # the daemon has it
	eq "$1: bytes after the next write" "$(cat "$B/f")" "$1 one"
	eq "$1: a stranger's view after the next write" "$(seen "$B/f")" "$seen"
	eq "$1: the backing after the next write" "$(trace "$V/f")" "$backing"
	eq "$1: who opened it in between" "$(to late read 0 0 99) $(to late load 0 0 "$((${#1} + 5))")" \
		"$1\\sone\\n $1\\sone\\n"
	to late munmap 0
	to late close 0
	to w ftruncate 0 0
}
for how in fsync fdatasync; do
	to w write 0 0 "$how\\sone\\n"
	to w "$how" 0
	check "$how"
done
to w write 0 0 'reader\sone\n'
to w fsync 1
check reader
to w write 0 0 'other\sone\n'
to other fsync 0
check other
to w write 0 0 'msync\sXXX\n'
to w mmap 0 10
to w store 0 6 one
to w msync 0
check msync
to w munmap 0
to w open 2 "$B/f" w,sync
to w write 2 0 'O_SYNC\sone\n'
check O_SYNC
# a stranger's reading descriptor syncs what he sees
to w write 0 0 'unseen'
to late open 0 "$B/f" r
eq "fsync by a stranger" "$(to_errno late fsync 0)" OK
eq "bytes after it" "$(cat "$B/f")" 'O_SYNC one'
to late close 0
ends other
ends w
eq "bytes at the end" "$(cat "$(v f)")" unseen
newer "mtime at the end" "$(mtime "$B/f")" "$last"
eq "who opened it before all that" "$(to early read 0 0 99)" 'old\sbytes\n'
ends early
ends late
