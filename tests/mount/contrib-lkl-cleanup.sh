#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# TIMEOUT: 120
# AXES: ext4 plain
# contrib/lkl/lkl-cleanup: unmounts what is mounted at or below a tree: alive, dead, hidden below another
# mount, stacked; does nothing to others; can be run again; with and without lklfs at hand. What lklfs refuses
# it leaves, unless forced. It waits for daemons, sweeps what dead ones left, and names what it cannot.
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
	eq "from inside" "$(status_of cleanup)" 1
	has "what it says" "$(cat "$T/err")" "still mounted"
	# cut off by lklfs; detached only without it, so that its daemon serves this shell's directory still
	eq "from inside, forced" "$(status_of cleanup --force --timeout=1)" "$([[ "$hand" == "$program" ]] && echo 0 || echo 1)"
	cd "$T"
	eq "from outside again" "$(status_of cleanup "$tree")" 0
	eq "left, from inside" "$(n_below "$tree")" 0

	# one hidden below another, which lklfs itself refuses to do
	lklfs_over "$tree/tools/lib"
	eq "a mount around one" "$(status_of "$program" "$tree")" 1
	if [[ "$AXIS_USER" == root ]]; then
		mkdir -p "$W/beside/tools/lib"
		lklfs_over "$W/beside"
		mount --bind "$W/beside" "$tree"
		eq "hidden" "$(n_below "$tree")" 2
	fi
	eq "exit status, hidden" "$(status_of cleanup "$tree")" 0
	eq "left, hidden" "$(n_below "$tree")" 0
	eq "exit status, beside the tree" "$(status_of cleanup "$W/beside")" 0

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

export LKLFS=$program

# done_by STATUS LINE ARGUMENT...: what it says that it did is this one line
done_by() {
	local status=$1 line=$2
	shift 2
	eq "exit status of: $*" "$(status_of cleanup "$@")" "$status"
	eq "said by: $*" "$(cat "$T/out")" "${line:+lkl-cleanup: $line}"
}

# ---- several directories, as with O= ----

out=$W/out
mkdir -p "$out"/{tools/lkl/{lib,include},arch/lkl/include/generated}
lklfs_over "$tree/tools/lib"
lklfs_over "$out"/{tools/lkl/{lib,include},arch/lkl/include/generated}
done_by 0 "4 unmounted" "$tree" "$out" "$W/missing"
done_by 0 "nothing to do" "$tree" "$out" "$W/missing"
until_true "the daemons' end" no_daemon

# ---- a file that is still written to ----

echo old >"$tree/tools/lib/file"
lklfs_over "$tree/tools/lib" "$tree/tools/include"
ln -sfn "$tree/tools/lib" "$W/lib" # a name that the tool can be told
start w
to w open 0 "$W/lib/file" w,trunc
to w write 0 0 new
done_by 1 "1 unmounted" "$tree"
has "who is in the way" "$(cat "$T/err")" "in use by*still mounted: *tools/lib"
done_by 1 "1 unmounted" --force "$tree"
has "what was not exposed" "$(cat "$T/err")" "could not be exposed: *tools/lib/file.lklfs-unsaved"
ends w
eq "the file" "$(cat "$tree/tools/lib/file")" old
done_by 1 "" "$tree"
has "what is named again" "$(cat "$T/err")" "could not be exposed: *tools/lib/file.lklfs-unsaved"
mv "$tree/tools/lib/file.lklfs-unsaved" "$tree/tools/lib/file.lklfs-unsaved.2"
done_by 1 "" "$tree"
rm "$tree/tools/lib/file.lklfs-unsaved.2"
done_by 0 "nothing to do" "$tree"

# ---- a daemon that is not done yet, and that nobody sees mounted ----

waits() { grep -qsx sleep /proc/[0-9]*/comm; }

