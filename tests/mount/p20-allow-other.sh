#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: nobody but the mounter gets in, not even root into a user's mount, unless allow_other is asked for, which an
# ordinary user may only where /etc/fuse.conf says so; and then the kernel checks permissions.
. "${0%/*}/lib.sh"
need setpriv

eve=(setpriv --reuid=1003 --regid=2003 --clear-groups --)
user=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups --)
U=$B/user
mkdir "$U"
echo open >"$U/open"
echo private >"$U/private"
chmod 600 "$U/private"
chown -R "$TEST_UID:$TEST_UID" "$U"
chmod 777 "$U"
ways=("stat @" "stat @/open" "open 0 @/open r" "list @" "open 0 @/new w,creat" "mkdir @/new" "unlink @/open" "stat @/.lklfs/status" "byhandle @ @")
shut() { # WHAT COMMAND...: nobody gets in so
	local way what=$1
	shift
	for way in "${ways[@]}"; do
		# shellcheck disable=SC2086
		eq "$what: $way" "$("$@" "$TOOL" ${way//@/$U} || :)" EACCES
	done
}
outside=$(trace "$U/open")
as_user() { "${user[@]}" "$@" </dev/null; }

# ---- root's, by default ----
"$LKLFS" "$U" </dev/null
shut "a stranger at root's mount" "${eve[@]}"
shut "the directory's owner at root's mount" "${user[@]}"
# of the four identities one is not enough
has "root by half" "$(setpriv --ruid=0 --euid=1003 -- stat "$U" 2>&1 || :)" "Permission denied"
eq "root itself" "$(cat "$U/private")" private
"$LKLFS" umount "$U" </dev/null
eq "nothing has come of it" "$(trace "$U/open")$(ls "$U" | tr '\n' ' ')" "${outside}open private "

# ---- a user's, by default ----
as_user "$LKLFS" "$U"
shut "a stranger at a user's mount" "${eve[@]}"
shut "root at a user's mount" env
eq "the mounter" "$(as_user cat "$U/private")" private
as_user "$LKLFS" umount "$U"

# ---- asked for ----
eq "allow_other of a user" "$(status_of as_user "$LKLFS" -o allow_other "$U")" 1
eq "what is said: lines" "$(wc -l <"$T/err")" 1
has "what is said" "$(cat "$T/err")" "lklfs: cannot mount over $U: "
has "what to do" "$(cat "$T/err")" "'user_allow_other' is set in /etc/fuse.conf"
eq "mounts" "$(n_mounted "$U")" 0
eq "the same by run" "$(status_of as_user "$LKLFS" run -o allow_other "$U" -- true)" 125
echo user_allow_other >"$W/fuse.conf"
mount --bind "$W/fuse.conf" /etc/fuse.conf
as_user "$LKLFS" -o allow_other "$U"
permitted() { # WHAT
	eq "$1: a stranger may read what is open" "$("${eve[@]}" cat "$U/open")" open
	eq "$1: and look" "$("${eve[@]}" "$TOOL" list "$U" | tr ' ' '\n' | grep -c '^[op]')" 2
	eq "$1: but not read" "$("${eve[@]}" "$TOOL" open 0 "$U/private" r || :)" EACCES
	eq "$1: nor write" "$("${eve[@]}" "$TOOL" open 0 "$U/open" w || :)" EACCES
	eq "$1: nor change" "$("${eve[@]}" "$TOOL" chmod "$U/open" 777 || :)" EPERM
	eq "$1: nor set times" "$("${eve[@]}" "$TOOL" times "$U/open" 1 1 || :)" EPERM
	has "$1: the status" "$("${eve[@]}" cat "$U/.lklfs/status")" '"lklfs"'
	eq "$1: of which nothing can be changed" "$("${eve[@]}" "$TOOL" open 0 "$U/.lklfs/status" w || :)" EACCES
	"${eve[@]}" sh -c 'echo mine >"$1/mine"' sh "$U"
	eq "$1: where the mode allows it he makes files" "$("${eve[@]}" cat "$U/mine")" mine
}
permitted "a user's, opened"
eq "root gets in" "$(cat "$U/private")" private
# the daemon cannot give files away
eq "what a stranger makes in a user's mount" "$(stat -c %u "$U/mine")" "$TEST_UID"
rm "$U/mine"
as_user "$LKLFS" umount "$U"
"$LKLFS" -o allow_other "$U" </dev/null
permitted "root's, opened"
eq "what a stranger makes in root's mount" "$(stat -c %u:%g "$U/mine")" 1003:2003
rm "$U/mine"
"$LKLFS" umount "$U" </dev/null
