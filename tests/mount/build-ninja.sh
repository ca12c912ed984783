#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real build with ninja: after a touched input only the steps run whose inputs changed their bytes, and
# after that there is nothing to do.
. "${0%/*}/lib.sh"
need ninja gcc

cat >"$W/build.ninja" <<EOF
rule copy
  command = cp \$in \$out && echo copy >>$T/log
  restat = 1
rule cc
  command = gcc -c -I$B \$in -o \$out && echo cc >>$T/log
rule link
  command = gcc \$in -o \$out && echo link >>$T/log
build $B/config.h: copy $W/config.in
build $B/main.o: cc $W/main.c | $B/config.h
build $B/prog: link $B/main.o
EOF
echo '#define ANSWER 42' >"$W/config.in"
printf '#include "config.h"\nint main(void) { return ANSWER; }\n' >"$W/main.c"
mnt
build() {
	: >"$T/log"
	ninja -C "$W" >"$T/ninja.log" || fail "ninja: $(cat "$T/ninja.log")"
	tr '\n' ' ' <"$T/log"
}
eq "first build" "$(build)" "copy cc link "
eq "second build" "$(build)" ""
has "what ninja says" "$(cat "$T/ninja.log")" "no work to do"
before=$(trace "$(v config.h)")
echo '#define ANSWER 42' >"$W/config.in"
eq "after an input was written again" "$(build)" "copy "
eq "the header" "$(trace "$(v config.h)")" "$before"
eq "and once more" "$(build)" ""
echo '#define ANSWER 43' >"$W/config.in"
eq "after a change" "$(build)" "copy cc link "
eq "status of the program" "$(status_of "$B/prog")" 43
eq "afterwards" "$(build)" ""
