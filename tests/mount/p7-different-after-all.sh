#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: what is removed and written again differs after all, or may not come back when it is written: what was the same
# until then is in the new file, whatever has become of the removed one.
# AXES: root ext4
. "${0%/*}/lib.sh"

H=$((1 << 19)) size=$((1 << 20))
f=$B/f
tool open 0 "$W/bytes" w,creat -- fill 0 0 "$H" x -- fill 0 "$H" "$H" y
was=
# what is there is removed, and has been seen by nobody who counts
anew() {
	rm -f "$f"
	cp "$W/bytes" "$f"
	was=$(mtime "$f")
	rm "$f"
}
# halfway: w has written the first half again, and the daemon has it
halfway() {
	anew
	start w
	to w open 0 "$f" rw,creat,direct 600 >/dev/null
	to w fill 0 0 "$H" x >/dev/null
}
rest() { to w fill 0 "$H" "$H" y >/dev/null; }
is_new() {
	cmp "$1" "$W/bytes"
	ne "$2" "$(mtime "$1")" "$was"
	cmp "$(v "${1#"$B"/}")" "$W/bytes"
}
mnt

# other bytes, in the end or in the middle; fewer; more; and what was not written again
for way in "fill 0 $H $H y -- write 0 $((size - 1)) z" "fill 0 $H $H y -- write 0 70000 z" "fill 0 $H $((H - 1)) y" \
	"fill 0 $H $((H + 1)) y" "fill 0 $((H + 4096)) $((H - 4096)) y" "fill 0 $H $H y -- ftruncate 0 $H"; do
	anew
	# shellcheck disable=SC2086
	told=$(tool open 0 "$f" w,creat -- fill 0 0 "$H" x -- $way -- fstat 0 | tail -n 1)
	# shellcheck disable=SC2086
	tool open 0 "$W/other" w,creat,trunc -- fill 0 0 "$H" x -- $way >/dev/null
	cmp "$f" "$W/other"
	ne "$way" "$(mtime "$f")" "$was"
	has "$way: what fstat said" "$told" "ino=$(ino "$f")"
	eq "$way: no more room than it needs" "$(stat -c '%s %b' "$(v f)" | awk '{ print $2 * 512 <= $1 + 65536 }')" 1
done

# what others see of it while it is written; then it is new, for they might have acted upon that
halfway
eq "size so far" "$(stat -c '%s %a' "$f")" "$H 600"
head -c "$H" "$W/bytes" | cmp - "$f"
has "what fstat says" "$(to w fstat 0)" "size=$H"
eq "in the backing so far" "$(status_of test -e "$V/f")" 1
rest
ends w
is_new "$f" "seen meanwhile"

# synced halfway, it is there, and goes on; nobody else has looked, so it is what it was in the end
halfway
to w fsync 0
head -c "$H" "$W/bytes" | cmp - "$V/f"
rest
ends w
cmp "$f" "$W/bytes"
eq "synced meanwhile" "$(mtime "$f")" "$was"

# another name meanwhile; the same step writes the old name again, and then that is linked and changed in place
halfway
to w rename "$f" "$B/g" >/dev/null
to w open 1 "$f" w,creat >/dev/null
to w fill 1 0 "$H" x >/dev/null
to w fill 1 "$H" "$H" y >/dev/null
to w close 1 >/dev/null
eq "written again" "$(mtime "$f")" "$was"
ln "$f" "$B/h"
printf changed | dd of="$B/h" conv=notrunc status=none
eq "in place" "$(head -c 7 "$f")" changed
head -c "$H" "$W/bytes" | cmp - "$B/g"
rest
ends w
is_new "$B/g" "renamed meanwhile"
rm "$f" "$B/g" "$B/h"

# renamed over another one
halfway
echo other >"$B/g"
mv "$f" "$B/g"
rest
ends w
is_new "$B/g" "renamed over another"

# a second name meanwhile
halfway
ln "$f" "$B/h"
rest
ends w
is_new "$f" "linked meanwhile"
cmp "$B/h" "$W/bytes"
rm "$B/h"

# removed again: what has been written is there for who has it open
halfway
rm "$f"
rest
eq "removed again, the end of it" "$(to w read 0 $((size - 2)) 9)" yy
eq "removed again, around the middle" "$(to w read 0 $((H - 2)) 4)" xxyy
has "removed again, its size" "$(to w fstat 0)" "size=$size"
ends w
cp "$W/bytes" "$f"
is_new "$f" "removed again, and written by somebody else"

# forgotten meanwhile
remount -o keep=1
halfway
echo 1 >"$B/o"
rm "$B/o"
rest
ends w
is_new "$f" "forgotten meanwhile"

# the daemon is killed halfway: nothing has the name
halfway
kill_daemon
dies w
eq "after a crash" "$(status_of test -e "$V/f")" 1
mnt
eq "after a crash, mounted" "$(status_of test -e "$f")" 1
