#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# -o audit: what would be older than what its step has read (P15) is judged by the mtimes that files would have, not by
# those that they have in the audit, where each written input is newer than all that was made of it before.
# AXES: root ext4
. "${0%/*}/lib.sh"
need make python3

cat >"$W/Makefile" <<'EOF'
all:
	echo in >in
	cat in; echo out >out
	cat in; rm removed; echo x >removed
	cat in; echo x >renamed.tmp; mv renamed.tmp renamed
	cat in; echo raw >twice; echo x >twice
	cat out removed renamed; echo end >end
	cat late; echo x >outdated
	cat in; ln -sf x link
EOF
lay_out() {
	local name n=1000000000
	for name in in out removed renamed twice outdated end late; do # each newer than what is before it
		case $name in
		in | out | end) echo "$name" >"$B/$name" ;;
		*) echo x >"$B/$name" ;;
		esac
		touch -d "@$((n++))" "$B/$name"
	done
}
told() { # FILE
	python3 - "$1" <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
for line in sorted((l for l in lines if "path" in l), key=lambda l: (l["path"], l["time"])):
    print(line["path"].split("/")[-1], line["verdict"], line.get("because", "-"))
PY
}
for converge in "" converge; do
	for mode in normal audit; do
		lay_out
		mnt -o "$converge,journal=$W/$mode$converge,$([[ $mode == normal ]] || echo audit)"
		for ((i = 0; i < 2; i++)); do
			make -s -C "$B" -f "$W/Makefile" </dev/null >/dev/null || fail "make"
		done
		status_value outdated_names >"$T/outdated.$mode"
		umnt
		told "$W/$mode$converge" >"$T/told.$mode"
		rm -r "${B:?}"/*
	done
	diff "$T/told.normal" "$T/told.audit" >&2 || fail "an audit ($converge) tells other verdicts"
	eq "outdated ($converge)" "$(cat "$T/outdated.audit")" "$(cat "$T/outdated.normal")"
	cp "$T/outdated.audit" "$T/names$converge"
	cp "$T/told.audit" "$T/told$converge"
done
eq "outdated" "$(cat "$T/names")" '["outdated"]'
eq "outdated, but for the audit" "$(cat "$T/namesconverge")" '[]'
eq "what converges" "$(grep converge "$T/toldconverge")" "outdated touched converge"
