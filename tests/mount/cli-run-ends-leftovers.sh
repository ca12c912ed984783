#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# At the end of run leftover processes are ended only if they hold the mount; orphans are reaped.
. "${0%/*}/lib.sh"

mkfifo "$T/ready"
# one that holds a file in the mount, one that works in it, one that has nothing to do with it
# shellcheck disable=SC2016
"$LKLFS" run "$B" -- sh -c '
	setsid sh -c "exec 5>\"$1/held\"; echo \$\$ >\"$2/holder\"; echo >\"$2/ready\"; read x <>\"$2/never\"" &
	read x <>"$2/ready"
	setsid sh -c "cd \"$1\"; echo \$\$ >\"$2/worker\"; echo >\"$2/ready\"; read x <>\"$2/never\"" &
	read x <>"$2/ready"
	setsid sh -c "echo \$\$ >\"$2/other\"; echo >\"$2/ready\"; read x <>\"$2/never\"" &
	read x <>"$2/ready"
	exit 3' sh "$B" "$T" >/dev/null 2>&1 </dev/null && r=0 || r=$?
eq "status" "$r" 3
eq "mounts" "$(n_mounted "$B")" 0
is_there() { kill -0 "$(cat "$T/$1")" 2>/dev/null; }
has_ended() { ! is_there "$1"; }
until_true "the end of the process that held a file" has_ended holder
until_true "the end of the process that worked in the mount" has_ended worker
is_there other || fail "a process that did not hold the mount was ended"
kill -KILL "$(cat "$T/other")"
[[ -e "$B/held" ]] || fail "what the holder had open was lost"
