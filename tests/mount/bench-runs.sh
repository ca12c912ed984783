#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The benchmark runs from one end to the other with little of everything, and says what it has measured. No time is judged here. A peer
# that hangs is ended, and has failed; what is left of the bench is nothing.
# AXES: root ext4 plain
# TIMEOUT: 120
. "${0%/*}/lib.sh"
need python3 bindfs ld ar

work=$CASE/build/tests/work
[[ -x "$work" ]] || fail "no $work"
mkdir -p build/tests
ln -s "$work" build/tests/work

# bench ARGUMENT...: in $T, whose build/tests has the worker
bench() {
	TMPDIR=$T "$TOP/tests/bench/run.py" --lklfs "$LKLFS" --small --rounds 1 --cores idle "$@"
}

rows=(--only stat --only 'rewrite 4 KiB, other' --only 'rewrite 64 MiB, other' --only 'mmap, same' --only 'ar 64 MiB, other' --only first --only memory)
status=0
bench "${rows[@]}" --sides bindfs --processes 1,4 --json figures.json --svg figures.svg >log 2>&1 || status=$?
((status == 0)) || fail "the bench has failed: $(<log)"
has "the table" "$(<log)" 'stat, 4 processes *'
has "the table of what reached the device" "$(<log)" 'KiB that reached the device*rewrite 64 MiB, other'
has "it says that it has not judged" "$(<log)" 'no bar is judged'

python3 - figures.json <<'END' || fail "the JSON is not what was measured"
import json, sys
found = json.load(open(sys.argv[1]))
rows = {(row["name"], row["processes"], row["own_process"]): row["sides"] for row in found["rows"]}
assert found["conditions"]["small"] is True and found["bars"] == []
assert len(rows) == 17, sorted(rows)
for key, sides in rows.items():
    assert list(sides) == ["backing", "lklfs", "bindfs"], (key, sides)
    for side, cell in sides.items():
        assert cell["failed"] is None and cell["microseconds"] > 0, (key, side, cell)
        assert (cell["daemon_cpu_microseconds"] > 0) == (side != "backing") or key[0] == "stat", (key, side, cell)
other = rows["rewrite 64 MiB, other", 1, False]
assert all(other[side]["device_bytes"] >= 1 << 20 for side in other), other
first = rows["read 64 MiB, first", 1, False]["lklfs"]["requests"]
counted = other["lklfs"]["requests"]
if counted is not None:  # the kernel has the tracepoint
    assert 1 <= counted["OPEN"] <= 3 and counted["RELEASE"] == 1, counted
    assert first["OPEN"] == 1 and first["READ"] >= 1, first  # what drops it from the caches does not count
    assert rows["stat", 1, False]["lklfs"]["requests"] == {}, rows["stat", 1, False]
resident = found["resident_bytes"]
assert list(resident["lklfs"]) == ["0", "1000"] and list(resident["bindfs"]) == ["0", "1000"], resident
END
if command -v gnuplot >/dev/null; then
	has "the picture" "$(<figures.svg)" '<svg*rewrite 64 MiB, other'
fi

# A bindfs that stands still once it is mounted.
mkdir hanging
cat >hanging/bindfs <<END
#!/bin/bash
"$(command -v bindfs)" "\$@" &
until grep -q "\${@: -1} .*fuse" /proc/self/mountinfo; do sleep 0.05; done
kill -STOP \$!
wait
END
chmod +x hanging/bindfs
PATH=$T/hanging:$PATH bench --only 'new 4 KiB' --only 'mv over' --sides bindfs --processes 1 --limit 5 --json hung.json >log 2>&1 ||
	fail "the bench did not go on without a side that hangs: $(<log)"
has "it is said" "$(<log)" 'failed: bindfs: hangs:'
python3 - hung.json <<'END' || fail "what became of a side that hangs"
import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
assert len(rows) == 3
for row in rows:
    sides = row["sides"]
    assert "hangs" in sides["bindfs"]["failed"] and sides["bindfs"]["microseconds"] is None, row
    assert sides["lklfs"]["failed"] is None and sides["backing"]["microseconds"] > 0, row
END

# Interrupted in the middle: all ends with it.
TMPDIR=$T "$TOP/tests/bench/run.py" --lklfs "$LKLFS" --small --cores idle --sides bindfs >ended.log 2>&1 &
pid=$!
begun() { [[ -e ended.log ]] && grep -q microseconds ended.log; }
until_true "a first row" begun
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
eq "the status of an ended bench" "$status" 1
gone() { ! compgen -G "lklfs-bench-*" >/dev/null && ! losetup --list --noheadings --output BACK-FILE | grep -q "^$T/lklfs-bench"; }
until_true "everything has gone" gone
