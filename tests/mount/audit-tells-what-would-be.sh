#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# -o audit: after each way of writing what was there every file has the mtime that it has without lklfs, and the journal
# tells the verdicts that there are without -o audit (P2, P7 to P9, P11, P13 to P16), each with "audit":true.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3 make

past=1000000000
cat >"$W/steps" <<'EOF'
# Each line is a step: NAMES: COMMAND. NAMES are the files that it writes; all there were before are of the same past.
rewritten: echo x >rewritten
in-place: printf x | dd of=in-place conv=notrunc status=none
by-truncate: truncate -s 2 by-truncate
mapped: "$TOOL" open 0 mapped rw -- mmap 0 2 -- store 0 0 x -- munmap 0 -- close 0
changed: echo y >changed
removed: rm removed; echo x >removed
made-again/f: rm -r made-again; mkdir made-again; echo x >made-again/f
away: mv away away.old; echo x >away
link: rm link; ln -s x link
renamed: echo x >renamed.tmp; mv renamed.tmp renamed
renamed-other: echo y >renamed-other.tmp; mv renamed-other.tmp renamed-other
link-renamed: ln -s x link-renamed.tmp; mv -T link-renamed.tmp link-renamed
twice: echo raw >twice; echo x >twice
twice-renamed: echo raw >twice-renamed; echo x >twice-renamed.tmp; mv twice-renamed.tmp twice-renamed
over-removed: rm over-removed; echo x >over-removed.tmp; mv over-removed.tmp over-removed
copied: cp -p "$W/x" copied
copied-after: "$TOOL" open 0 copied-after w,trunc -- write 0 0 'x\n' -- close 0 -- times copied-after 5 1100000000.5
after-removal: "$TOOL" unlink after-removal -- open 0 after-removal w,creat -- write 0 0 'x\n' -- close 0 -- times after-removal 5 1100000000.5
after-fsync: "$TOOL" open 0 after-fsync w -- write 0 0 x -- fsync 0 -- close 0 -- times after-fsync 5 1100000000.5
copied-removed: rm copied-removed; cp -p "$W/x" copied-removed
copied-then-again: cp -p "$W/x" copied-then-again; echo x >copied-then-again
dated: echo x >dated; touch -d @1100000000 dated
dated-within: "$TOOL" open 0 dated-within w,trunc -- write 0 0 'x\n' -- ftimes 0 5 1100000000.5 -- close 0
now: echo x >now; touch now
synced: "$TOOL" open 0 synced w,trunc -- write 0 0 'x\n' -- fsync 0 -- fsync 0 -- close 0
synced-on: "$TOOL" open 0 synced-on w -- write 0 0 x -- fsync 0 -- write 0 0 y -- close 0
synced-both: "$TOOL" open 0 synced-both w -- write 0 0 x -- fsync 0 -- write 0 0 y -- fsync 0 -- write 0 0 x -- close 0
synced-gone: "$TOOL" open 0 synced-gone w -- write 0 0 x -- fsync 0 -- unlink synced-gone -- close 0
two-names: echo x >two-names
a.stamp: echo x >a.stamp
empty: : >empty
other-step: echo y >other-step
other-step: echo x >other-step
moved-on: echo x >moved-on; mv moved-on moved-on.new; echo x >moved-on.new
arrived: echo x >arrived; cp -p "$W/x" arrived.tmp; mv arrived.tmp arrived; echo x >arrived
unmoved: echo y >unmoved.tmp; echo x >unmoved; mv unmoved.tmp unmoved; echo y >unmoved
again: echo x >again
again: echo x >again
again: rm again; echo x >again
EOF
lay_out() { # DIR: the files, as they are before
	local names name
	mkdir -p "$1"
	while IFS=: read -r names _; do
		[[ -n "$names" && "$names" != \#* ]] || continue
		for name in $names; do
			mkdir -p "$(dirname "$1/$name")"
			case $name in
			link*) ln -sf x "$1/$name" ;;
			empty) : >"$1/$name" ;;
			*) echo x >"$1/$name" ;;
			esac
			touch -h -d "@$past" "$1/$name"
		done
	done <"$W/steps"
	ln "$1/two-names" "$1/two-names.2"
}
# Each command is a step of its own, as make starts it.
{
	echo 'all:'
	grep -v '^#' "$W/steps" | cut -d: -f2- | sed 's/\$/$$/g; s/^/\t@/'
} >"$W/Makefile"
export W TOOL
steps() { make -s -C "$1" -f "$W/Makefile" </dev/null || fail "the steps in $1"; }
mtimes() { # DIR: what became of each, seen from outside: it stayed, moved, or is what was set
	(cd "$1" && find . -mindepth 1 ! -type d -printf '%p %T@\n' | sort) |
		sed -E "s/ $past\.0+$/ stayed/; s/ (1[12]00000000)\..*/ dated \1/; s/ 1[3-9][0-9.]*$/ moved/"
}
told() { # FILE MODE: the verdicts of a journal
	python3 - "$1" "$B" "$2" <<'PY' || fail "the journal $1"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
for line in lines:
    assert line.get("audit") == (True if sys.argv[3] == "audit" and "path" in line else None), line
# those of one moment come in any order
for line in sorted((l for l in lines if "path" in l), key=lambda l: (l["path"], l["time"])):
    print(line["verdict"], *(line.get(m, "-").replace(sys.argv[2], "") for m in ("path", "from", "because")))
PY
}

echo x >"$W/x"
touch -d @1200000000 "$W/x"
lay_out "$B/plain"
steps "$B/plain"
mtimes "$B/plain" >"$T/plain"
rm -r "$B/plain"
for mode in normal audit; do
	lay_out "$B"
	mnt -o "journal=$W/$mode,$([[ $mode == normal ]] || echo audit)"
	steps "$B"
	mtimes "$B" >"$T/$mode"
	umnt
	told "$W/$mode" "$mode" >"$T/told.$mode"
	rm -r "${B:?}"/*
done
diff "$T/plain" "$T/audit" >&2 || fail "mtimes in an audit are not those without lklfs"
diff "$T/told.normal" "$T/told.audit" >&2 || fail "an audit tells other verdicts"
# or all that proves nothing
diff "$T/plain" "$T/normal" >"$T/differ" && fail "nothing is held back"
for name in rewritten in-place by-truncate mapped removed made-again/f away link renamed link-renamed twice twice-renamed \
	over-removed copied copied-after after-removal after-fsync dated-within synced two-names; do
	grep -q "^> ./$name stayed$" "$T/differ" || fail "without -o audit $name does not stay: $(cat "$T/differ")"
done

# What has been exposed behind the back of a descriptor is not touched by each look.
echo x >"$B/f"
touch -d "@$past" "$B/f"
mnt -o audit
start w
to w open 0 "$B/f" w,trunc
to w write 0 0 'x\n'
forks w daemon
ends w
first=$(mtime "$B/f")
ne "mtime after the opener's exit" "$first" "$past.000000000"
eq "mtime at the next look" "$(mtime "$B/f")" "$first"
to daemon close 0
leaves daemon
eq "mtime after the close" "$(mtime "$B/f")" "$first"
