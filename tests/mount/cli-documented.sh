#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --help, README, man page and version say the same; status --json has the documented members.
# AXES: root tmpfs plain
. "${0%/*}/lib.sh"
need python3 setpriv

# ---- --help, README, man page, meson ----

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$TOP/meson.build")
[[ -n "$version" ]] || fail "meson.build has no version"
"$TOP/tests/unit/options.py" "$LKLFS" "$TOP" "$version"
seconds=$("$LKLFS" umount --help | sed -n 's/.*(--timeout, \([0-9]*\) s).*/\1/p')
has "default of --timeout" "$(cat "$TOP/docs/lklfs.1.rst")" "for the daemon's end, ${seconds:-?} seconds without"
need rst2man
rst2man --strict "$TOP/docs/lklfs.1.rst" >"$T/lklfs.1"

# ---- status --json ----

# members WHAT ANSWER: the one object in $T/out is what the man page documents for a mount that answers, or for one
# that does not for that reason
members() {
	python3 - "$TOP/docs/lklfs.1.rst" "$T/out" "$2" <<'EOF' || fail "$1: $(cat "$T/out")"
import json, re, sys
page, out, answer = open(sys.argv[1]).read(), open(sys.argv[2]).read(), sys.argv[3]
section = page.partition("\nSTATUS IN JSON\n")[2].partition("\nEXIT STATUS\n")[0]
answering, _, silent = section.partition("A mount that does not answer")
documented = {p: dict(re.findall(r"^``(\w+)`` \(([a-z ]+)", p, re.M)) for p in (answering, silent)}
kinds = {"string": str, "number": int, "boolean": bool, "array of strings": list}
(status,) = json.loads(out)
if answer in ("mount", "run", "audit"):
    want = set(documented[answering]) - ({"run", "audit"} - {answer})
else:
    words = re.findall(r'ret_word = "(\w+)"', open(sys.argv[1].replace("docs/lklfs.1.rst", "src/cmd-status.c")).read())
    assert set(words) == set(documented[silent]), f"reasons: {words}, documented: {set(documented[silent])}"
    want = {"dir", answer}
assert set(status) == want, f"not the same: {set(status) ^ want}"
for name, value in status.items():
    kind = documented[answering].get(name) or documented[silent][name]
    assert type(value) is kinds[kind], f"{name} is no {kind}"
    assert kind != "boolean" or value is True, name
EOF
}
gives() { # WHAT ANSWER COMMAND...
	local what=$1 answer=$2
	shift 2
	eq "$what: status" "$(status_of "$@")" 0
	members "$what" "$answer"
}
mnt
mkdir "$B/sub" "$W/sub"
gives "a mount" mount "$LKLFS" status --json
eq "status of a mount" "$(status_of cat "$B/.lklfs/status")" 0
sed -i 's/.*/[&]/' "$T/out"
members ".lklfs/status" mount
mount -t tmpfs none "$B"
gives "a mount below another" hidden "$LKLFS" status --json
umount "$B"
mount --bind "$B/sub" "$W/sub"
gives "a part of a mount" unknown "$LKLFS" status --json "$W/sub"
umount "$W/sub"
gives "somebody else's" denied setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups -- "$LKLFS" status --json
daemon=$(daemons)
kill -STOP "$daemon"
gives "a stopped daemon" silent "$LKLFS" status --json
kill -CONT "$daemon"
kill_daemon
gives "a dead mount" dead "$LKLFS" status --json
umnt
"$LKLFS" run "$B" -- "$LKLFS" status --json </dev/null >"$T/out"
members "a mount of run" run
mnt -o audit
gives "an audit" audit "$LKLFS" status --json
has "an audit's line" "$("$LKLFS" status)" " 0 new, if this were no audit"
