#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 5: lklfs run as the entrypoint of a container, process 1: mounts, builds, hands the exit status on; reaps
# what the build has left behind; signals reach the build; nothing is left mounted, nor lost.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/container.bash"
need runc python3 make

# builds NAME COMMAND: a container that runs it, in $B
builds() { bundle "$1" "$LKLFS" run "$B" -- sh -c "cd '$B' && $2"; }
printf 'all: out\nout: in\n\tcp in out\n\techo made >>log\n' >"$B/Makefile"
echo in >"$B/in"

# twice the same
builds first 'make -s'
eq "status" "$(status_of contain first)" 0
eq "what it made" "$(cat "$B/out" "$B/log")" "in
made"
has "the last line" "$(tail -n 1 "$T/err")" "2 new"
before=$(trace "$B/out")
touch "$B/in"
eq "status" "$(status_of contain first)" 0
eq "what is the same" "$(trace "$B/out")" "$before"
eq "what is not" "$(cat "$B/log")" "made
made"

# statuses
for status in 0 1 42 126 127; do
	builds "exits$status" "exit $status"
	eq "status $status" "$(status_of contain "exits$status")" "$status"
done
# shellcheck disable=SC2016
builds killed 'kill -KILL $$'
eq "status of a build that is killed" "$(status_of contain killed)" $((128 + 9))
bundle missing "$LKLFS" run "$B/no/such/directory" -- true
eq "status if lklfs fails" "$(status_of contain missing)" 125
bundle not-found "$LKLFS" run "$B" -- no-such-command
eq "status if there is no command" "$(status_of contain not-found)" 127

# SIGTERM, as by an engine's stop, reaches the build
builds signalled "trap 'echo late >late; exit 9' TERM; echo >'$W/ready'; read x <>'$T/never'"
begins signalled
ends_by TERM signalled 9
eq "what the build did then" "$(cat "$B/late")" late

# orphans are reaped: process 1 has no zombies
# shellcheck disable=SC2016
builds orphans 'for i in 1 2 3 4 5; do (sh -c "exit $i" &); done
	until [ "$(ps -o stat= --ppid 1 | grep -c Z)" = 0 ] && ! pgrep -x sleep; do :; done; ps -e -o stat= | grep -c Z; true'
eq "status with orphans" "$(status_of contain orphans)" 0
eq "zombies" "$(cat "$T/out")" 0

# a process in the background neither keeps the container, nor loses what it has written
mkfifo "$W/ready"
builds left "sh -c 'exec 3>left; echo written >&3; echo >\"$W/ready\"; read x <>\"$T/never\"' & read x <'$W/ready'; exit 5"
eq "status with a process left" "$(status_of timeout 20 runc --root "$T/runc" run --no-new-keyring --bundle "$W/left" left)" 5
eq "what that has written" "$(cat "$B/left")" written

eq "containers" "$(runc --root "$T/runc" list -q)" ""
eq "mounts" "$(n_mounted "$B")" 0
eq "daemons" "$(daemons)" ""
