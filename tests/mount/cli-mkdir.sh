#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 2, item 2: --mkdir creates missing directories, parents too.
. "${0%/*}/lib.sh"

eq "without --mkdir" "$(status_of "$LKLFS" "$B/lib")" 1
[[ ! -e "$B/lib" ]] || fail "made without being asked"
"$LKLFS" --mkdir "$B/lib" "$B/include/lkl" </dev/null
eq "mounts" "$(n_mounted "$B/lib") $(n_mounted "$B/include/lkl")" "1 1"
echo bytes >"$B/include/lkl/f"
"$LKLFS" umount "$B/lib" "$B/include/lkl" </dev/null
eq "what was written" "$(cat "$B/include/lkl/f")" bytes
# what is there already is no mistake
"$LKLFS" mount --mkdir "$B/lib" </dev/null
"$LKLFS" umount "$B/lib" </dev/null
"$LKLFS" run --mkdir "$B/one/two" -- sh -c "echo x >$B/one/two/f" </dev/null 2>/dev/null
eq "what run's command wrote" "$(cat "$B/one/two/f")" x
# a file in the way is one
: >"$B/file"
eq "a file in the way" "$(status_of "$LKLFS" --mkdir "$B/file/dir")" 1
eq "daemons" "$(daemons)" ""
