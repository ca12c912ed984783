#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 5: with an init in front (podman run --init) lklfs is not process 1: status and signals go through, and what
# the build leaves behind and does not hold the mount is the init's.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/container.bash"
need runc python3 tini

bundle init "$(command -v tini)" -- "$LKLFS" run "$B" -- sh -c "cd '$B'; cat /proc/1/comm; echo new >f; exit 6"
eq "status" "$(status_of contain init)" 6
eq "process 1" "$(cat "$T/out")" tini
eq "what it wrote" "$(cat "$B/f")" new
bundle signalled "$(command -v tini)" -- "$LKLFS" run "$B" -- \
	sh -c "cd '$B'; trap 'echo late >late; exit 9' TERM; echo >'$W/ready'; read x <>'$T/never'"
begins signalled
ends_by TERM signalled 9
eq "what the build did then" "$(cat "$B/late")" late
eq "mounts" "$(n_mounted "$B")" 0
eq "daemons" "$(daemons)" ""
