#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 4: --log=FILE takes what the daemon says, one line each with a time stamp; what is said before the
# mounts are live goes to standard error. A FILE that cannot be used is one sentence, and nothing is mounted.
. "${0%/*}/lib.sh"

line='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{4} lklfs\[[0-9]+\]: '
mkdir "$W/logs"

# A mount that is busy when the daemon is asked to end is detached, and that is said.
says_busy() { # FILE N: after N lines it has one more
	local daemon
	daemon=$(daemons)
	exec 5<"$B/f"
	kill -TERM "$daemon"
	until_true "a line in $1" has_lines "$1" $(($2 + 1))
	exec 5<&-
	until_true "the daemon's end" no_daemon
	eq "lines in $1" "$(wc -l <"$1")" $(($2 + 1))
	[[ "$(tail -n 1 "$1")" =~ $line ]] || fail "no time stamp: $(tail -n 1 "$1")"
	has "what is said" "$(tail -n 1 "$1")" "$B is in use"
}
has_lines() { [[ -e $1 ]] && (($(wc -l <"$1") >= $2)); }

echo bytes >"$B/f"
(cd "$W" && umask 007 && "$LKLFS" mount --log=logs/relative "$B" </dev/null)
eq "mode" "$(stat -c %a "$W/logs/relative")" 640
says_busy "$W/logs/relative" 0
# appended to, and only if there is something to say
mnt --log "$W/logs/relative"
umnt
eq "lines after an uneventful mount" "$(wc -l <"$W/logs/relative")" 1
mnt --log "$W/logs/relative"
says_busy "$W/logs/relative" 1
# a line stays a line, whatever names have in them
odd=$B/$'new\nline'
mkdir "$odd"
echo bytes >"$odd/f"
"$LKLFS" --log "$W/logs/line" "$odd" </dev/null
exec 5<"$odd/f"
kill -TERM "$(daemons)"
until_true "a line" has_lines "$W/logs/line" 1
exec 5<&-
until_true "the daemon's end" no_daemon
eq "lines about a name of two" "$(wc -l <"$W/logs/line")" 1

# in the foreground, too
"$LKLFS" mount -f --log "$W/logs/foreground" "$B" </dev/null 2>"$T/err" &
until_true "a live mount" is_live
says_busy "$W/logs/foreground" 0
wait
eq "on standard error" "$(cat "$T/err")" ""

# run: COMMAND is not given the file, and the last line stays on standard error
mkfifo "$T/go"
# shellcheck disable=SC2016
(cd "$W" && exec "$LKLFS" run --log=logs/run "$B" -- sh -c 'ls -l /proc/self/fd; fusermount3 -u "$1"; read x <"$2"' \
	sh "$B" "$T/go" >"$T/out" 2>"$T/err" </dev/null) &
until_true "a line of run's" has_lines "$W/logs/run" 1
echo >"$T/go"
wait
[[ "$(cat "$T/out")" != *logs/run* ]] || fail "COMMAND was given the log: $(cat "$T/out")"
eq "run: lines said" "$(wc -l <"$T/err")" 1
has "run: the last line" "$(cat "$T/err")" "not written"
eq "run: lines logged" "$(wc -l <"$W/logs/run")" 1
has "run: what is logged" "$(cat "$W/logs/run")" "somebody unmounted everything"

# before the mounts are live: standard error
eq "a failure: status" "$(status_of "$LKLFS" --log "$W/logs/failed" "$B/missing")" 1
has "a failure: what is said" "$(cat "$T/err")" "lklfs: $B/missing does not exist"
[[ ! -s "$W/logs/failed" ]] || fail "logged: $(cat "$W/logs/failed")"

refused() { # WHAT WORD ARGS...
	local what=$1 word=$2
	shift 2
	eq "$what: status" "$(status_of "$LKLFS" "$@" "$B")" 1
	eq "$what: lines said" "$(wc -l <"$T/err")" 1
	has "$what: what is said" "$(cat "$T/err")" "$word"
	eq "$what, run: status" "$(status_of "$LKLFS" run --or-plain "$@" "$B" -- touch "$W/ran")" 125
	eq "$what, run: lines said" "$(wc -l <"$T/err")" 1
	has "$what, run: what is said" "$(cat "$T/err")" "$word"
	eq "$what: mounts" "$(n_mounted "$B")" 0
	eq "$what: daemons" "$(daemons)" ""
	[[ ! -e "$W/ran" ]] || fail "$what: COMMAND ran"
}
refused "no such directory" "cannot open the log $W/missing/log" --log "$W/missing/log"
refused "a directory" "cannot open the log $W" --log "$W"
refused "empty" "cannot open the log" --log=
refused "inside" "would be hidden" --log "$B/log"
[[ ! -e "$B/log" ]] || fail "a log was made inside"
mkdir "$B/sub"
refused "inside, below" "would be hidden" --log "$B/sub/log"
ln -s "$B" "$W/link"
refused "inside, by a link" "would be hidden" --log "$W/link/log"
ln -s "$B/log" "$W/log-link"
refused "inside, the last one a link" "would be hidden" --log "$W/log-link"
cd "$B"
refused "inside, relative" "would be hidden" --log log
cd "$T"
if [[ $AXIS_USER == user ]]; then
	refused "not permitted" "Permission denied" --log /var/lklfs-log
fi
