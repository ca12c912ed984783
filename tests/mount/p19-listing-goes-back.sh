#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: a name that does not fit into an answer comes with the next one, also if the listing of the backing could not be
# put back to it at once.
# AXES: root
. "${0%/*}/lib.sh"
need strace

mkdir "$B/d"
(cd "$B/d" && seq -f 'a-name-of-some-length-%g' 2000 | xargs touch)
(cd "$V/d" && ls -A) >"$T/want"
mnt
# the first one is a rewind
inject lseek:error=EIO:when=2
ls -A "$B/d" >"$T/got"
inject_end
grep -q 'EIO.*INJECTED' "$T/strace" || fail "nothing has failed"
cmp "$T/got" "$T/want"
