#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run enters the working directory anew, so that COMMAND started inside the directory works in
# the mount; relative names of directories work.
. "${0%/*}/lib.sh"

mkdir -p "$B/sub/deep"
look='pwd; stat -f -c %T .; echo bytes >f'
try() { # DIRECTORY, then arguments of run
	local dir=$1 out
	shift
	cd "$dir"
	out=$("$LKLFS" run "$@" -- sh -c "$look" 2>/dev/null </dev/null)
	cd "$T"
	eq "$dir, run $*: working directory" "$(head -n 1 <<<"$out")" "$dir"
	has "$dir, run $*: file system" "$(tail -n 1 <<<"$out")" fuse
	eq "$dir, run $*: what was written" "$(cat "$dir/f")" bytes
	rm "$dir/f"
}
try "$B" "$B"
try "$B" .
try "$B/sub/deep" "$B"
try "$B/sub/deep" ..
cd "$T"
out=$(cd "$W" && "$LKLFS" run ../b -- sh -c 'pwd' </dev/null 2>/dev/null)
eq "outside, the working directory stays" "$out" "$W"
