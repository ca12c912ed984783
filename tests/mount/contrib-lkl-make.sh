#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# TIMEOUT: 120
# AXES: ext4 plain
# contrib/lkl/lkl-make: builds a tree like LKL's through lklfs, before and after its own fix; notices what the
# tree's make misses; takes O=, spaces, and mounts that are there already, alive or dead.
. "${0%/*}/lib.sh"
. "${0%/*}/lkl-tree.bash"

need make cc python3
program=$TOP/contrib/lkl/lkl-make
[[ -r "$program" ]] || skip "$program cannot be read as $AXIS_USER"

# lkl_make ARGUMENT...: its exit status to $status, its output to $T/log, all that it printed, as it came
lkl_make() {
	status=0
	bash "$program" "$@" </dev/null >"$T/log" 2>&1 || status=$?
}

# built WHAT STEPS ARGUMENT...: a build that succeeds, takes these steps, and ends with the one line
built() {
	local what=$1 steps=$2
	shift 2
	lkl_make "$@"
	((status == 0)) || fail "$what: exit status $status: $(cat "$T/log")"
	eq "$what" "$(steps_of "$T/log")" "$steps"
	has "$what, the last line" "$(tail -n 1 "$T/log")" "written: "
}

n_all() { awk '/ - fuse\.lklfs / { n++ } END { print n + 0 }' /proc/self/mountinfo; }
nothing_left() {
	eq "$1: mounts" "$(n_all)" 0
	eq "$1: daemons" "$(daemons)" ""
	eq "$1: left behind" "$(find "$W" -name '*lklfs*')" ""
}

# wrong STATUS PATTERN ARGUMENT...: fails with one sentence that has the pattern
wrong() {
	local want=$1 pattern=$2
	shift 2
	lkl_make "$@"
	eq "exit status of: $*" "$status" "$want"
	eq "sentences of: $*" "$(wc -l <"$T/log")" 1
	has "sentence of: $*" "$(cat "$T/log")" "lkl-make: *$pattern"
}

# The steps when nothing has changed: what is forced. When a kernel source has: what needs lib/lkl.o. When a header
# has: lib/fs.o comes out the same, but is older than that. Left so, it is made each time.
again=INSTALL source='AR INSTALL KCC LINK' header='AR CC CC INSTALL KCC LD LD LINK'
header_left='AR CC CC INSTALL KCC LD LINK' again_left='CC INSTALL'

# ---- before the fix, and after it ----

for kind in before fixed; do
	tree="$W/the $kind tree"
	lkl_tree "$tree" "$kind"
	export tree
	boot() { "$tree/tools/lkl/tests/boot"; }

	built "$kind, the first build" "$LKL_ALL" -C "$tree"
	eq "$kind, what it built says" "$(boot)" "6 6 2"
	[[ -e "$tree/tools/lkl/bin/stat" ]] || fail "$kind: bin/stat was taken for there, and not made"
	nothing_left "$kind"
	before=$(seen "$tree/tools/lkl/lib/lkl.o")

	# found from the working directory, below and at the top
	cd "$tree/tools/lkl/lib"
	built "$kind, nothing changed" "$again"
	cd "$tree"
	built "$kind, nothing changed, in parallel" "$again" -j3
	cd "$T"
	eq "$kind, lib/lkl.o" "$(seen "$tree/tools/lkl/lib/lkl.o")" "$before"

	# A kernel source: before the fix, make alone says that there is nothing to do.
	echo 'int more(void) { return 1; }' >>"$tree/kernel/main.c"
	if [[ "$kind" == before ]]; then
		eq "make alone" "$(make -C "$tree/tools/lkl" >"$T/log" 2>&1 && steps_of "$T/log")" ""
	fi
	built "$kind, a changed kernel source" "$source" -C "$tree"
	sed -i 's/6/7/' "$tree/arch/lkl/include/uapi/api.h"
	built "$kind, a changed kernel header" "$header" -C "$tree"
	has "$kind, said of what is older" "$(cat "$T/log")" "--no-converge"
	eq "$kind, what it says then" "$(boot)" "7 7 2"
	built "$kind, and then" "$again" -C "$tree"

	# make clean, with lklfs and without, and a build after each
	built "$kind, clean" "" -C "$tree" clean
	eq "$kind, what clean leaves" "$(cd "$tree/tools/lkl" && find . -name '*.o' -o -name '*.a' -o -name boot -o -name lkl -o -name stat)" ""
	built "$kind, after clean" "$LKL_HOST" -C "$tree"
	make -C "$tree/tools/lkl" clean >/dev/null
	built "$kind, after make clean" "$LKL_HOST" -C "$tree"
	eq "$kind, what it says at the end" "$(boot)" "7 7 2"
	if [[ "$kind" == before ]]; then
		sed -i 's/7/8/' "$tree/arch/lkl/include/uapi/api.h"
		built "$kind, a changed header, left older" "$header_left" --no-converge -C "$tree"
		built "$kind, left older" "$again_left" --no-converge -C "$tree"
		[[ "$(cat "$T/log")" != *--no-converge* ]] || fail "--no-converge says so: $(cat "$T/log")"
		built "$kind, not left older" "AR CC INSTALL LD LINK" -C "$tree"
		built "$kind, and then" "$again" -C "$tree"
	fi
	nothing_left "$kind, at the end"
