#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P16: ninja's manifests, made again with the same bytes, count as changed: ninja makes build.ninja again until it is newer
# than what it is made of, and gives up after 100 times.
# AXES: root ext4
. "${0%/*}/lib.sh"
need ninja

try() { # WHAT COMMAND: how build.ninja is made of manifest
	local old
	cat >"$B/manifest" <<END
rule again
  command = echo again >>$T/log && $2
  generator = 1
build build.ninja: again manifest
build all: phony build.ninja
default all
END
	cp "$B/manifest" "$B/build.ninja"
	: >"$T/log"
	touch -d '2001-01-01 UTC' "$B/build.ninja"
	mnt
	old=$(mtime "$B/build.ninja")
	ninja -C "$B" >"$T/ninja.log" || fail "$1: ninja: $(cat "$T/ninja.log")"
	eq "$1: made again" "$(cat "$T/log")" again
	newer "$1" "$(mtime "$(v build.ninja)")" "$old"
	ninja -C "$B" >"$T/ninja.log" || fail "$1: ninja: $(cat "$T/ninja.log")"
	has "$1: what ninja says then" "$(cat "$T/ninja.log")" "no work to do"
	eq "$1: and not made again" "$(cat "$T/log")" again
	umnt
}
try "rewritten" 'cat manifest >build.ninja'
try "removed and written" 'rm build.ninja && cp manifest build.ninja'
try "renamed over" 'cp manifest build.ninja~ && mv build.ninja~ build.ninja'
