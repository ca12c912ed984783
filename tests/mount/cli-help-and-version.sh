#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# -h and -V, statuses 0, 1 and 2.
. "${0%/*}/lib.sh"

for option in -h --help; do
	eq "$option: status" "$(status_of "$LKLFS" $option)" 0
	for word in mount run umount status --mkdir -o; do
		has "$option" "$(cat "$T/out")" "$word"
	done
	eq "$option: on standard error" "$(cat "$T/err")" ""
done
for command in mount run umount status; do
	eq "$command -h: status" "$(status_of "$LKLFS" $command -h)" 0
	has "$command -h" "$(cat "$T/out")" "$command"
done
for option in -V --version; do
	eq "$option: status" "$(status_of "$LKLFS" $option)" 0
	has "$option" "$(cat "$T/out")" "lklfs"
	[[ "$(head -n 1 "$T/out")" =~ [0-9]+\.[0-9]+ ]] || fail "$option prints no number: $(cat "$T/out")"
done
for arguments in "" "--no-such-option $B" "mount" "umount" "-o $B" "mount --no-such-option $B" "-o no_such_option $B"; do
	# shellcheck disable=SC2086
	eq "lklfs $arguments: status" "$(status_of "$LKLFS" $arguments)" 2
	[[ -s "$T/err" ]] || fail "lklfs $arguments: says nothing"
	eq "lklfs $arguments: mounts" "$(n_mounted "$B")" 0
done
