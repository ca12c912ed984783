#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P15: an output that comes out with the same bytes, and is older than what its step has read, is made again by
# each run of make or ninja. It is counted and named; with -o converge it gets a new mtime once, and then there is
# nothing to do. Nothing runs more often than without lklfs.
# AXES: ext4
. "${0%/*}/lib.sh"
need make ninja python3

# a compiler that does not see comments, and links that see what it made
cat >"$W/Makefile" <<'EOF'
all: prog
a.o: a.c a.h
	grep -hv '^//' a.c a.h >$@ && echo a >>$(LOG)
b.o: b.c
	grep -hv '^//' b.c >$@ && echo b >>$(LOG)
prog: a.o b.o
	cat a.o b.o >$@ && echo prog >>$(LOG)
EOF
cat >"$W/build.ninja" <<EOF
rule cc
  command = grep -hv '^//' \$in >\$out && echo \$name >>$T/log
rule link
  command = cat \$in >\$out && echo prog >>$T/log
build a.o: cc a.c a.h
  name = a
build b.o: cc b.c
  name = b
build prog: link a.o b.o
EOF
lay_out() { # DIR
	mkdir "$1"
	cp "$W/Makefile" "$W/build.ninja" "$1"
	printf 'a\n' >"$1/a.c"
	printf 'h\n' >"$1/a.h"
	printf 'b\n' >"$1/b.c"
}
builds_make() { make -s -C "$1" LOG="$T/log" >&2; }
builds_ninja() { ninja -C "$1" >&2; }
built() { # COMMAND...: the steps that ran
	: >"$T/log"
	"$@" </dev/null || fail "$*"
	sort "$T/log" | tr '\n' ' '
}
in_mount() { # BUILD OPTIONS DIR
	# shellcheck disable=SC2086,SC2016
	"$LKLFS" run $2 "$3" -- bash -c '"$1" "$2"' bash "$1" "$3" 2>"$T/said"
}
export -f builds_make builds_ninja
export T

declare -A again=([make]="a " [ninja]="a prog ") # ninja without restat runs what follows from what ran
for tool in make ninja; do
	d=$B/$tool
	lay_out "$W/$tool"
	lay_out "$d"
	lay_out "$d.converge"
	eq "$tool, native: first" "$(built "builds_$tool" "$W/$tool")" "a b prog "
	for dir in "$d" "$d.converge"; do
		eq "$tool, $dir: first" "$(built in_mount "builds_$tool" '' "$dir")" "a b prog "
		[[ "$(tail -n 1 "$T/said")" != *converge* ]] || fail "a hint after a clean build: $(cat "$T/said")"
	done
	for dir in "$W/$tool" "$d" "$d.converge"; do
		printf '// a comment\nh\n' >"$dir/a.h"
	done
	eq "$tool, native: a comment" "$(built "builds_$tool" "$W/$tool")" "a prog "
	eq "$tool, native: and then" "$(built "builds_$tool" "$W/$tool")" ""

	eq "$tool: a comment" "$(built in_mount "builds_$tool" '' "$d")" "${again[$tool]}"
	has "$tool: the last line" "$(tail -n 1 "$T/said")" "1 older than"
	has "$tool: the last line" "$(tail -n 1 "$T/said")" "-o converge"
	eq "$tool: and then" "$(built in_mount "builds_$tool" '' "$d")" "${again[$tool]}"
	has "$tool: the last line" "$(tail -n 1 "$T/said")" "1 older than"

	eq "$tool, converge: a comment" "$(built in_mount "builds_$tool" '-o converge' "$d.converge")" "a prog "
	[[ "$(tail -n 1 "$T/said")" != *"older than"* ]] || fail "$tool, converge: $(cat "$T/said")"
	eq "$tool, converge: and then" "$(built in_mount "builds_$tool" '-o converge' "$d.converge")" ""
	# what had been left behind before is cured, too
	eq "$tool: converged later" "$(built in_mount "builds_$tool" '-o converge' "$d")" "a prog "
	eq "$tool: and then" "$(built in_mount "builds_$tool" '' "$d")" ""
done

# status names it, for as long as it is so
printf '// another\nh\n' >"$B/make/a.h"
mnt
eq "by status" "$(built builds_make "$B/make")" "a "
says() { # COUNT NAMES: what status says
	"$LKLFS" status --json "$B" | python3 -c '
import json, sys
status = json.load(sys.stdin)[0]
assert status["outdated"] == int(sys.argv[1]), status
assert status["outdated_names"] == sys.argv[2:], status' "$@" || fail "status --json"
}
says 1 make/a.o
has "status" "$("$LKLFS" status "$B")" "1 outdated"
has "status" "$("$LKLFS" status "$B")" "make/a.o"
touch "$B/make/a.o"
says 0
[[ "$("$LKLFS" status "$B")" != *outdated* ]] || fail "status after touch: $("$LKLFS" status "$B")"
eq "after a touch" "$(built builds_make "$B/make")" "prog "
