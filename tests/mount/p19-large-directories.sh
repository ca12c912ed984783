#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: a directory of 100,000 names is listed completely, each name once, also while others are made and removed
# beside them; what lklfs needs for that grows no faster than the directory. Over tmpfs all of them are made in the mount.
# AXES: root ext4 tmpfs
# TIMEOUT: 300
. "${0%/*}/lib.sh"

lister() { "${TOOL%/*}/lister" "$@" >&2 || fail "lister $*"; }
n=100000
[[ -z "$SANITIZED" ]] || n=10000
[[ "$AXIS_FS" != ext4 ]] || n=$((n / 10)) # the image has not that many inodes

known() { # nodes the daemon has in memory
	"$LKLFS" status --json "$B" | tr , '\n' | sed -n 's/"nodes"://p'
}
so_many_new() { [[ "$(status_value new)" == "$1" ]]; }
few() { # NUMBER MAX
	(($1 <= $2))
}

mkdir "$B/large"
[[ "$AXIS_FS" == tmpfs ]] || lister make "$B/large" "$n"
mnt
if [[ "$AXIS_FS" == tmpfs ]]; then
	lister make "$B/large" "$n"
	until_true "the verdict on each" so_many_new "$n" # v would look at each of them
	eq "names in the backing" "$(ls "$V/large" | wc -l)" "$n"
fi
at_first=$(known)
lister check "$B/large" "$n"
eq "ls" "$(ls "$B/large" | grep -c '^s')" "$n"
# who is only listed is not remembered, nor who is gone
until_true "the names made meanwhile are forgotten" eval 'few "$(known)" $((at_first + 10))'
# nor who was made and removed in the mount
mkdir "$B/made"
lister make "$B/made" 2000
rm -r "$B/made"
until_true "what was removed is forgotten" eval 'few "$(known)" $((at_first + 10))'
umnt

# twice as many former versions in a directory are twice the work to list it, not four times
[[ -z "$SANITIZED" ]] || exit 0 # LeakSanitizer does not bear a tracer
need strace
looks() { # N: how often the backing is asked for a name while a directory is listed that has N names and had N more
	local pid
	mkdir "$B/d$1"
	(cd "$B/d$1" && seq -f '%0200.0f' "$((2 * $1))" | while read -r name; do echo bytes >"$name"; done)
	mnt >&2
	(cd "$B/d$1" && seq -f '%0200.0f' "$1" | xargs rm)
	pid=$(daemons)
	strace -f -qq -e trace=newfstatat,statx -o "$W/strace" -p "$pid" 2>/dev/null &
	tracer=$!
	until_true "the tracer traces" grep -q "^TracerPid:[^0]*[1-9]" "/proc/$pid/status"
	eq "names left" "$(ls "$B/d$1" | wc -l)" "$1"
	kill -INT "$tracer"
	wait "$tracer" || :
	umnt >&2
	wc -l <"$W/strace"
}
once=$(looks 400)
twice=$(looks 800)
((once >= 400 && twice < 3 * once)) || fail "listing 400 names takes $once looks, listing 800 takes $twice"
