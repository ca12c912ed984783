#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: the same for what ends a mount otherwise: SIGTERM and SIGINT, umount as soon as it is not busy, lazily, or by force.
# AXES: ext4
# TIMEOUT: 300
. "${0%/*}/lib.sh"
need python3 make gcc ar ld

"$TOP/tests/crash/builds.py" --how term,int,umount,lazy,force --lklfs "$LKLFS" "$B" $((${#SANITIZED} ? 2 : 5)) >&2
