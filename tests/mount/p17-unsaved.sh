#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: what cannot be exposed at the very end becomes NAME.lklfs-unsaved, under umount --force, SIGTERM of the
# daemon, and run, which exits with 125; what it would have replaced is untouched; the next mount sweeps nothing
# of it, and shows an ordinary file.
# AXES: root
. "${0%/*}/lib.sh"
need setfattr

mkdir "$B/d"
echo old >"$B/d/f"
chown "$TEST_UID" "$B/d/f"
chmod 640 "$B/d/f"

# write N: f and a new name
write() {
	echo "changed $1" >"$B/d/f"
	echo "new $1" >"$B/d/new"
}
check() { # WHAT SUFFIX N
	local saved=$V/d/f.lklfs-unsaved$2
	eq "$1: the old file" "$(trace "$V/d/f")" "$before"
	eq "$1: what was written" "$(cat "$saved")" "changed $3"
	eq "$1: owner and mode" "$(stat -c '%u %a' "$saved")" "$TEST_UID 640"
	[[ ! -e "$V/d/new" ]] || fail "$1: the new name is there"
	eq "$1: the new file" "$(cat "$V/d/new.lklfs-unsaved$2")" "new $3"
	eq "$1: hidden names" "$(ls -A "$V/d" | grep -c stage)" 0
}
before=$(trace "$V/d/f")

ends_traced
mnt --log="$T/log"
inject utimensat:error=EIO
write 1
eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
eq "umount --force" "$(status_of "$LKLFS" umount --force "$B")" 0
has "umount --force names them" "$(cat "$T/err")" '"d/f", "d/new": Input/output error'
wait "$STRACE_PID"
eq "mounts" "$(n_mounted "$B")" 0
check "umount --force" "" 1
has "the log" "$(cat "$T/log")" "$B/d/f.lklfs-unsaved"
has "the log" "$(cat "$T/log")" "$B/d/new.lklfs-unsaved"

mnt --log="$T/log"
eq "an ordinary file" "$(cat "$B/d/f.lklfs-unsaved")" "changed 1"
echo "of its own" >"$B/d/f.lklfs-unsaved"
eq "written" "$(cat "$(v d/f.lklfs-unsaved)")" "of its own"
inject utimensat:error=EIO
write 2
kill -TERM "$(daemons)"
wait "$STRACE_PID"
until_true "the daemon's end" no_daemon
check "SIGTERM" .2 2
eq "the one from before" "$(cat "$V/d/f.lklfs-unsaved")" "of its own"

# COMMAND lets strace attach to run, which serves
cat >"$T/command" <<END
read -r go <"$T/go"
echo "changed 3" >"$B/d/f"
echo "new 3" >"$B/d/new"
END
mkfifo "$T/go"
(
	status=0
	"$LKLFS" run "$B" -- sh "$T/command" </dev/null 2>"$T/err" || status=$?
	echo "$status" >"$T/status"
) &
run=$!
is_up() { (($(n_mounted "$B") == 1)); }
until_true "the mount" is_up
serves() { [[ -e "$B/.lklfs/status" ]]; }
until_true "the daemon" serves
daemons() { pgrep -o -x "${LKLFS##*/}"; }
inject utimensat:error=EIO
echo go >"$T/go"
wait "$run"
wait "$STRACE_PID"
eq "exit status of run" "$(cat "$T/status")" 125
check "run" .3 3
has "run says it" "$(cat "$T/err")" "$B/d/f.lklfs-unsaved.3"
has "run counts it" "$(tail -n 1 "$T/err")" "2 failed"
rm "$V"/d/*.lklfs-unsaved*
