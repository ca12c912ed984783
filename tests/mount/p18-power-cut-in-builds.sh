#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: with -o durable a power cut in the middle of a build leaves whole files only, on xfs and on ext4, and make leaves what a
# clean build makes. (contrib/ci/crashes.sh has more, and what is lost without.)
# AXES: root ext4
# TIMEOUT: 300
. "${0%/*}/lib.sh"
need python3 make gcc ar ld mkfs.xfs mkfs.ext4

for fs in xfs ext4; do
	mkdir "$B/$fs"
	"$TOP/tests/crash/builds.py" --cut "$fs" --option durable --lklfs "$LKLFS" "$B/$fs" $((${#SANITIZED} ? 1 : 2)) >&2
done
