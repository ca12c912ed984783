#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: with -o posix_locks the locks of fcntl do what they do on a plain file, and belong to the file, not to one of
# its versions. Without it they are the kernel's own.
# AXES: root tmpfs
. "${0%/*}/lib.sh"

mkdir "$W/plain"
for top in "$B" "$W/plain"; do
	echo bytes >"$top/f"
	echo bytes >"$top/g"
done

note() { echo "$1: $2"; }
# try WHO SLOT TYPE START LENGTH [HOW]: its outcome, without waiting
try() { note "$*" "$(to_errno "$1" lock "${@:2}")"; }
# test WHO SLOT TYPE START LENGTH: what is in the way, with the holder's name
see() {
	local found who
	found=$(to "$1" getlock "${@:2}")
	for who in "${!STEER_PID[@]}"; do found=${found/% ${STEER_PID[$who]}/ $who}; done
	note "see $*" "$found"
}

# session DIR: everything, as text
session() {
	local f=$1/f g=$1/g i loser winner its line
	for i in a b c; do
		start $i
		to $i open 0 "$f" rw
	done
	# ranges
	see b 0 wr 0 0
	try a 0 wr 10 10
	try b 0 rd 0 10
	try b 0 rd 19 1
	try b 0 rd 20 0
	try c 0 wr 9 1
	try c 0 rd 5 5
	see c 0 wr 15 2
	see c 0 wr 10 1
	see c 0 rd 10 0
	see c 0 wr 100 1
	see a 0 rd 0 0
	# split, shared, joined again, moved from one kind to the other
	try a 0 rd 13 2
	try b 0 rd 13 2
	try b 0 wr 14 1
	try c 0 wr 12 1
	try a 0 un 10 3
	try c 0 wr 12 1
	see b 0 wr 13 8
	try a 0 un 0 0
	try b 0 un 0 0
	try c 0 un 12 1
	try a 0 wr 0 0
	try a 0 un 100 100
	see b 0 wr 0 0
	see b 0 wr 150 0
	try b 0 wr 100 100
	try a 0 wr 150 10
	see c 0 wr 120 0
	try a 0 un 0 0
	see c 0 wr 0 0
	try b 0 un 0 100
	see c 0 wr 0 0
	# any close of the file ends all of a process's locks
	to b open 1 "$f" r
	to b close 1
	see c 0 wr 0 0
	# ... of this file, and not of others
	try b 0 wr 0 5
	to b open 1 "$g" rw
	try b 1 wr 0 5
	to b close 1
	see c 0 wr 0 0
	# what a descriptor may do
	to b open 1 "$g" r
	try b 1 wr 0 1
	try b 1 rd 0 1
	to b close 1
	try b 0 wr 0 -1
	to b close 0
	to b open 0 "$f" rw
	# a child has none of its parent's
	try a 0 wr 0 1
	forks a child
	try child 0 rd 0 1
	to child close 0
	try b 0 rd 0 1
	leaves child
	to a close 0
	try b 0 rd 0 1
	to a open 0 "$f" rw
	# waiting: until it is free, a signal, or the holder's end
	tell a lock 0 wr 0 1 wait
	see c 0 wr 5 1
	is_silent a || note a "did not wait"
	try b 0 un 0 1
	note "a, when it was free" "$(answer a)"
	note "interrupted" "$(to_errno b lock 0 rd 0 1 intr)"
	tell b lock 0 rd 0 1 wait
	try c 0 rd 0 1
	dies b
	dies a
	try c 0 wr 0 1
	start b
	to b open 0 "$f" rw
	start a
	to a open 0 "$f" rw
	tell a lock 0 wr 0 1 wait
	try b 0 rd 0 1
	dies c
	note "a, after the holder's end" "$(answer a)"
	# waiting for each other, in two files
	to a open 1 "$g" rw
	to b open 1 "$g" rw
	try b 1 wr 0 1
	tell b lock 0 wr 0 1 wait
	tell a lock 1 wr 0 1 wait
	until_true "the end of the deadlock" answered
	loser=a winner=b its=0
	! is_silent a || loser=b winner=a its=1
	IFS= read -r -t 30 -u "${STEER_OUT[$loser]}" line
	note "one of them" "${line##* }"
	to $loser lock $its un 0 1
	note "the other" "$(answer $winner)"
	to a close 1
	to b close 1
	to a lock 0 un 0 0
	to b lock 0 un 0 0
	# of open files: the owner is the open file, whoever has it
	to a open 1 "$f" rw
	try a 0 wr 0 10 ofd
	try a 1 rd 5 1 ofd
	try a 1 rd 5 1
	try a 1 wr 10 1 ofd
	to a dup 0 2
	to a close 0
	try b 0 rd 0 1
	forks a child
	to a close 2
	try b 0 rd 0 1
	leaves child
	try b 0 rd 0 1
	try b 0 wr 10 1
	to a close 1
	try b 0 wr 10 1
	# new versions in between
	start r
	to r open 0 "$f" r
	try r 0 rd 100 1
	try b 0 un 0 0
	to b close 0
	to b open 0 "$f" rw,trunc
	to b write 0 0 "other $RANDOM"
	try b 0 wr 0 0
	see b 0 wr 0 0
	try b 0 wr 0 50
	try r 0 rd 40 100
	to b fsync 0
	try r 0 rd 40 100
	to b close 0
	cat "$f" >/dev/null
	try r 0 rd 40 100
	to a open 0 "$f" rw
	see a 0 wr 0 0
	mv "$f" "$f.moved"
	see a 0 wr 0 0
	echo again >"$f"
	to b open 1 "$f" rw
	try b 1 wr 0 0
	mv "$f.moved" "$f"
	see a 0 wr 0 0
	for i in a b r; do ends $i; done
}
answered() { ! is_silent a || ! is_silent b; }

mnt -o posix_locks
session "$W/plain" >"$T/want"
session "$B" >"$T/got"
grep -q EDEADLK "$T/want" || fail "there was no deadlock"
diff -u "$T/want" "$T/got" >&2 || fail "fcntl locks differ from those of a plain file"
remount

# the kernel's own: writers of a file share a version, and no FLUSH is needed for the end of their locks
start a
start b
to a open 0 "$B/f" rw
to b open 0 "$B/f" rw
to a lock 0 wr 0 10
eq "against another writer" "$(to_errno b lock 0 wr 5 10)" EAGAIN
to a open 1 "$B/f" r
to a close 1
eq "after a close" "$(to_errno b lock 0 wr 5 10)" OK
ends a
ends b
