#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: what can neither be exposed nor saved anywhere is lost, and nobody is left to believe otherwise: umount --force
# names it and exits with 1, as does the daemon in the foreground, and run with 125.
# AXES: root ext4
. "${0%/*}/lib.sh"
need chattr

closed=$T/closed
mkdir "$closed"
mount -t tmpfs -o ro none "$closed"
mount --bind "$closed" /var/tmp
export TMPDIR=$closed

mkdir "$B/d" "$W/other"
odd=$'odd\nname'
echo old | tee "$B/d/f" "$B/d/$odd" >/dev/null
export B V odd
# The bytes are in files without a name when nothing takes a name any more.
cat >"$T/write" <<'END'
exec 5>"$B/d/$odd" 6>"$B/d/f"
echo new | tee /dev/fd/6 >&5
sync -f "$B" && chattr +i "$V/d/$odd" "$V/d/f" "$V/d" "$V"
END
lost='could neither be exposed nor saved'
loses() { # WHAT STATUS COMMAND...: exits so; nothing has reached the backing
	local what=$1 want=$2
	shift 2
	eq "$what: status" "$(status_of "$@")" "$want"
	until_true "the end of $what" is_unmounted
	chattr -i "$V" "$V/d" "$V/d/f" "$V/d/$odd"
	eq "$what: the old bytes" "$(cat "$V/d/f" "$V/d/$odd")" $'old\nold'
	eq "$what: what is there" "$(find "$V" -mindepth 1 ! -path "$V/d" ! -name f ! -name "$odd")" ""
}
is_unmounted() { (($(n_mounted "$B") == 0)); }

for dirs in "$B" "$B $W/other"; do
	# shellcheck disable=SC2086
	"$LKLFS" --log="$T/log" $dirs </dev/null
	sh "$T/write"
	until_true "the failures" so_many_failed 2
	eq "umount" "$(status_of "$LKLFS" umount "$B")" 1
	loses "umount --force of $dirs" 1 "$LKLFS" umount --force "$B"
	has "what it says" "$(tail -n 1 "$T/err")" "what was written in $B is lost, for it $lost: "
	has "what it says" "$(tail -n 1 "$T/err")" '"d/f": Read-only file system'
	has "what it says" "$(tail -n 1 "$T/err")" '"d/odd?u000aname": Read-only file system'
	has "the log" "$(cat "$T/log")" "d/f in $B is lost, for it $lost: Read-only file system"
	has "the log" "$(cat "$T/log")" "d/odd?nname in $B is lost, for it $lost: Read-only file system"
	rm "$T/log"
	eq "umount of the rest" "$(status_of "$LKLFS" umount "$B" "$W/other")" 0
	eq "daemons" "$(daemons)" ""
done

loses "run" 125 "$LKLFS" run "$B" -- sh "$T/write"
has "what run says" "$(cat "$T/err")" "d/f in $B is lost, for it $lost: Read-only file system"

"$LKLFS" -f "$B" </dev/null 2>"$T/said" &
until_true "a live mount" is_live
sh "$T/write"
until_true "the failures" so_many_failed 2
loses "umount --force of a daemon in the foreground" 1 "$LKLFS" umount --force "$B"
status=0
wait $! || status=$?
eq "status of the daemon" "$status" 1
has "what it says" "$(cat "$T/said")" "d/f in $B is lost, for it $lost"
