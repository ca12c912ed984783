#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: whichever system call of an exposure fails, the writer has been told, or gets what he wrote; nobody reads anything
# but all of the old or all of the new bytes; and afterwards all goes on (faults.py). These are some of the calls; all of
# them, with all ways to write, are contrib/ci/faults.sh's.
# AXES: root ext4
# TIMEOUT: 120
. "${0%/*}/lib.sh"
need python3 setfattr

export TMPDIR=$T
# fails SCENARIOS WAYS CALLS [EVERY]
fails() {
	"${0%/*}/faults.py" --build "${LKLFS%/*}" --scenario "$1" --way "$2" --call "$3" --every "${4:-1}" "$B" "$V" \
		>"$T/said" 2>&1 || fail "$(cat "$T/said")"
}
fails changed on 'linkat,renameat,fsetxattr'
fails part-linked end 'pwrite64:f'
fails renamed-same once 'unlinkat:new'
if [[ -z "$SANITIZED" ]]; then # where each of the many mounts takes long
	fails new,nameless once 'newfstatat:#*,fstat:#*'
	fails renamed once 'newfstatat:#*,fstat:#*'
	fails synced-linked once 'statx:f' 3
fi
rm -rf "${V:?}"/*
