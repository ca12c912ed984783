#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: a crash leaves no empty and no half-written file for make to trust.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
mnt
start w
to w open 0 "$B/half" w,creat
to w fill 0 0 1000000 x
to w open 1 "$B/d/empty" w,creat
to w open 2 "$B/synced" w,creat
to w write 2 0 'not\syet\swhole'
kill_daemon
ends w
for f in half d/empty synced; do
	[[ ! -e "$(v "$f")" ]] || fail "$f is in the backing"
done
mnt
eq "names after the next mount" "$(ls -A "$B")" d
eq "names in the backing after the next mount" "$(find "$(v .)" -mindepth 1 | wc -l)" 1