for hand in "$program" "$T/missing"; do
	export LKLFS=$hand
	lklfs_over "$tree/tools/lib"
	daemon=$(LKLFS=$program daemons)
	kill -STOP "$daemon"
	fusermount3 -u -z "$tree/tools/lib"
	eq "exit status, not done" "$(status_of cleanup --timeout=0 "$tree")" 1
	has "who is not done" "$(cat "$T/err")" "not done with *: $daemon"
	sh "$top/contrib/lkl/lkl-cleanup" "$tree" >"$T/waited" 2>&1 &
	cleaner=$!
	until_true "that it waits" waits
	kill -CONT "$daemon"
	wait "$cleaner" || fail "waiting failed: $(cat "$T/waited")"
	eq "what it waited for" "$(cat "$T/waited")" "lkl-cleanup: 1 waited for"
	until_true "the daemon's end" no_daemon
done

# ---- what dead daemons left ----

true &
dead=$!
wait "$dead"
leave() {
	echo half >"$tree/tools/lib/.lklfs-stage-$dead-17-1"
	mkdir "$tree/tools/include/.lklfs-stage-$dead-17-2"
	echo kept >"$tree/tools/include/.lklfs-stage-$dead-17-2/1"
	echo through >"$tree/tools/lib/.lklfs-stage-$dead-17-3-$(ino "$tree/tools/lib/file")"
}
left() { find "$tree" -name '*lklfs-stage*' | wc -l; }

ln "$tree/tools/lib/file" "$tree/tools/link"
before=$(ino "$tree/tools/lib/file")
leave
LKLFS=$T/missing done_by 1 "2 swept" "$tree"
has "what is not finished" "$(cat "$T/err")" "not finished, *-17-3-$before"
eq "left without lklfs" "$(left)" 1
export LKLFS=$program
leave
done_by 0 "3 swept" "$tree"
eq "left" "$(left)" 0
# (bindfs tells the old size under the other name for a second.)
over bindfs || eq "what was finished" "$(cat "$tree/tools/link")" through
eq "and its inode" "$(ino "$tree/tools/lib/file")" "$before"
rm "$tree/tools/link"

# a living process's stay
started=$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)
echo half >"$tree/tools/lib/.lklfs-stage-$$-$started-1"
done_by 1 "" "$tree"
has "whose it is" "$(cat "$T/err")" "-1 belongs to process $$"
eq "left to the living" "$(left)" 1
rm "$tree/tools/lib/.lklfs-stage-$$-$started-1"

# a zombie's do not: it has ended, and nobody has asked how
mkfifo "$T/hold"
# shellcheck disable=SC2016
sh -c '(read -r _ <"$0") & echo $! >"$1"; exec sleep 1000' "$T/hold" "$T/zombie" &
parent=$!
is_sleeping() { [[ "$(cat "/proc/$parent/comm")" == sleep ]]; }
until_true "a parent that asks nothing" is_sleeping
echo >"$T/hold"
read -r zombie <"$T/zombie"
until_true "a zombie" is_gone "$zombie"
started=$(sed 's/.*) //' "/proc/$zombie/stat" | cut -d' ' -f20)
echo half >"$tree/tools/lib/.lklfs-stage-$zombie-$started-1"
done_by 0 "1 swept" "$tree"
kill "$parent"
wait "$parent" || :

# really killed, while a file is written
lklfs_over "$tree/tools/lib" "$tree/tools/include"
ln -sfn "$tree/tools/lib" "$W/lib" # a name that the tool can be told
start w
to w open 0 "$W/lib/file" w,trunc
to w write 0 0 newer
kill_daemons
ends w
done_by 0 "2 unmounted" "$tree"
eq "the old version" "$(cat "$tree/tools/lib/file")" through
eq "left at the end" "$(find "$W" -name '*lklfs*')" ""

# ---- called wrongly ----

eq "--help" "$(status_of cleanup --help)" 0
eq "a wrong option" "$(status_of cleanup --wrong)" 2
eq "sentences" "$(wc -l <"$T/err")" 1
eq "a wrong number" "$(status_of cleanup --timeout=1s)" 2
