#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run hands COMMAND the descriptors it was given itself and none of its own; git works below it.
. "${0%/*}/lib.sh"

# shellcheck disable=SC2016
list='for f in /proc/self/fd/*; do printf "%s " "${f##*/}"; done'
plain=$(bash -c "$list" 7</dev/null </dev/null)
inside=$("$LKLFS" run "$B" -- bash -c "$list" 7</dev/null </dev/null 2>/dev/null)
eq "descriptors" "$inside" "$plain"
# shellcheck disable=SC2016
eq "GIT_DISCOVERY_ACROSS_FILESYSTEM" "$("$LKLFS" run "$B" -- sh -c 'echo $GIT_DISCOVERY_ACROSS_FILESYSTEM' 2>/dev/null)" 1
eq "standard input" "$(echo typed | "$LKLFS" run "$B" -- cat 2>/dev/null)" typed

# make's jobserver comes through
need make
cat >"$W/Makefile" <<EOF
all:
	+@$LKLFS run $B -- \$(MAKE) -f $W/Makefile sub 2>$T/err
sub: a b
a b:
	@echo \$@
EOF
make -s -j2 -f "$W/Makefile" >"$T/out"
eq "targets made below" "$(sort "$T/out" | tr '\n' ' ')" "a b "
! grep -q jobserver "$T/err" || fail "the jobserver was lost: $(cat "$T/err")"
