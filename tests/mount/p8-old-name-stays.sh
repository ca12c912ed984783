#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P8 and P17: a rename that brings a former version back, whose old name cannot be removed then: it counts as the plain rename
# that it becomes, or has failed with both names there.
# AXES: root
. "${0%/*}/lib.sh"
need strace

# there WHAT: a has been removed, and b has its bytes
there() {
	pattern 5000 "$1" >"$B/$1"
	touch -d '2020-01-01' "$B/$1"
	cat "$B/$1" >/dev/null
	tool unlink "$B/$1"
	pattern 5000 "$1" >"$B/b"
}
mnt
there a
eq "rename" "$(errno_of rename "$B/b" "$B/a")" OK
eq "restored" "$(status_value restored)" 1
eq "its mtime" "$(stat -c %y "$B/a" | cut -c1-4)" 2020
there c
inject unlinkat:error=EIO
eq "rename" "$(errno_of rename "$B/b" "$B/c")" OK
inject_end
grep -q 'EIO.*INJECTED' "$T/strace" || fail "nothing has failed"
eq "restored, then" "$(status_value restored)" 1
ne "its mtime" "$(stat -c %y "$B/c" | cut -c1-4)" 2020
pattern 5000 c | cmp - "$B/c"
eq "the old name" "$(errno_of stat "$B/b")" ENOENT
there e
inject unlinkat:error=EIO renameat:error=EIO:when=2+
eq "rename" "$(errno_of rename "$B/b" "$B/e")" EIO
inject_end
pattern 5000 e | cmp - "$B/b"
pattern 5000 e | cmp - "$B/e"
eq "restored at last" "$(status_value restored)" 1