done

# ---- the arguments ----

tree="$W/tree"
lkl_tree "$tree"
lkl_make -C "$tree" show 'WORDS=two  words *'
has "an argument with spaces" "$(cat "$T/log")" '<two  words \*>'
lkl_make -C "$tree" -o always=none -o entry_timeout=0,attr_timeout=0 -- -s show WORDS=x
eq "status with options of lklfs" "$status" 0
has "with options of lklfs" "$(cat "$T/log")" '<x>'
lkl_make -C "$tree" fail
eq "the status of make" "$status" 2
has "the last line of a failure" "$(tail -n 1 "$T/log")" "written: "
eq "made by a failure" "$(n_all)" 0
MAKE="$T/missing" lkl_make -C "$tree"
eq "a make that is missing" "$status" 127
# shellcheck disable=SC2016
printf '#!/bin/sh\nkill -TERM $$\n' >"$T/killed" && chmod +x "$T/killed"
MAKE="$T/killed" lkl_make -C "$tree"
eq "a make that was killed" "$status" $((128 + 15))

# ---- O= ----

here() { (cd "$W" && bash "$program" "$@" </dev/null >"$T/log" 2>&1); }
here -C tree --generated O=out || fail "O=, relative and missing: $(cat "$T/log")"
eq "O=, the first build" "$(steps_of "$T/log")" "$LKL_ALL"
eq "O=, what it built says" "$("$W/out/tools/lkl/tests/boot")" "6 6 2"
eq "O=, what is in the tree" "$(find "$tree" -name '*.o' -o -name generated)" ""
built "O=, nothing changed" "$again" -C "$tree" O="$W/out"
built "O=, clean" "" -C "$tree" O="$W/out" clean
eq "O=, what clean leaves" "$(cd "$W/out/tools/lkl" && find . -type f)" ""
# The mounts are where the outputs are.
lkl_make -C "$tree" --keep-mounted --generated O="$W/out"
eq "O=, status with --keep-mounted" "$status" 0
for dir in tools/lkl/lib tools/lkl/include arch/lkl/include/generated; do
	eq "mounts on out/$dir" "$(n_mounted "$W/out/$dir")" 1
	has "the last lines" "$(tail -n 3 "$T/log")" "$W/out/$dir: pid *written: "
done
eq "all mounts" "$(n_all)" 3
"$LKLFS" umount "$W/out/"{tools/lkl/lib,tools/lkl/include,arch/lkl/include/generated} </dev/null
nothing_left "O="

