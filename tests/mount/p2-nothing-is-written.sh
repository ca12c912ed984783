#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: ... and nothing was written to it: the daemon's account shows no block for an unchanged rewrite.
# BACKINGS: xfs btrfs
. "${0%/*}/lib.sh"

size=$((16 << 20))
head -c "$size" /dev/zero | tr '\0' x >"$B/f"
mnt
[[ -r /proc/$(daemons)/io ]] || skip "the kernel keeps no account of a process's writes"

# Pages dirtied on a disk. tmpfs has none, so there it is the bytes given to write(2), replies included.
if [[ $AXIS_FS == tmpfs ]]; then
	field=wchar slack=$((1 << 20))
else
	field=write_bytes slack=0
fi
written() { awk -v f="$field:" '$1 == f { print $2 }' "/proc/$(daemons)/io"; }

before=$(written)
tool open 0 "$B/f" w,trunc -- fill 0 0 "$size" x 4096 -- close 0
after=$(mtime "$B/f") # the verdict is in
((after_bytes = $(written) - before)) || :
((after_bytes <= slack)) || fail "$after_bytes bytes were written by an unchanged rewrite"
eq "mtime" "$after" "$(mtime "$(v f)")"

# the measure works: a change does cost
before=$(written)
tool open 0 "$B/f" w,trunc -- fill 0 0 "$size" y 4096 -- close 0
mtime "$B/f" >/dev/null
(($(written) - before >= size)) || fail "a change was not seen to be written"
