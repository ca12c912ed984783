#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: the daemon is killed at moments drawn by lot while make runs: the backing has whole files only, the next mount leaves
# nothing, and make leaves what a clean build makes. (8 kills on each axis; contrib/ci/crashes.sh has 1,000.)
# TIMEOUT: 300
. "${0%/*}/lib.sh"
need python3 make gcc ar ld

"$TOP/tests/crash/builds.py" --lklfs "$LKLFS" "$B" $((${#SANITIZED} ? 2 : 8)) >&2
