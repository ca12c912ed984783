#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Design 5: --help, README, man page, completion and version say the same; status --json has the documented members.
# AXES: root tmpfs
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

# ---- completion ----

# completes LINE: what bash would ask for at the end of it; the answer in $got, sorted
completes() {
	local COMP_WORDBREAKS=$' \t\n"\'><=;|&(:' COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD rest=$1
	local COMP_WORDS=() COMPREPLY=()
	# blanks divide; = and : divide and are words
	while [[ "$rest" =~ ^\ *(([^ =:\\]|\\.)+|[=:]+)(.*)$ ]]; do
		COMP_WORDS+=("${BASH_REMATCH[1]}")
		rest=${BASH_REMATCH[3]}
	done
	[[ "$1" != *" " ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	"$complete" || : # which knows nothing of errexit
	got=$(sorted "${COMPREPLY[@]}")
}
sorted() { (($# == 0)) || printf '<%s>\n' "$@" | sort -u; }
offers() { # LINE WORD...: these and no others
	local line=$1 want
	shift
	want=$(sorted "$@")
	completes "$line"
	eq "completion of '$line'" "$got" "$want"
}
. "$TOP/contrib/completion/lklfs.bash"
complete=$(complete -p lklfs | sed 's/.*-F \([^ ]*\) .*/\1/')

mkdir "$T/cwd" "$T/cwd/dir" "$T/cwd/mine" "$T/path"
: >"$T/cwd/file"
install /dev/null "$T/path/only-here"
PATH=$T/path:$PATH
cd "$T/cwd"
offers "lklfs " mount run umount status report dir mine
offers "lklfs u" umount
offers "lklfs m" mount mine
offers "lklfs mount m" mine
offers "lklfs run --mkdir d" dir
offers "lklfs -o ro d" dir
offers "lklfs run dir -- only-h" only-here
offers "lklfs run dir -- cat " dir file mine
offers "lklfs umount --timeout="
offers "lklfs mount -- -"

for command in "" mount run umount status; do
	listed=$("$LKLFS" "${command:-mount}" --help |
		sed -n -e 's/^  \(-.\), \(--[^ ]*\) .*/\1 \2/p' -e 's/^  \(--[^ ]*\) .*/\1/p' | sed 's/=[^ ]*/=/')
	# shellcheck disable=SC2086
	offers "lklfs ${command:+$command }-" $listed
done
foreign=$("$LKLFS" --help | sed -n 's/^Everything else (\(.*\), \.\.\.).*/\1/p')
[[ -n "$foreign" ]] || fail "--help does not say what is left to libfuse"
help=$("$LKLFS" --help | sed -n '/^Options of -o/,/^Everything else/p')
words=$(sed -n 's/^  \([a-z_]\+=\?\).*/\1/p' <<<"$help")
for line in "lklfs -o " "lklfs mount -o" "lklfs run -d --options " "lklfs run -o durable -o "; do
	# shellcheck disable=SC2046,SC2086
	if [[ "$line" == *-o ]]; then
		offers "$line" $(printf -- '-o%s\n' $words ${foreign//,/})
	else
		offers "$line" $words ${foreign//,/}
	fi
done
offers "lklfs -o keep" keep= keep_bytes=
offers "lklfs -o ro,dur" ro,durable
offers "lklfs -o keep=0,dur" 0,durable
offers "lklfs run --options=keep=0,dur" 0,durable
offers "lklfs --options=dur" durable
offers "lklfs -odur" -odurable
n_defaults=0
for word in $words; do
	default=$(tr -s '\n ' ' ' <<<"$help" | sed -n "s/.* ${word}[A-Z][^()]*(\([0-9]\+[KMG]\?\)) .*/\1/p")
	[[ -n "$default" ]] || continue
	offers "lklfs -o $word" "$default"
	offers "lklfs run -o ro,$word" "$default"
	n_defaults=$((n_defaults + 1))
done
eq "defaults that are numbers" "$n_defaults" 5
offers "lklfs -o always=" none
offers "lklfs -o drivers=" +
offers "lklfs -o fsname="
offers "lklfs -o journal="
offers "lklfs report f" file
offers "lklfs report --why=f" file

odd=$B/'a b"c'
mkdir "$odd"
"$LKLFS" "$odd" </dev/null
for command in umount status; do
	offers "lklfs $command " "$odd"
	offers "lklfs $command ${B%/*}/" "$odd"
	offers "lklfs $command $B/a\\ b" "$odd"
	offers "lklfs $command /no"
	cd "$B"
	offers "lklfs $command " "${odd##*/}"
	offers "lklfs $command ./a" "./${odd##*/}"
	cd "$T/cwd"
done
"$LKLFS" umount "$odd" </dev/null
rmdir "$odd"
offers "lklfs umount "
cd "$T"

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
if answer in ("mount", "run"):
    want = set(documented[answering]) - ({"run"} if answer == "mount" else set())
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
