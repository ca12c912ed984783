#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# -o audit: make, ninja and gcc run, each time, exactly what they run without lklfs, whatever has been forced or has
# changed; and the journal and `lklfs report` name what would have been kept, after which less runs without -o audit.
# AXES: root ext4 plain
. "${0%/*}/lib.sh"
need make ninja gcc ar

mkdir "$W/src"
cat >"$W/src/Makefile" <<'EOF'
all: prog copy.a
config.h: config.in FORCE
	cp config.in config.h
%.o: %.c config.h
	gcc -I. -c $< -o $@
lib.a: f1.o FORCE
	rm -f lib.a; ar rcD lib.a f1.o
copy.a: lib.a
	cp -p lib.a copy.a
prog: main.o lib.a
	gcc -o prog.tmp main.o lib.a && mv prog.tmp prog
FORCE:
EOF
cat >"$W/src/build.ninja" <<'EOF'
rule copy
  command = cp $in $out
  restat = 1
rule cc
  command = gcc -MD -MF $out.d -c -I. $in -o $out
  depfile = $out.d
rule link
  command = gcc $in -o $out
build config.h: copy config.in
build main.o: cc main.c | config.h
build f1.o: cc f1.c | config.h
build prog: link main.o f1.o
EOF
echo '#define ANSWER 42' >"$W/src/config.in"
printf '#include "config.h"\nint f1(void) { return ANSWER; }\n' >"$W/src/f1.c"
printf '#include "config.h"\nint f1(void);\nint main(void) { return f1(); }\n' >"$W/src/main.c"

build_make() { make -C "$1" --no-print-directory; }
build_ninja() { ninja -v -C "$1" | sed -n 's/^\[[^]]*\] //p' | sort; }
builds() { # TOOL DIR: the commands of builds after several changes
	"build_$1" "$2"
	for change in "touch config.in" "touch main.c" "echo '#define ANSWER 43' >config.in"; do
		echo "== $change"
		(cd "$2" && eval "$change")
		"build_$1" "$2" </dev/null || fail "$1"
	done
}
for tool in make ninja; do
	cp -r "$W/src" "$W/$tool"
	builds "$tool" "$W/$tool" >"$T/$tool.native"
	for mode in audit normal; do
		cp -r "$W/src" "$B/$tool.$mode"
		mnt -o "journal=$W/$tool.$mode.journal,$([[ $mode == normal ]] || echo audit)"
		builds "$tool" "$B/$tool.$mode" >"$T/$tool.$mode"
		umnt
	done
	diff "$T/$tool.native" "$T/$tool.audit" >&2 || fail "in an audit $tool runs other commands than without lklfs"
	n_native=$(wc -l <"$T/$tool.native") n_normal=$(wc -l <"$T/$tool.normal")
	((n_normal < n_native)) || fail "$tool: nothing is saved: $n_normal commands, natively $n_native"
	"$LKLFS" report "$W/$tool.audit.journal" >"$T/report"
	grep -Eqx '[0-9]+ verdicts are of an audit: nothing was held back; [1-9][0-9]* would have been kept, [0-9]+ restored, [1-9][0-9]* bytes not written' \
		"$T/report" || fail "the report: $(cat "$T/report")"
	for name in config.h f1.o main.o; do
		grep -Eq "^ +[1-9][0-9]* +[0-9]+ +[0-9]+  .*/$name: " "$T/report" || fail "the report lacks $name: $(cat "$T/report")"
	done
	! "$LKLFS" report "$W/$tool.normal.journal" | grep 'an audit' || fail "the report speaks of an audit where there is none"
done

# and the other ways to ask
"$LKLFS" run -o audit "$B/make.audit" -- touch "$B/make.audit/main.c" </dev/null 2>"$T/said"
"$LKLFS" run -o audit "$B/make.audit" -- make -s -C "$B/make.audit" </dev/null 2>"$T/said"
grep -Eq '^lklfs: audit: nothing was held back; it would have been: [0-9]+ files written: [1-9][0-9]* kept, ' "$T/said" ||
	fail "the last line: $(cat "$T/said")"