# Called by another make: its O= holds, and the targets share its jobs.
cat >"$W/Makefile" <<'END'
all:
	+@bash $(PROGRAM) -C $(TREE)
END
rm -r "$W/out"
make -s -j2 -f "$W/Makefile" PROGRAM="$program" TREE="$tree" O="$W/out" >"$T/log" 2>&1 ||
	fail "below another make: $(cat "$T/log")"
eq "below another make" "$("$W/out/tools/lkl/tests/boot")" "6 6 2"
[[ "$(cat "$T/log")" != *jobserver* ]] || fail "the jobserver was lost: $(cat "$T/log")"

# ---- what is mounted already ----

lib=$tree/tools/lkl/lib include=$tree/tools/lkl/include
"$LKLFS" "$lib" "$include" </dev/null
daemon=$(daemons)
built "mounted already" "$LKL_ALL" -C "$tree"
eq "the mounts that were there" "$(n_mounted "$lib")$(n_mounted "$include") of $(daemons)" "11 of $daemon"
has "its last lines" "$(tail -n 2 "$T/log")" "$lib: pid $daemon,*$include: pid $daemon,"
built "clean while mounted" "" -C "$tree" clean
make -C "$tree/tools/lkl" clean >"$T/log" 2>&1 || fail "make clean while mounted: $(cat "$T/log")"
[[ ! -e "$include/lkl" && ! -e "$lib/lkl.o" ]] || fail "make clean while mounted has left outputs"

# one of the two is dead, the other is gone: it is replaced, and goes at the end
"$LKLFS" umount "$lib" </dev/null
kill_daemon
eq "a dead mount" "$(n_mounted "$lib")$(n_mounted "$include")" 01
built "over a dead mount" "$LKL_HOST" -C "$tree"
nothing_left "over a dead mount"

# one is mounted, the other is not; options are for the other
"$LKLFS" "$include" </dev/null
daemon=$(daemons)
built "half mounted" "INSTALL" -C "$tree" -o durable lib/lkl.o
has "half mounted, with options" "$(cat "$T/log")" "warning: -o does not change*$include"
eq "half mounted, left" "$(n_mounted "$lib")$(n_mounted "$include") of $(daemons)" "01 of $daemon"
has "half mounted, the last lines" "$(tail -n 2 "$T/log")" "lklfs: *written*$include: pid $daemon,"
"$LKLFS" umount "$include" </dev/null

# the directory above is mounted: it serves
"$LKLFS" "$tree/tools/lkl" </dev/null
built "mounted above" "INSTALL" -C "$tree" lib/lkl.o
eq "mounted above, mounts" "$(n_all)" 1
kill_daemon
wrong 125 "dead" -C "$tree"
sh "$TOP/contrib/lkl/lkl-cleanup" "$tree" >"$T/log" 2>&1 || fail "lkl-cleanup: $(cat "$T/log")"
nothing_left "mounted above"

# ---- called wrongly ----

wrong 2 "no LKL tree here or above"
wrong 2 "there is no directory $W/missing" -C "$W/missing"
mkdir -p "$W/half/tools/lkl"
wrong 2 "it has no arch/lkl" -C "$W/half"
wrong 2 "-C needs an argument" -C
wrong 2 "-C is out of place" -j2 -C "$tree"
wrong 2 "--generated is out of place" -C "$tree" all --generated
wrong 2 "OUTPUT" -C "$tree" OUTPUT=/tmp
wrong 2 "white space" -C "$tree" O="$W/a b"
LKLFS=$T/missing wrong 125 "there is no program $T/missing" -C "$tree"
sed -i '/^[^#]*lib\/lkl\.o:/s/:.*/: other/' "$tree/tools/lkl/Makefile"
wrong 125 "cannot force" -C "$tree"
lkl_make -C "$tree" -o wrong=option
eq "--help" "$(status_of bash "$program" --help)" 0
has "--help" "$(cat "$T/out")" "Usage: lkl-make"
nothing_left "at the end"
