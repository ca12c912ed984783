#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: several writers of one file share its stage, and the last close ends the session.
. "${0%/*}/lib.sh"

printf 'aaaabbbbcccc' >"$B/f"
mnt
start w
start x
before=$(mtime "$B/f")
to w open 0 "$B/f" rw
to w write 0 0 WWWW
to x open 0 "$B/f" rw
eq "the second writer sees the first one's bytes" "$(to x read 0 0 12)" WWWWbbbbcccc
to x write 0 8 XXXX
eq "the first writer sees the second one's bytes" "$(to w read 0 0 12)" WWWWbbbbXXXX
to w close 0
eq "a stranger after the first close" "$(cat "$B/f")" aaaabbbbcccc
eq "its mtime" "$(mtime "$B/f")" "$before"
eq "the second writer after the first close" "$(to x read 0 0 12)" WWWWbbbbXXXX
to x close 0
eq "a stranger after the last close" "$(cat "$B/f")" WWWWbbbbXXXX
eq "the backing" "$(cat "$(v f)")" WWWWbbbbXXXX

# appending from both sides loses nothing
: >"$B/log"
to w open 1 "$B/log" w,append
to x open 1 "$B/log" w,append
for ((i = 0; i < 20; i++)); do
	to w write 1 - 'w\n'
	to x write 1 - 'x\n'
done
ends w
ends x
eq "lines of both" "$(sort "$B/log" | uniq -c | tr -s ' \n' ' ')" " 20 w 20 x "

# a crowd of processes, each with a line of its own
for ((i = 0; i < 8; i++)); do
	(for ((j = 0; j < 20; j++)); do echo "$i.$j" >>"$B/crowd"; done) &
	pids[i]=$!
done
for ((i = 0; i < 8; i++)); do wait "${pids[i]}"; done
eq "lines of the crowd" "$(sort -u "$B/crowd" | wc -l) $(wc -l <"$B/crowd")" "160 160"
