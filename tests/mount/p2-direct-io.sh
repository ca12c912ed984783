#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: what is written past the kernel's cache (O_DIRECT) is compared like anything else: the same bytes leave no
# trace, others are staged and exposed whole; it goes together with buffered writes, reads and mappings.
. "${0%/*}/lib.sh"
need python3

pattern 1500000 old >"$W/old"
pattern 1500000 new >"$W/new"
cp "$W/old" "$B/f"
cp "$W/old" "$B/odd"
mnt
before=$(trace "$B/f")
# pieces of a page, of several, of the whole; the last one is not a whole block
for piece in 4k 128k 8M; do
	dd if="$W/old" of="$B/f" bs=$piece oflag=direct status=none
	eq "the same, truncated before, by $piece" "$(trace "$B/f")" "$before"
	dd if="$W/old" of="$B/f" bs=$piece oflag=direct conv=notrunc status=none
	eq "the same, in place, by $piece" "$(trace "$B/f")" "$before"
done
eq "in the backing" "$(trace "$(v f)")" "$before"
# by several at once, each its part, half of them buffered
for ((i = 0; i < 20; i++)); do
	flag=()
	((i % 2)) || flag=(oflag=direct)
	dd if="$W/old" of="$B/f" bs=64k skip="$i" seek="$i" count=1 conv=notrunc "${flag[@]}" status=none &
done
wait $(jobs -p)
cmp "$B/f" "$W/old"

start w
to w open 0 "$B/f" rw,direct
to w open 1 "$B/f" rw
to w mmap 1 16384
to w fill 0 4096 4096 a
eq "written directly, by a mapping" "$(to w load 1 4096 1)" a
eq "written directly, buffered" "$(to w read 1 8191 1)" a
to w fill 1 8192 4096 b
eq "written buffered, by a mapping" "$(to w load 1 8192 1)" b
eq "written buffered, directly" "$(to w read 0 8192 4096 | tr -s b)" b
to w store 1 12288 ccc
eq "stored, directly" "$(to w read 0 12288 4096 | cut -c -3)" ccc
eq "a stranger's bytes meanwhile" "$(sum "$B/f")" "$(sum "$W/old")"
eq "a stranger's bytes, read directly" "$(dd if="$B/f" bs=64k iflag=direct status=none | sum /dev/stdin)" "$(sum "$W/old")"
eq "in the backing" "$(trace "$V/f" | sed 's/nlink.*//')" "$(trace "$B/f" | sed 's/nlink.*//')"
to w munmap 1
to w close 0
to w close 1
{
	head -c 4096 "$W/old"
	head -c 4096 /dev/zero | tr '\0' a
	head -c 4096 /dev/zero | tr '\0' b
	printf ccc
	tail -c +12292 "$W/old"
} >"$T/want"
cmp "$B/f" "$T/want"
cmp "$(v f)" "$T/want"

# a new file, appended to, cut, and written beyond its end
to w open 0 "$B/new" rw,creat,append,direct
to w write 0 - "$(printf '%0512d' 1)"
to w write 0 - "$(printf '%0512d' 2)"
has "its size" "$(to w fstat 0)" size=1024
eq "a stranger's look" "$(stat -c %s "$B/new")" 1024
to w ftruncate 0 512
to w open 1 "$B/new" rw,direct
to w fill 1 12288 4096 x
to w close 1
to w close 0
eq "size of the new one" "$(stat -c %s "$(v new)")" 16384
eq "its bytes" "$(tr -d '\0' <"$(v new)" | tr -s 0x)" "01x"
ends w

# other bytes: a new file, whole
was=$(trace "$B/odd")
dd if="$W/new" of="$B/odd" bs=1M oflag=direct status=none
cmp "$(v odd)" "$W/new"
ne "another mtime" "$(trace "$B/odd")" "$was"
# written and back again within one session, by way of a buffer of whole pages
before=$(trace "$B/odd")
python3 - "$B/odd" <<'EOF'
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
was, other = mmap.mmap(-1, 8192), mmap.mmap(-1, 8192)
other[:] = b"z" * 8192
assert os.preadv(fd, [was], 4096) == 8192
assert os.pwritev(fd, [other], 4096) == 8192
assert os.preadv(fd, [other], 4096) == 8192 and other[:] == b"z" * 8192
assert os.pwritev(fd, [was], 4096) == 8192
os.close(fd)
EOF
eq "changed and back" "$(trace "$B/odd")" "$before"
