#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P15: what a step has written itself is no input of its; what it reads in another mount of the same lklfs is. What
# other steps read is none of its business, nor is what is older than the output.
# AXES: ext4
. "${0%/*}/lib.sh"
need make python3

mkdir "$B/in" "$B/out"
cat >"$W/Makefile" <<'EOF'
.PHONY: own moved linked inner inner-made other older foreign
# raw first, then processed
own:
	printf 'raw\nh\n' >out/own && tail -n 1 out/own >out/own.new && cat out/own.new >out/own
moved:
	printf 'raw\nh\n' >out/moved.tmp && tail -n 1 out/moved.tmp >out/moved.new && rm out/moved.tmp && mv out/moved.new out/moved
# what a step further in has written
inner:
	+$(MAKE) -s -f $(MAKEFILE) inner-made && cat out/inner.o.$(SUFFIX) >/dev/null && echo inner >out/inner
inner-made:
	echo made >out/inner.o.$(SUFFIX)
# two steps
other:
	cat in/new >/dev/null
	echo other >out/other
older:
	cat in/old >out/older
foreign:
	cat in/new >/dev/null && echo foreign >out/foreign
linked:
	cat in/new >out/linked.o.$(SUFFIX) && cat out/linked.o.$(SUFFIX) >/dev/null && echo linked >out/linked
EOF
names="out/own out/moved out/linked out/inner out/other out/older out/foreign"
echo old >"$B/in/old"
for name in $names; do echo "${name#out/}" >"$B/$name"; done
echo h >"$B/out/own"
echo h >"$B/out/moved"
cat "$B/in/old" >"$B/out/older"
is_newer() { # A B
	echo new >"$1" && [[ "$(mtime "$1")" > "$(mtime "$2")" ]]
}
until_true "time goes on" is_newer "$B/in/new" "$B/out/older"

makes() { (cd "$B" && make -s -f "$W/Makefile" MAKEFILE="$W/Makefile" "$@" </dev/null) || fail "make $*"; }
outdated() {
	"$LKLFS" status --json "$B/out" | python3 -c '
import json, sys
print(*sorted(json.load(sys.stdin)[0]["outdated_names"]))'
}
"$LKLFS" "$B/in" "$B/out" </dev/null
makes SUFFIX=1 own moved inner other older foreign
eq "what is older than what its step has read" "$(outdated)" "foreign"
makes SUFFIX=1 linked
eq "one that made a file of its own in between" "$(outdated)" "foreign linked"
"$LKLFS" umount "$B/in" "$B/out"

"$LKLFS" -o converge "$B/in" "$B/out" </dev/null
for name in $names; do mtime "$B/$name"; done >"$T/before"
makes SUFFIX=2 own moved inner other older foreign
for name in $names; do mtime "$B/$name"; done >"$T/after"
eq "how many got a new mtime" "$(diff "$T/before" "$T/after" | grep -c '^>')" 1
newer "out/foreign" "$(mtime "$B/out/foreign")" "$(mtime "$B/in/new")"
eq "what is left" "$(outdated)" ""
"$LKLFS" umount "$B/in" "$B/out"
