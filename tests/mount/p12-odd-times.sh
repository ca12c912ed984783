#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: times before 1970 and after 2038, and of one nanosecond, are what the backing makes of them.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo x >"$B/f"
echo x >"$W/f"
mnt
for t in -1 -1.5 -86400.000000001 0 0.000000001 2147483647.999999999 2147483648 4294967296.5 8589934592 1.999999999; do
	tool times "$W/f" "$t" "$t"
	tool times "$B/f" "$t" "$t"
	want=$(stat -c '%.9X %.9Y' "$W/f")
	eq "$t: in the backing" "$(stat -c '%.9X %.9Y' "$V/f")" "$want"
	eq "$t: through the mount" "$(stat -c '%.9X %.9Y' "$B/f")" "$want"
done
# in a session that changes bytes
tool open 0 "$B/f" w,trunc -- write 0 0 y -- ftimes 0 2 4294967296.000000001 -- close 0
tool times "$W/f" 2 4294967296.000000001
eq "set in a session" "$(mtime "$(v f)")" "$(mtime "$W/f")"
