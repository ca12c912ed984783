#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: ext4
# P20: no path leads above the backing root: not through a directory that somebody moves out of the backing, or
# swaps for a symbolic link or for another directory, whatever of it is open or cached.
. "${0%/*}/lib.sh"

# A directory's own ctime moves with it.
state() {
	(cd "$1" && find . -maxdepth 0 -printf '%i %T@ %M %U:%G\n' &&
		find . -mindepth 1 -printf '%p %i %s %T@ %C@ %M %U:%G\n' | sort && cat f sub/f)
}
# Beside the backing, and by the same mount: so that a rename leads there.
O=${V%/*}/w
fill() {
	mkdir -p "$1/sub"
	echo old >"$1/f"
	echo old >"$1/sub/f"
	echo old >"$1/written"
	ln "$1/f" "$1/linked"
}
refused() { # WHAT COMMAND...: not done, but told so
	local got what=$1
	shift
	got=$(to_errno t "$@")
	[[ $got == @(ESTALE|ENOENT|ENOTDIR|ELOOP|EACCES) ]] || fail "$what, $*: $got"
}
# whatever can be asked relative to a directory
everything() { # WHAT
	local command
	for command in "open 9 new w,creat" "open 9 f rw" "open 9 f w,trunc" "truncate f 0" "unlink f" "rmdir sub" "mkdir made" \
		"mkfifo made" "symlink x made" "link f made" "rename f made" "rename sub made" "chmod f 777" "chmod sub 777" \
		"chown f 0 0" "times f 1 1" "setxattr f user.k v" "open 9 sub/new w,creat" "open 9 sub/f rw" "unlink sub/f" \
		"rename $B/mine made" "rename f $B/taken" "rename $B/mine f exchange" "link $B/mine made" "link f $B/taken"; do
		# shellcheck disable=SC2086
		refused "$1" $command
	done
	[[ "$(to_errno t open 9 f r)" != OK ]] || refused "$1" read 9 0 10
	refused "$1" list sub
}
for name in out link other held; do fill "$B/$name"; done
mkdir "$O/outside"
fill "$O/outside/dir"
fill "$O/outside/target"
echo mine >"$B/mine"
mnt

# ---- moved out, with everything in the caches, and a working directory in it ----
start t
to t cd "$B/out"
for name in f sub sub/f; do to t stat "$name" >/dev/null; done
to t open 1 written rw
to t write 1 0 'NEW\n'
to t open 2 written r
to t open 4 linked rw
to t write 4 0 'NEW\n'
to t open 3 . dir
before=$(state "$V/out")
mv "$V/out" "$O/outside/out"
eq "moved out" "$(state "$O/outside/out")" "$before"
everything "moved out"
eq "a reader's handle" "$(to t read 2 0 10)" 'NEW\n'
# the session of a file that is out there ends, and is not lost
to t close 1
to t close 2
to t close 4
to t close 3
to t cd "$T"
eq "by path" "$(errno_of stat "$B/out/f")" ENOENT
eq "outside, after all that" "$(state "$O/outside/out")" "$before"
eq "umount is refused" "$(status_of "$LKLFS" umount "$B")" 1
eq "outside, after umount" "$(state "$O/outside/out")" "$before"
mv "$O/outside/out" "$V/out"
"$LKLFS" umount --force "$B" </dev/null
until_true "the daemon's end" no_daemon
eq "back again, and exposed" "$(cat "$V/out/written" "$V/out/linked" "$V/out/f")" $'NEW\nNEW\nNEW'

# ---- the same, and it never comes back ----
mnt
to t cd "$B/out"
to t open 1 sub/f rw
to t write 1 0 'NEW\n'
to t open 4 sub/new rw,creat
to t write 4 0 'MADE\n'
mv "$V/out" "$O/outside/out"
before=$(state "$O/outside/out")
to t close 1
to t close 4
to t cd "$T"
eq "forced" "$(status_of "$LKLFS" umount --force "$B")" 0
until_true "the daemon's end" no_daemon
eq "outside, after the end" "$(state "$O/outside/out")" "$before"
eq "what was written" "$(cat "$V/f.lklfs-unsaved" "$V/new.lklfs-unsaved" | tr '\n' ' ')" "NEW MADE "
rm "$V/f.lklfs-unsaved" "$V/new.lklfs-unsaved"

# ---- swapped for a link that leads out, and for a directory elsewhere ----
ln -s "$O/outside/target" "$V/tolink"
ln -s ../w/outside/target "$V/relative"
mnt
swapped() { # WHAT NAME WITH
	local outside was with=
	outside=$(state "$O/outside/target")
	was=$(state "$V/$2")
	[[ -L "$3" ]] || with=$(state "$3")
	to t cd "$B/$2"
	for name in f sub sub/f; do to t stat "$name" >/dev/null; done
	tool rename "$V/$2" "$3" exchange
	everything "$1"
	to t cd "$T"
	eq "$1: outside" "$(state "$O/outside/target")" "$outside"
	eq "$1: what it was" "$(state "$3")" "$was"
	[[ -z "$with" ]] || eq "$1: what came in its place" "$(state "$V/$2")" "$with"
	tool rename "$V/$2" "$3" exchange
	eq "$1, and back" "$(cat "$B/$2/f" "$B/$2/sub/f")" $'old\nold'
}
swapped "swapped for a link" link "$V/tolink"
swapped "swapped for a relative link" link "$V/relative"
eq "the link itself leads where the caller's kernel takes it" "$(cat "$B/tolink/f" "$B/relative/f")" $'old\nold'
swapped "swapped for a directory outside" other "$O/outside/dir"
swapped "swapped for a directory inside" other "$V/held"
ends t

# ---- above the root ----
eq "the parent of the root" "$(ino "$B/..")" "$(ino "${B%/*}")"
eq "the same from below" "$(cd "$B/other/sub/../../.." && pwd -P)" "${B%/*}"
umnt
rm "$V/tolink" "$V/relative"
