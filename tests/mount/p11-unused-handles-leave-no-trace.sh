#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P11: a handle through which nothing was written, stored or truncated makes no session.
. "${0%/*}/lib.sh"

echo bytes >"$B/f"
mnt
before=$(trace "$(v f)")
mount=$(seen "$B/f")
: >>"$B/f"
tool open 0 "$B/f" rw -- close 0
tool open 0 "$B/f" w,append -- close 0
tool open 0 "$B/f" rw -- read 0 0 3 -- close 0 >/dev/null
tool open 0 "$B/f" rw -- mmap 0 5 -- load 0 0 3 -- munmap 0 -- close 0 >/dev/null
tool open 0 "$B/f" rw,creat -- close 0
eq "the backing" "$(trace "$(v f)")" "$before"
eq "through the mount" "$(seen "$B/f")" "$mount"
