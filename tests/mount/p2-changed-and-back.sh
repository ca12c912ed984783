#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: what counts is the end of the session: bytes that were others in between leave no trace.
. "${0%/*}/lib.sh"

echo "old bytes" >"$B/f"
mnt
before=$(trace "$(v f)")
tool open 0 "$B/f" w,trunc -- write 0 0 other -- ftruncate 0 0 -- write 0 0 'old\sbytes\n' -- close 0
eq "the backing" "$(trace "$(v f)")" "$before"
# two handles, one after the other, within one session
tool open 0 "$B/f" w,trunc -- write 0 0 other -- open 1 "$B/f" rw,trunc -- close 0 \
	-- write 1 0 'old\sbytes\n' -- close 1
eq "the backing after a session of two handles" "$(trace "$(v f)")" "$before"
eq "bytes" "$(cat "$B/f")" "old bytes"
# many sessions one after the other
for ((i = 0; i < 50; i++)); do
	echo "old bytes" >"$B/f"
done
eq "the backing after fifty rewrites" "$(trace "$(v f)")" "$before"
