#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: killed before each system call that changes anything in the backing while a file is rewritten with the same bytes,
# with others, made, linked from no name, written through to an inode with two names, renamed over another: complete old
# bytes with the old mtime, or complete new ones with an mtime from before the kill, and no hidden names after the next mount.
# AXES: root ext4
# TIMEOUT: 300
. "${0%/*}/lib.sh"
need python3

# what is killed has nothing to tell a sanitizer; what comes after it has
cases=()
[[ -z "$SANITIZED" ]] || cases=(other through)
"$TOP/tests/crash/calls.py" --brief --lklfs "$LKLFS" --killer "$CASE/build/tests/killer" "$B" "${cases[@]}" >&2
