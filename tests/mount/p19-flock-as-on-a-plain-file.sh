#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: flock does what it does on a plain file: conversion, duplicates, forks, signals, exits; while the file gets new
# versions, too.
# AXES: root tmpfs
. "${0%/*}/lib.sh"

for top in "$B" "$W"; do
	echo bytes >"$top/f"
	mkdir "$top/d"
done
mnt

note() { echo "$1: $2"; }
# try WHO SLOT OPERATION: its outcome, without waiting
try() { note "$*" "$(to_errno "$1" flock "$2" "$3" nb)"; }
# blocked WHO: it waits
blocked() { is_silent "$1" && note "$1" waits || note "$1" "does not wait"; }

# session FILE: everything, as text
session() {
	local f=$1 i
	for i in a b c; do
		start $i
		to $i open 0 "$f" r
	done
	to b open 1 "$f" rw
	# conversions
	try a 0 sh
	try a 0 sh
	try a 0 ex
	try a 0 ex
	try b 0 sh
	try a 0 sh
	try b 0 sh
	try a 0 ex # fails: is what it had gone?
	try b 0 ex
	try a 0 sh
	try a 0 un
	try b 0 un
	try b 0 un
	# two opens by one process are two owners
	try b 0 ex
	try b 1 sh
	try b 0 un
	try b 1 ex
	try b 1 un
	# an upgrade that waits for the other reader, and gets it
	try a 0 sh
	try b 0 sh
	tell a flock 0 ex
	try c 0 ex
	blocked a
	to b flock 0 un
	note "a, upgraded" "$(answer a)"
	try c 0 sh
	# a downgrade lets those in who wait to share, and nobody else
	tell c flock 0 sh
	try b 0 sh
	to a flock 0 sh
	note "c, after the downgrade" "$(answer c)"
	try b 0 ex
	try b 0 sh
	for i in a b c; do to $i flock 0 un; done
	# the last duplicate, and the last child that has it
	to a flock 0 ex
	to a dup 0 5
	to a close 0
	try b 0 sh
	to a close 5
	try b 0 sh
	to b flock 0 un
	to a open 0 "$f" r
	to a flock 0 ex
	forks a child
	to a close 0
	try b 0 ex
	try child 0 ex
	leaves child
	try b 0 ex
	to b flock 0 un
	to a open 0 "$f" r
	forks a child
	to child flock 0 ex
	try a 0 ex
	try a 0 un
	try b 0 ex
	leaves child
	# a wait that a signal ends, one that a kill ends, and the holder's own end
	note "interrupted" "$(to_errno a flock 0 ex intr)"
	to b flock 0 un
	try c 0 ex
	tell a flock 0 sh
	try b 0 sh
	dies a
	to c flock 0 un
	try b 0 ex
	tell c flock 0 ex
	try b 1 sh
	dies b
	note "c, after the holder's end" "$(answer c)"
	# new versions in between
	start a
	to a open 0 "$f" r
	start b
	tell a flock 0 sh
	blocked a
	to b open 0 "$f" rw,trunc
	to b write 0 0 "other $RANDOM"
	try b 0 sh
	to b close 0
	cat "$f" >/dev/null
	to b open 0 "$f" r
	try b 0 sh
	to c flock 0 un
	note "a, on the version before" "$(answer a)"
	try b 0 ex
	try b 0 sh
	rm "$f"
	echo again >"$f"
	to c open 1 "$f" r
	try c 1 ex # another file
	to c flock 1 un
	to c close 1
	mv "$f" "$f.moved"
	to c open 1 "$f.moved" rw
	to a open 1 "$f.moved" r
	try c 1 ex
	try a 1 sh
	mv "$f.moved" "$f"
	for i in a b c; do ends $i; done
	# a directory
	start a
	start b
	to a open 0 "${f%/*}/d" r,dir
	to b open 0 "${f%/*}/d" r,dir
	try a 0 ex
	try b 0 sh
	to a close 0
	try b 0 sh
	ends a
	ends b
}
session "$W/f" >"$T/want"
session "$B/f" >"$T/got"
grep -q "waits" "$T/want" || fail "nobody waited"
diff -u "$T/want" "$T/got" >&2 || fail "flock differs from that of a plain file"
