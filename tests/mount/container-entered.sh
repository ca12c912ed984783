#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 5: what an engine's exec has brought into the container is no child of process 1. When the build has ended it is
# ended as well, and loses nothing.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/container.bash"
need runc python3

mkfifo "$W/go"
bundle entered "$LKLFS" run "$B" -- sh -c "echo >'$W/ready'; read x <'$W/go'; exit 4"
begins entered
runc --root "$T/runc" exec entered sh -c "exec 3>'$B/f'; echo written >&3; echo >'$W/go'; read x <>'$T/never'" </dev/null &
pid=$!
r=0
wait "$CONTAINER_PID" || r=$?
eq "status ($(cat "$T/err"))" "$r" 4
r=0
wait "$pid" || r=$?
eq "status of who was brought in" "$r" $((128 + 15))
eq "what it has written" "$(cat "$B/f")" written
eq "names" "$(ls -A "$B")" f
eq "mounts" "$(n_mounted "$B")" 0
eq "daemons" "$(daemons)" ""
