#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: the kernel may remember directories above names that are watched, as long as they are there; once one has gone,
# whoever looks for it in vain has looked for what was below it.
. "${0%/*}/lib.sh"

mkdir -p "$B/d/e"
echo one >"$B/d/e/f"
"$LKLFS" -d -f "$B" </dev/null >"$T/debug" 2>&1 &
daemon=$!
until_true "mounted" eval '(($(n_mounted "$B") == 1))'
n_lookups() { grep -c 'opcode: LOOKUP' "$T/debug"; }
before=$(mtime "$B/d/e/f")
rm -r "$B/d"
mkdir -p "$B/d/e"
# made_anew: f has been written with the same bytes
made_anew() { echo one >"$B/d/e/f"; }

stat "$B/d/e" >/dev/null
n=$(n_lookups)
for i in 1 2 3 4 5 6 7 8 9 10; do stat "$B/d/e" >/dev/null; done
eq "lookups of directories that are there" "$(($(n_lookups) - n))" 0
made_anew
echo one >"$B/d/e/g"
echo two >"$B/d/e/g"
n=$(n_lookups)
stat "$B/d/e" >/dev/null
eq "lookups of directories after a file below them was rewritten" "$(($(n_lookups) - n))" 0
eq "looks at its directory are no looks at it" "$(mtime "$B/d/e/f")" "$before"

rm -r "$B/d"
eq "a look at what has gone" "$(errno_of stat "$B/d")" ENOENT
mkdir -p "$B/d/e"
made_anew
newer "after a look in vain" "$(mtime "$B/d/e/f")" "$before"
umnt
wait "$daemon"
