#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10, as users feel it: build, check out a branch without a source, build, check it out again: make with a wildcard
# must build what is missing, and nothing may be stale.
. "${0%/*}/lib.sh"
. "${0%/*}/git.bash"
need make

mnt
cd "$B"
git init -q .
printf '%s\n' 'prog: $(patsubst %.c,%.o,$(wildcard *.c))' '	cat $^ >$@; echo prog >>'"$T/log" \
	'%.o: %.c' '	cp $< $@; echo $@ >>'"$T/log" >Makefile
printf '%s\n' '*.o' prog >.gitignore
echo a >a.c
git add . && git commit -qm one
git checkout -qb more
echo b >b.c
echo other >a.c
git add . && git commit -qm two

build() {
	: >"$T/log"
	make -s "$@"
	eq "the program" "$(cat prog)" "$(cat -- *.c)"
	xargs <"$T/log"
}
eq "the first build" "$(build)" "a.o b.o prog"
eq "the second" "$(build)" ""
git checkout -q -
eq "without b.c" "$(build)" "a.o prog"
git checkout -q more
eq "with b.c again" "$(build)" "a.o b.o prog"
# b.o had these bytes all the time, and is older than b.c now (P15)
eq "and again" "$(build)" "b.o"
# there and back between two builds, and nobody but git has looked: nothing more than before
git checkout -q - && git checkout -q more
eq "there and back" "$(build)" "b.o"
cd "$T"
