#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# docs/JOURNAL.md: each verdict is one line, with the sizes, where the bytes differ, by which command in which step it
# was written, and what that step had read; the same lines in .lklfs/journal and in -o journal=FILE.
. "${0%/*}/lib.sh"
need make python3

cat >"$W/journal.py" <<'EOF'
"""Reads lines, checks what holds for all, and has `line(NAME, VERDICT)`: the only one, else it fails."""
import json, os, sys
FORMAT = {
    "v": int, "time": float, "mounted": str, "lklfs": str, "pid": int, "verdict": str, "audit": bool, "path": str, "from": str,
    "because": str, "error": str, "size": int, "old_size": int, "first_difference": int, "differing": int,
    "old_bytes": str, "bytes": str, "counted": int, "duration": float, "command": list, "step": int, "step_command": list, "read": list,
    "read_more": bool,
}
top = sys.argv[2]
lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
for l in lines:
    assert all(isinstance(value, FORMAT[key]) for key, value in l.items()), l
    assert l["v"] == 1 and ("mounted" in l) != ("path" in l), l
assert lines[0]["mounted"] == top, lines[0]
def of(name):
    return [l for l in lines if l.get("path") == f"{top}/{name}"]
def line(name, verdict):
    found = [l for l in of(name) if l["verdict"] == verdict]
    assert len(found) == 1, (name, verdict, of(name))
    return found[0]
def verdicts(name):
    return [l["verdict"] for l in of(name)]
EOF
check() { # WHAT FILE: with a program on standard input
	{ cat "$W/journal.py" - >"$T/check.py"; } && python3 -X utf8 "$T/check.py" "$2" "$B" || fail "$1: $(cat "$2")"
}

mkdir "$B/in"
echo old >"$B/in/a"
echo other >"$B/in/b"
echo out >"$B/same"
head -c 300000 /dev/zero >"$B/changed"
echo short >"$B/longer"
echo link >"$B/linked"
echo again >"$B/again"
ln "$B/linked" "$B/linked2"
echo 'stamp' >"$B/x.stamp"
cat >"$W/Makefile" <<'EOF'
all:
	cat in/a in/b >/dev/null && echo out >same
	head -c 300000 /dev/zero | tr '\0' '\1' | dd of=changed bs=1 seek=7 count=3 conv=notrunc 2>/dev/null
	echo short and long >longer
	echo LINK >linked
	echo stamp >x.stamp
	echo new >new
	echo out >same.tmp && mv same.tmp same
	echo Out >other.tmp && mv other.tmp same
	exec 3>gone; rm gone
	rm again; echo Again >again
	rm new; echo new >new
	touch new
EOF
# shellcheck disable=SC2031
mnt -o "journal=$W/file"
(cd "$B" && make -s -f "$W/Makefile" </dev/null)
"$TOOL" fsync 0 "$B/.lklfs/journal" 2>/dev/null || sync "$B/.lklfs/journal"
cat "$B/.lklfs/journal" >"$T/lines"
check "lines" "$T/lines" <<'EOF'
kept = [l for l in of("same") if l["verdict"] == "kept" and "from" not in l]
assert len(kept) == 1, of("same")
assert kept[0]["size"] == kept[0]["old_size"] == 4 and "first_difference" not in kept[0]
assert kept[0]["read"] == [f"{top}/in/a", f"{top}/in/b"], kept[0]
assert kept[0]["command"][-1].endswith("echo out >same"), kept[0]
assert kept[0]["pid"] == kept[0]["step"] and "step_command" not in kept[0]
changed = line("changed", "changed")
assert (changed["first_difference"], changed["differing"], changed["size"]) == (7, 3, 300000), changed
assert changed["command"][0] == "dd" and changed["step_command"][-1].startswith("head -c"), changed
assert changed["pid"] != changed["step"] and changed["read"] == [], changed
longer = line("longer", "changed")
assert (changed["old_bytes"], changed["bytes"]) == (16 * "00", 3 * "01" + 13 * "00"), changed
assert (longer["first_difference"], longer["old_size"], longer["size"]) == (5, 6, 15), longer
assert "differing" not in longer
assert (bytes.fromhex(longer["old_bytes"]), bytes.fromhex(longer["bytes"])) == (b"\n", b" and long\n"), longer
linked = line("linked", "changed")
assert (linked["first_difference"], linked["differing"]) == (0, 4), linked
assert line("x.stamp", "touched")["because"] == "always"
assert "old_size" not in line("new", "new")
assert verdicts("new")[:2] == ["new", "restored"], of("new")
assert line("gone", "removed")
again = line("again", "new")
assert (again["old_size"], again["first_difference"], again["differing"]) == (6, 0, 1), again
assert (bytes.fromhex(again["old_bytes"]), bytes.fromhex(again["bytes"])) == (b"again\n", b"Again\n"), again
assert line("same.tmp", "new") and line("other.tmp", "new")
moved = [l for l in of("same") if "from" in l]
assert [l["verdict"] for l in moved] == ["kept", "changed"], moved
assert [l["from"] for l in moved] == [f"{top}/same.tmp", f"{top}/other.tmp"]
assert (moved[1]["first_difference"], moved[1]["differing"]) == (0, 1), moved
assert moved[0]["command"] == ["mv", "same.tmp", "same"]
assert all(0 <= l.get("duration", 0) < 1000 for l in lines)
EOF
umnt
eq "the file" "$(cat "$W/file")" "$(cat "$T/lines")"

# another mount goes on in the same file; one that is not asked to does not
mnt -o "journal=$W/file"
echo 'again' >"$B/new"
umnt
mnt
echo 'not there' >"$B/new"
umnt
eq "mounts in the file" "$(grep -c '"mounted"' "$W/file")" 2
has "the second mount's line" "$(tail -n 1 "$W/file")" '"verdict":"changed","path":"'"$B/new"'"'
