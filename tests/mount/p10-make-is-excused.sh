#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: the driver above the step is excused where it looks only at times: make stats its target before and
# after the recipe, and an unchanged target stops the cascade within the same run.
. "${0%/*}/lib.sh"
need make

cat >"$W/Makefile" <<EOF
all: $B/last
$B/copy: FORCE
	cp $W/in \$@
	@echo copy >>$T/log
$B/edit: $B/copy FORCE
	$TOOL open 0 \$@ rw,creat,trunc -- write 0 0 constant
	@echo edit >>$T/log
$B/last: $B/copy $B/edit
	cat $B/copy $B/edit >\$@
	@echo last >>$T/log
FORCE:
EOF
echo one >"$W/in"
mnt
build() {
	: >"$T/log"
	make -s -f "$W/Makefile" "$@"
	tr '\n' ' ' <"$T/log"
}
eq "steps of the first build" "$(build)" "copy edit last "
before=$(trace "$(v last)")
eq "steps of the second build" "$(build)" "copy edit "
eq "steps of the third build, in parallel" "$(build -j2)" "copy edit "
eq "the file that was not made again" "$(trace "$(v last)")" "$before"
echo two >"$W/in"
eq "steps after a change" "$(build)" "copy edit last "
eq "bytes" "$(cat "$B/last")" "two
constant"
