#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 5: a container with a user namespace of its own, as rootless engines make them: its CAP_SYS_ADMIN is enough.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/container.bash"
need runc python3

export CONTAINER_USERNS=yes
# $B is on a file system of the host: the container's root is an ordinary user there
chown 100000:100000 "$B"
bundle rootless "$LKLFS" run "$B" -- sh -c "cd '$B'; id -u; cat /proc/self/uid_map; stat -f -c %t .; echo same >f; echo new >g; exit 3"
echo same >"$B/f"
chown 100000:100000 "$B/f"
before=$(trace "$B/f")
eq "status" "$(status_of contain rootless)" 3
eq "who it was, and where" "$(tr -s ' ' <"$T/out" | tr '\n' ' ')" "0  0 100000 65536 65735546 "
eq "what it wrote" "$(cat "$B/g")" new
eq "whose that is" "$(stat -c %u "$B/g")" 100000
eq "what it wrote again" "$(trace "$B/f")" "$before"
eq "mounts" "$(n_mounted "$B")" 0
eq "daemons" "$(daemons)" ""
