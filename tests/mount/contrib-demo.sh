#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# contrib/demo: natively a second run makes everything again; under lklfs it takes the steps that are
# forced and no others, until something has changed.
# AXES: plain
. "${0%/*}/lib.sh"

need make cc
demo=$TOP/contrib/demo
[[ -r "$demo/Makefile" ]] || skip "$demo cannot be read as $AXIS_USER"

forced='CP GEN INSTALL INSTALL'
everything='AR CC CC CC CP GEN INSTALL INSTALL LD LD'

# steps COMMAND...: which kinds of steps it takes, sorted
steps() {
	"$@" >"$T/out" 2>&1 || fail "$*: $(cat "$T/out")"
	awk 'NF == 2 && $1 ~ /^[A-Z]+$/ { print $1 }' "$T/out" | sort | xargs
}

on_lklfs() { steps "$LKLFS" run --mkdir lib include -- make "$@"; }

cp -R "$demo" "$W/native"
cp -R "$demo" "$W/demo"

cd "$W/native"
steps make >"$T/first"
eq "natively, the first run" "$(cat "$T/first")" "AR CC CC CC CC CP GEN INSTALL INSTALL LD LD"
eq "natively, the second run" "$(steps make)" "$everything"

cd "$W/demo"
eq "the first run" "$(on_lklfs)" "$(cat "$T/first")"
eq "the outputs" "$(diff -r lib "$W/native/lib" && diff -r include "$W/native/include")" ""
# shellcheck disable=SC2012
before=$(stat -c '%n %i %.9Y %.9Z' lib/* include/demo/*)
eq "the second run" "$(on_lklfs)" "$forced"
eq "what it left" "$(stat -c '%n %i %.9Y %.9Z' lib/* include/demo/*)" "$before"
eq "a parallel run" "$(on_lklfs -j4)" "$forced"

eq "with another greeting" "$(on_lklfs GREETING=Goodbye)" "$everything"
eq "what the program says" "$(lib/hello)" "Goodbye, world!"
# the objects that do not use the greeting have their old mtime back, and are older than config.h now (P15)
eq "again" "$(on_lklfs GREETING=Goodbye)" "CC CC $forced"
echo '/* and a comment */' >>core.h
# the comment changes no object, and what follows from them stays (P7)
eq "with another header" "$(on_lklfs GREETING=Goodbye)" "CC CC CC CC CP GEN INSTALL INSTALL"
eq "left behind" "$(find "$W" -name '*lklfs*')" ""
cd "$T"
