#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# contrib/lkl/lkl-cleanup: unmounts what is mounted at or below a tree: alive, dead, hidden below another
# mount, stacked; does nothing to others; can be run again; with and without lklfs at hand. What lklfs refuses
# it leaves, unless forced.
. "${0%/*}/lib.sh"

top=$TOP
[[ -r "$top/contrib/lkl/lkl-cleanup" ]] || skip "$top/contrib cannot be read as $AXIS_USER"
program=$LKLFS
tree="$W/a  tree\\ of * names"
mkdir -p "$tree/tools/lib" "$tree/tools/include" "$W/a  tree" "$tree-not"

# n_below DIR: how many mounts of lklfs there are at or below it
n_below() {
	awk '/ - fuse\.lklfs / { print $5 }' /proc/self/mountinfo | while IFS= read -r field; do
		printf '%b\n' "$(sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g' <<<"$field")"
	done | awk -v dir="${1//\\/\\\\}" '$0 == dir || index($0, dir "/") == 1 { n++ } END { print n + 0 }'
}

lklfs_over() { "$program" "$@" </dev/null || fail "mounting over $*"; }

cleanup() { sh "$top/contrib/lkl/lkl-cleanup" "$@"; }

kill_daemons() {
	local pid
	for pid in $(daemons); do kill -KILL "$pid"; done
	until_true "the daemons' death" no_daemon
}

for hand in "$program" "$T/missing"; do
	export LKLFS=$hand

	eq "nothing mounted" "$(status_of cleanup "$tree")" 0

	# alive, one daemon over two directories, others beside
	lklfs_over "$tree/tools/lib" "$tree/tools/include"
	lklfs_over "$W/a  tree"
	lklfs_over "$tree-not"
	echo new >"$tree/tools/lib/file"
	eq "alive" "$(n_below "$tree")" 2
	eq "exit status, alive" "$(status_of cleanup "$tree")" 0
	eq "left, alive" "$(n_below "$tree")" 0
	eq "left beside" "$(n_below "$W/a  tree")$(n_below "$tree-not")" 11
	eq "what was written" "$(cat "$tree/tools/lib/file")" new
	eq "exit status, once more" "$(status_of cleanup "$tree")" 0

	# by symbolic link, relative, from inside, several at once
	ln -sfn "$tree" "$W/link"
	lklfs_over "$tree/tools/lib"
	eq "through a link" "$(status_of cleanup "$W/link/tools/")" 0
	eq "left, through a link" "$(n_below "$tree")" 0
	lklfs_over "$tree/tools/lib"
	cd "$tree/tools/lib"
	if [[ "$hand" == "$program" ]]; then
		eq "from inside" "$(status_of cleanup)" 1
		has "what it says" "$(cat "$T/err")" "still mounted"
		eq "from inside, forced" "$(status_of cleanup --force)" 0
	else
		eq "from inside" "$(status_of cleanup)" 0
	fi
	cd "$T"
	eq "left, from inside" "$(n_below "$tree")" 0

	# one hidden below another
	lklfs_over "$tree/tools/lib"
	lklfs_over "$tree"
	eq "hidden" "$(n_below "$tree")" 2
	eq "exit status, hidden" "$(status_of cleanup "$tree")" 0
	eq "left, hidden" "$(n_below "$tree")" 0

	# stacked on one directory
	if [[ "$AXIS_USER" == root ]]; then
		lklfs_over "$tree/tools/lib"
		mount --bind "$tree/tools/lib" "$tree/tools/lib"
		eq "stacked" "$(n_below "$tree")" 2
		eq "exit status, stacked" "$(status_of cleanup "$tree")" 0
		eq "left, stacked" "$(n_below "$tree")" 0
	fi

	eq "exit status, beside" "$(status_of cleanup "$W/a  tree")$(status_of cleanup "$tree-not")" 00
	until_true "the daemons' end" no_daemon

	# dead, the tree itself, too
	lklfs_over "$tree/tools/lib" "$tree/tools/include"
	kill_daemons
	eq "dead" "$(n_below "$tree")" 2
	eq "exit status, dead" "$(status_of cleanup "$tree")" 0
	eq "left, dead" "$(n_below "$tree")" 0
	lklfs_over "$tree"
	kill_daemons
	eq "exit status, dead itself" "$(status_of cleanup "$tree")" 0
	eq "left, dead itself" "$(n_below "$tree")" 0
	eq "exit status, at the end" "$(status_of cleanup "$tree")" 0
done

eq "--help" "$(status_of cleanup --help)" 0
eq "a wrong option" "$(status_of cleanup --wrong)" 2
export LKLFS=$program
