#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A million operations on files that are gone, in a mount over an ext4: when the kernel has forgotten them, everything is where it
# began. The long form of tests/mount/p19-nothing-leaks.sh.
#
#   contrib/ci/conformance/leaks.sh LKLFS [OPERATIONS]
#
# OPERATIONS (default 1000000) are system calls on names and files, made by four processes at once, each in a directory of its
# own. A tenth of them comes first, so that pools, tables and caches have the size that they keep. Then the daemon's figures
# (status --json) are taken, and again at the end, after the kernel has forgotten the mount both times: descriptors, sessions,
# handles, names and contents may be no more, and memory no more than 2 MiB more, which is less than three bytes for each
# operation. The file system below has as many inodes and blocks in use as before. Needs root and python3; takes five minutes.
#
# The last line is `N passed, N failed, N skipped`; exit status: 0 nothing failed, 1 something did, 2 called wrongly.

. "${0%/*}/common.bash" "$@"

operations=${2:-1000000}
[[ "$operations" =~ ^[0-9]+$ ]] || die "no number: $operations"
churn=$(realpath "$here/../../../tests/mount/churn.py")
[[ -x "$churn" ]] || die "no program: $churn"
backing "$work/fs" 2G
mkdir "$work/fs/mount"
mount=$work/fs/mount
processes=4

churn() { # OPERATIONS
	local i n=0 part pids=()
	for ((i = 0; i < processes; i++)); do
		mkdir "$mount/$i"
		"$churn" "$mount/$i" "$(($1 / processes))" >"$work/churn.$i" &
		pids+=($!)
	done
	for ((i = 0; i < processes; i++)); do
		wait "${pids[i]}" || return 1
		part=$(cat "$work/churn.$i")
		n=$((n + part))
		rmdir "$mount/$i" || return 1
	done
	echo "      $n operations"
	((n >= $1))
}

keys=(descriptors staged handles nodes versions held failed memory_bytes heap_bytes)
# The kernel forgets what it can, and says so; what is in use is counted when it has.
figures() { # FILE
	local key i
	for ((i = 0; i < 100; i++)); do
		mount -i -o remount "$mount"
		sync -f "$mount/.lklfs/status"
		(($(figure nodes) > 3)) || break
	done
	for key in "${keys[@]}"; do
		echo "$key $(figure "$key")"
	done >"$1"
	sync -f "$work/fs"
	stat -f -c 'inodes %d' "$work/fs" >>"$1"
	stat -f -c 'blocks %f' "$work/fs" >>"$1"
}
figure() {
	sed 's/.*"'"$1"'":\([0-9]*\).*/\1/' "$mount/.lklfs/status"
}

no_more() { # KEY AT-MOST: than before, by that many
	local before after
	before=$(sed -n "s/^$1 //p" "$work/before")
	after=$(sed -n "s/^$1 //p" "$work/after")
	echo "      $1: $after, before $before"
	((after <= before + $2))
}
no_less() { # KEY AT-MOST: than before, but for that many
	local before after
	before=$(sed -n "s/^$1 //p" "$work/before")
	after=$(sed -n "s/^$1 //p" "$work/after")
	echo "      $1 free: $after, before $before"
	((after >= before - $2))
}

"$lklfs" -o allow_other,keep=0 "$mount"
check "a tenth of it" churn "$((operations / 10))"
figures "$work/before"
check "all of it" churn "$operations"
figures "$work/after"
for key in staged handles nodes versions held failed; do
	check "as many: $key" no_more "$key" 0
done
# It remembers 64 processes, with two descriptors each.
check "as many descriptors" no_more descriptors 128
check "as much memory" no_more memory_bytes $((2 << 20))
check "as much of the heap" no_more heap_bytes $((2 << 20))
check "as many inodes" no_less inodes 0
check "as many blocks" no_less blocks 64
check "the backing is what the mount showed" ends_as_shown "$mount"
check "nothing is left in it" test -z "$(ls -A "$mount")"
outcome
