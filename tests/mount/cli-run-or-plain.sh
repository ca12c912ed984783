#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 4: run --or-plain runs COMMAND without mounting where mounting is impossible, and says why and that
# it does; statuses stay the same, bad usage stays 125, nothing is left half mounted.
. "${0%/*}/lib.sh"
need setpriv

plain() { # WHAT STATUS WORD ARGS...
	local what=$1 status=$2 word=$3
	shift 3
	eq "$what: status" "$(status_of "${as[@]}" "$LKLFS" run --or-plain "$@")" "$status"
	has "$what: what is said" "$(sed -n 1p "$T/err")" "$word"
	eq "$what: what follows from it" "$(sed -n 2p "$T/err")" "lklfs: warning: running COMMAND without lklfs"
	eq "$what: mounts" "$(findmnt -n -t fuse.lklfs)" ""
	eq "$what: daemons" "$(daemons)" ""
}
refused() { # WHAT ARGS...
	local what=$1
	shift
	eq "$what: status" "$(status_of "${as[@]}" "$LKLFS" run --or-plain "$@")" 125
	eq "$what: lines said" "$(wc -l <"$T/err")" 1
	[[ "$(cat "$T/err")" != *warning* ]] || fail "$what: but a warning: $(cat "$T/err")"
}
missing() { # WHAT WORD: all of it, where mounting is impossible
	plain "$1, success" 0 "$2" "$B" -- true
	eq "$1: lines said" "$(wc -l <"$T/err")" 2
	plain "$1, failure" 42 "$2" "$B" -- sh -c 'exit 42'
	# shellcheck disable=SC2016
	plain "$1, a signal" $((128 + 15)) "$2" "$B" -- sh -c 'kill -TERM $$'
	plain "$1, not executable" 126 "$2" "$B" -- "$W"
	plain "$1, not found" 127 "$2" "$B" -- no-such-command-anywhere
	eq "$1, not found: lines said" "$(wc -l <"$T/err")" 3
	plain "$1, in the directory" 0 "$2" --mkdir "$B/made/here" -- sh -c "cd '$B/made/here' && echo x >f && echo out"
	eq "$1: what COMMAND prints" "$(cat "$T/out")" out
	eq "$1: what COMMAND writes" "$(cat "$B/made/here/f")" x
	rm -r "$B/made"
	# what the command line gets wrong is refused as ever
	refused "$1, a missing directory" "$B/missing" -- touch "$B/ran"
	refused "$1, not a directory" "$W/file" -- touch "$B/ran"
	refused "$1, a file in the way" --mkdir "$W/file/dir" -- touch "$B/ran"
	refused "$1, given twice" "$B" "$B/." -- touch "$B/ran"
	refused "$1, the root" / -- touch "$B/ran"
	refused "$1, an unknown option" --no-such-option "$B" -- touch "$B/ran"
	refused "$1, an unknown option of -o" -o no_such_option "$B" -- touch "$B/ran"
	refused "$1, no command" "$B" --
	[[ ! -e "$B/ran" ]] || fail "$1: COMMAND ran although it was refused"
}
: >"$W/file"
mkdir "$B/one" "$B/two"

# where it is possible it mounts, and warns of nothing
as=()
# shellcheck disable=SC2016
eq "possible: status" "$(status_of "$LKLFS" run --or-plain "$B" -- sh -c 'stat -f -c %T "$1"; exit 3' sh "$B")" 3
has "possible: file system" "$(cat "$T/out")" fuse
eq "possible: lines said" "$(wc -l <"$T/err")" 1
refused "possible, a missing directory" "$B/missing" -- true

if [[ $AXIS_USER == user ]]; then
	# no set-id helper gets more rights in here
	as=(setpriv --no-new-privs --)
	missing "no privilege" fusermount3
	# nor may this user mount over what is somebody else's: one mounts, the second cannot
	as=()
	plain "half of it" 5 /var "$B/one" /var -- sh -c "echo x >'$B/one/f'; exit 5"
	eq "half of it: what COMMAND writes" "$(cat "$B/one/f")" x
	exit 0
fi

# a /dev without fuse
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
missing "no /dev/fuse" /dev/fuse
# signals reach COMMAND; its working directory, descriptors and environment are the caller's
mkfifo "$T/ready"
# shellcheck disable=SC2016
"$LKLFS" run --or-plain "$B" -- sh -c 'trap "exit 9" TERM; echo >"$1/ready"; read x <>"$1/never"' sh "$T" 2>/dev/null &
pid=$!
read -r <>"$T/ready"
kill -TERM "$pid"
r=0
wait "$pid" || r=$?
eq "status after SIGTERM" "$r" 9
# shellcheck disable=SC2016
out=$(cd "$B/one" && "$LKLFS" run --or-plain "$B" -- sh -c 'pwd; cat <&7; echo "[$GIT_DISCOVERY_ACROSS_FILESYSTEM]"' \
	7<<<seven </dev/null 2>/dev/null)
eq "what is the caller's" "$out" "$B/one
seven
[]"
umount /dev

# as somebody else: read-only underneath, and one that mounts where the second does not
as=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups --)
chmod 1777 "$T"
chown "$TEST_UID:$TEST_UID" "$B/one" "$B/two"
mount --bind "$B/two" "$B/two"
mount -o remount,bind,ro "$B/two"
plain "read-only" 0 "$B/two" "$B/two" -- true
plain "half of it" 5 "$B/two" "$B/one" "$B/two" -- sh -c "echo x >'$B/one/f'; exit 5"
eq "half of it: what COMMAND writes" "$(cat "$B/one/f")" x
plain "read-only, below" 6 "$B/two/dir" --mkdir "$B/two/dir" -- sh -c 'exit 6'
umount "$B/two"
# no fusermount3: an empty file in its place
: >"$W/empty"
mount --bind "$W/empty" "$(command -v fusermount3)"
plain "no fusermount3" 7 fusermount3 "$B/one" -- sh -c 'exit 7'
umount "$(command -v fusermount3)"
