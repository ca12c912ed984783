#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real build with make: generated header, objects, an archive, a partial link, programs. Steps that are run
# again with the same result make nothing else run; a change makes run what depends on it.
# BACKINGS: all user
. "${0%/*}/lib.sh"
need make gcc ar ld objcopy

mkdir "$B/src"
cat >"$B/src/config.in" <<'EOF'
#define ANSWER 42
EOF
for i in 1 2 3; do
	printf '#include "config.h"\nint f%s(void) { return ANSWER + %s; }\n' $i $i >"$B/src/f$i.c"
done
printf 'int f1(void), f2(void), f3(void);\nint main(void) { return f1() + f2() + f3(); }\n' >"$B/src/main.c"
cat >"$B/Makefile" <<'EOF'
OBJS := out/f1.o out/f2.o out/f3.o
all: out/prog out/copy.a
out/config.h: src/config.in FORCE
	cp $< $@
	@echo config >>$(LOG)
out/%.o: src/%.c out/config.h
	gcc -Iout -c $< -o $@
	@echo $* >>$(LOG)
out/lib.a: $(OBJS) FORCE
	ar rcD $@ $(OBJS)
	@echo lib >>$(LOG)
out/copy.a: out/lib.a
	cp -p $< $@
	@echo copy >>$(LOG)
out/all.o: out/lib.a
	ld -r -o $@ --whole-archive $<
	@echo all >>$(LOG)
out/main.o: src/main.c
	gcc -c $< -o $@
	@echo main >>$(LOG)
out/prog: out/main.o out/all.o
	gcc -o $@ $^
	@echo prog >>$(LOG)
FORCE:
EOF
mkdir "$B/out"
build() {
	: >"$T/log"
	"$LKLFS" run "$B/out" -- make -s -j2 -C "$B" LOG="$T/log" </dev/null >&2
	sort "$T/log" | tr '\n' ' '
}
eq "first build" "$(build)" "all config copy f1 f2 f3 lib main prog "
eq "status of the program" "$(status_of "$B/out/prog")" 132
find "$B/out" -type f -printf '%p %i %T@ %C@\n' | sort >"$T/before"
eq "second build" "$(build)" "config lib "
find "$B/out" -type f -printf '%p %i %T@ %C@\n' | sort | diff "$T/before" - >&2 || fail "the second build left traces"
printf '#include "config.h"\nint f2(void) { return ANSWER; }\n' >"$B/src/f2.c"
eq "after a change of a source" "$(build)" "all config copy f2 lib prog "
eq "status of the program" "$(status_of "$B/out/prog")" 130
echo '#define ANSWER 10' >"$B/src/config.in"
eq "after a change of the header" "$(build)" "all config copy f1 f2 f3 lib prog "
eq "status of the program" "$(status_of "$B/out/prog")" 34
eq "and once more" "$(build)" "config lib "
