#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P9: a file written twice within one build step, and ending with the bytes that it had, has its mtime back:
# raw bytes first, read again, then the final ones.
# BACKINGS: all
. "${0%/*}/lib.sh"
need make

cat >"$W/Makefile" <<EOF
all: $B/h
install: FORCE
	(cat $W/raw >$B/h; sed s/raw/final/ $B/h >$T/sed; sh -c 'cat $T/sed >$B/h')
twice: FORCE
	(cat $W/raw >$B/h; cat $W/raw >>$B/h; rm $B/h; sed s/raw/final/ $W/raw >$B/h.t; mv $B/h.t $B/h)
inplace: FORCE
	(cp $W/raw $B/h; $TOOL open 0 $B/h rw -- truncate $B/h 0 -- write 0 0 'a\sfinal\sheader\n')
FORCE:
EOF
echo 'a raw header' >"$W/raw"
echo 'a final header' >"$B/h"
mnt
before=$(stat -c '%i %.9Y' "$B/h")
for target in install twice inplace install; do
	make -s -f "$W/Makefile" "$target"
	eq "after $target" "$(stat -c '%i %.9Y' "$B/h")" "$before"
	eq "bytes after $target" "$(cat "$(v h)")" "a final header"
done
has "status" "$(cat "$B/.lklfs/status")" '"restored":4'

# other bytes in the end
echo 'another raw header' >"$W/raw"
make -s -f "$W/Makefile" install
newer "with other bytes" "$(mtime "$B/h")" "${before#* }"
eq "other bytes" "$(cat "$B/h")" "another final header"

# one process is a step, too; two of them are not one
before=$(mtime "$B/h")
tool open 0 "$B/h" w,trunc -- write 0 0 raw -- close 0 -- \
	open 0 "$B/h" w,trunc -- write 0 0 'another\sfinal\sheader\n' -- close 0
eq "one process" "$(mtime "$B/h")" "$before"
tool open 0 "$B/h" w,trunc -- write 0 0 raw -- close 0
tool open 0 "$B/h" w,trunc -- write 0 0 'another\sfinal\sheader\n' -- close 0
newer "two processes" "$(mtime "$B/h")" "$before"
# the mode it has now, not the one it had
before=$(mtime "$B/h")
tool open 0 "$B/h" w,trunc -- write 0 0 raw -- close 0 -- chmod "$B/h" 640 -- \
	open 0 "$B/h" w,trunc -- write 0 0 'another\sfinal\sheader\n' -- close 0
eq "with another mode" "$(mtime "$B/h")" "$before"
eq "its mode" "$(stat -c %a "$(v h)")" 640

# what nobody but the step itself can have seen on the way is not kept, what somebody has seen is
remembered() { grep -o '"remembered":[0-9]*' "$B/.lklfs/status"; }
echo k0 >"$B/k"
before=$(mtime "$B/k")
start w
# writes TEXT...: each in a session
writes() {
	local text
	for text; do
		to w open 0 "$B/k" w,trunc
		to w write 0 0 "$text\n"
		to w close 0
	done
}
writes k1
want=$(remembered)
writes k2 k3 k4
eq "remembered on the way" "$(remembered)" "$want"
writes k0
eq "there and back on a long way" "$(mtime "$B/k")" "$before"
writes k5 k6
seen=$(mtime "$B/k")
writes k7 k6
eq "back to what somebody has seen" "$(mtime "$B/k")" "$seen"
ends w
