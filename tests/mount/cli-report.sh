#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `lklfs report` says of a real build what was written for nothing, what changed after what, and what never comes out the
# same; of a file, of a live mount, and of several builds.
# AXES: ext4
. "${0%/*}/lib.sh"
need make python3

mkdir "$W/build" "$W/build/out"
cd "$W/build"
echo one >src.h
echo code >b.c
cat >Makefile <<'EOF'
all: out/prog out/doc
out/h: src.h
	cp src.h out/h
out/a.o: FORCE out/h
	cat out/h >out/a.o; echo object >>out/a.o
out/b.o: out/h b.c
	cat out/h b.c >out/b.o
out/prog: out/a.o out/b.o
	cat out/a.o out/b.o >out/prog.tmp && mv out/prog.tmp out/prog
out/doc: FORCE
	date +%s.%N >out/doc
FORCE:
EOF
builds() { "$LKLFS" run -o journal=../journal out -- make -s </dev/null 2>"$T/err" || fail "$(cat "$T/err")"; }
builds
builds
echo two >src.h
builds
echo other >b.c
builds
cd .. # what is shown begins here
reported() { (cd build && "$LKLFS" report "$@" </dev/null); }
reported ../journal >"$T/text"
has "builds" "$(head -n 1 "$T/text")" "4 builds, "
grep -Eqx ' +2 +22 +1  out/a.o: cat out/h >out/a.o; echo object >>out/a.o' "$T/text" ||
	fail "what was written for nothing: $(cat "$T/text")"
grep -qx '  in all 2 times, 22 bytes not written, 1 step not run that had read them, or what those had made' "$T/text" ||
	fail "what that spared: $(cat "$T/text")"
has "the first build" "$(grep -A 1 '^Build 1, ' "$T/text")" " 5 new
 5 new files, for which nothing that was there before was made again"
sed -nE 's/^ +[0-9:.]+ +(changed +[^ :]*).*/\1/p; s/^ +(after .*)/\1/p; s/^(Build [0-9]).*/\1/p' "$T/text" >"$T/order"
eq "what changed, and after what" "$(sed -n '/^Build 2/,$p' "$T/order" | tr -s ' ')" "Build 2
changed out/doc
Build 3
changed out/h
changed out/a.o
after out/h
changed out/b.o
after out/h
changed out/prog
after out/a.o, out/b.o
changed out/doc
Build 4
changed out/b.o
changed out/prog
after out/b.o
changed out/doc"
eq "what never comes out the same" "$(sed -n '/^Never the same/,/^$/s/^  \(out[^:]*\): \([0-9]* times\).*/\1 \2/p' "$T/text")" \
	"out/doc 3 times"
grep -Eq '^      new  [0-9a-f ]+  [0-9.]+$' "$T/text" || fail "no bytes of it: $(cat "$T/text")"

reported --why=out/prog ../journal | sed -E 's/ (at|from) .*//; s/^( *[^:]*: [a-z]*).*/\1/' >"$T/why"
eq "why" "$(head -n 2 "$T/why")" "out/prog: changed
  out/b.o: changed"
has "the end of the chain" "$(tail -n 1 "$T/why")" "nothing that its step had read in the mounts had changed since it was written before"
reported --json ../journal >"$T/json"
python3 - "$T/json" "$W/build/out" <<'EOF' || fail "$(cat "$T/json")"
import json, sys
report, out = json.load(open(sys.argv[1])), sys.argv[2]
assert report["mounts"] == report["builds"] == 4 and report["missed"] == 0, report
assert (report["steps_not_run"], report["bytes_not_written"]) == (1, 22), report
assert [(r["path"], r["same"], r["steps_not_run"], r["read_by"]) for r in report["for_nothing"]] == [(out + "/a.o", 2, 1, 2)], report
assert [r["path"] for r in report["never_same"]] == [out + "/doc"], report
assert report["never_same"][0]["first_difference"] > 0 and report["never_same"][0]["bytes"], report
last = [r for r in report["in_order"] if r["path"] == out + "/prog"][-1]
assert last["verdict"] == "changed" and last["build"] == 4 and last["after"] == [out + "/b.o"], last
EOF

# of a live mount
"$LKLFS" build/out </dev/null
echo other >build/out/doc
(cd build && make -s </dev/null) || fail "make"
reported out >"$T/text"
has "of a mount" "$(head -n 1 "$T/text")" "1 build, "
grep -Eq 'changed  out/doc [(].*, from byte 0 on[)]: ' "$T/text" || fail "of a mount: $(cat "$T/text")"
"$LKLFS" umount build/out </dev/null

eq "not mounted" "$(status_of "$LKLFS" report build/out)" 1
has "not mounted" "$(cat "$T/err")" "build/out is not mounted with lklfs"
# cut off by a crash
head -c -20 journal >cut
eq "cut off" "$(status_of "$LKLFS" report cut)" 0
has "cut off" "$(cat "$T/err")" "cut has 1 line that is cut off"
has "cut off" "$(head -n 1 "$T/out")" "4 builds, "
eq "a pipe" "$("$LKLFS" report /dev/stdin <journal | head -n 1)" "$("$LKLFS" report journal | head -n 1)"
for how in "" --json --html=- "--why=$W/build/out/prog"; do
	# shellcheck disable=SC2016,SC2086
	eq "a full disk, $how" "$(status_of sh -c 'exec "$0" report "$@" >/dev/full' "$LKLFS" $how journal)" 1
	eq "a full disk, $how" "$(cat "$T/err")" "lklfs: cannot write to standard output: No space left on device"
done
