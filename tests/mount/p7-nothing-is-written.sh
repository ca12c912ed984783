#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: what is removed and written again is compared as it comes: of the same bytes, in whatever order and by
# whatever way they come, none is written anywhere, and the file itself comes back with the mode of the new one.
# AXES: root ext4 tmpfs
. "${0%/*}/lib.sh"

M=$((1 << 20)) size=$((3 << 20))
f=$B/f
# two MiB of letters, and one of zeros that nobody writes
in_order() { tool open 0 "$f" w,creat,excl -- fill 0 0 "$M" x -- fill 0 "$M" "$M" y -- ftruncate 0 "$size"; }
in_order
cp "$f" "$W/bytes"
before=
same() { stat -c 'ino=%i size=%s mtime=%.9Y mode=%a' "$1"; }
written() { sed -n 's/^wchar: //p' "/proc/$(daemons)/io"; }

backwards() { tool open 0 "$f" rw,creat -- ftruncate 0 "$size" -- fill 0 "$M" "$M" y 4096 -- fill 0 0 "$M" x 300000; }
allocated() { tool open 0 "$f" w,creat -- fallocate 0 grow 0 "$size" -- fill 0 0 "$M" x -- fill 0 "$M" "$M" y; }
begun_again() { tool open 0 "$f" w,creat -- fill 0 0 "$M" x -- ftruncate 0 7 -- fill 0 0 "$M" x -- fill 0 "$M" "$M" y -- ftruncate 0 "$size"; }
opened_twice() { tool open 0 "$f" w,creat -- open 1 "$f" rw -- fill 0 0 "$M" x -- close 0 -- fill 1 "$M" "$M" y -- ftruncate 1 "$size"; }
copied() { cp "$W/bytes" "$f"; }

# costs WAY LEAST MOST: so many bytes are given to write(2), answers included
costs() {
	local n
	rm "$f"
	n=$(written)
	"$1"
	mtime "$f" >/dev/null # the verdict is in
	n=$(($(written) - n))
	((n >= $2 && n <= $3)) || fail "$1: $n bytes were written"
}

mnt
before=$(same "$f")
for way in in_order backwards allocated begun_again opened_twice copied; do
	costs "$way" 0 $((M / 2))
	eq "$way" "$(same "$f")" "$before"
	eq "$way, in the backing" "$(same "$(v f)")" "$before"
	cmp "$f" "$W/bytes"
done

# stored by a mapping
mapped() { tool open 0 "$f" rw,creat -- ftruncate 0 "$size" -- mmap 0 "$size" rw -- store 0 5000 text -- store 0 2000000 more; }
rm "$f"
mapped
cp "$f" "$W/mapped"
before=$(same "$f")
costs mapped 0 $((M / 2))
eq "mapped" "$(same "$f")" "$before"
cmp "$f" "$W/mapped"

# with the mode, and the attributes, of what was written last
rm "$f"
(umask 077 && copied)
rm "$f"
copied
setfattr -n user.one -v 1 "$f"
before=$(same "$f")
rm "$f"
(umask 077 && cp --no-preserve=mode "$W/bytes" "$f")
eq "with another mode" "$(same "$f")" "${before/mode=644/mode=600}"
eq "an attribute of what was removed" "$(getfattr --only-values -n user.one "$f" 2>/dev/null || :)" ""

# durable, it comes back as well; in an audit it does not, and the measure works: that costs
umnt
mnt -o durable
before=$(same "$f")
costs copied 0 $((M / 2))
eq "durable" "$(same "$f")" "${before/mode=600/mode=644}"
umnt
mnt -o audit
before=$(mtime "$f")
costs copied "$((2 * M))" "$((4 * M))"
ne "in an audit" "$(mtime "$f")" "$before"
cmp "$f" "$W/bytes"
