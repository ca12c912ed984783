#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P16: names that match stamp*, *.stamp, *-stamp, *.ninja; -o always=GLOB adds, -o always=none empties the list.
# BACKINGS: all
. "${0%/*}/lib.sh"

stamps="stamp stamp-h1 headers.stamp build-stamp build.ninja"
others="stamper/f mystamp ninja stamp.d/x-stamp-y thestamps"
mkdir "$B/stamper" "$B/stamp.d"

# moved NAME: rewrites it with the same bytes; did the mtime move?
rewrite() {
	local f
	for f in $stamps $others f.log; do
		echo bytes >"$B/$f"
	done
}
moved() {
	local f
	for f in $stamps $others f.log; do
		[[ "$(mtime "$(v "$f")")" == "$old" ]] || printf '%s ' "$f"
	done
}
rewrite
try() { # WHAT EXPECTED [OPTION...]
	local what=$1 expected=$2 f
	shift 2
	for f in $stamps $others f.log; do
		touch -d '2001-01-01 UTC' "$B/$f"
	done
	old=$(mtime "$(v f.log)")
	mnt "$@"
	rewrite
	eq "$what: moved" "$(moved)" "$expected"
	umnt
}
try "by default" "$stamps "
try "one more" "$stamps f.log " -o 'always=*.log'
try "two more" "$stamps mystamp f.log " -o 'always=*.log,always=my*'
try "none" "" -o always=none
try "none but" "f.log " -o 'always=none,always=*.log'
