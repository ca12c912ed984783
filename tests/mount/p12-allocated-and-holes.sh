#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: room that is allocated, holes that are punched, and what lseek finds of them, are as in the backing; P2: to allocate
# what is written again with the same bytes leaves no trace.
# BACKINGS: xfs btrfs overlayfs
. "${0%/*}/lib.sh"
not_over bindfs "makes no holes"
need fallocate python3

# py LINE...: a program that has the file $f; prints what it prints, or the name of the error it ends with
py() {
	python3 - "$f" "$@" <<'END'
import errno, os, sys
f = sys.argv[1]
try:
    exec("\n".join(sys.argv[2:]))
except OSError as error:
    print(errno.errorcode[error.errno])
END
}
# same WHAT: both files have the same bytes
same() {
	cmp "$B/f" "$W/f" || fail "$1: bytes differ"
}
n_blocks() { stat -c %b "$B/f"; }
# both WHAT LINE...: the same in the mount and beside it prints the same, and leaves the same
both() {
	local f what=$1 got
	shift
	f=$B/f
	got=$(py "$@")
	f=$W/f
	eq "$what" "$got" "$(py "$@")"
	same "$what"
}

mnt
both "a new file" 'd = os.open(f, os.O_RDWR | os.O_CREAT)' 'os.posix_fallocate(d, 0, 300000)' 'print(os.read(d, 300000) == bytes(300000))'
eq "blocks of a new file" "$(n_blocks)" "$(stat -c %b "$W/f")"
both "more room" 'd = os.open(f, os.O_RDWR)' 'os.write(d, b"x" * 300000)' 'os.posix_fallocate(d, 200000, 300000)'
n=$(n_blocks)
for name in "$B/f" "$W/f"; do
	fallocate --punch-hole --offset 8192 --length 16384 "$name"
done
same "a hole"
(($(n_blocks) <= n - 32)) || fail "a hole of 16 KiB: $(n_blocks) blocks, $n before"
# (What xfs says of room that has not been written depends on when the rest of the file was.)
offsets="0, 8191, 8192, 20000, 30000, 499999"
over xfs && offsets="0, 8191, 8192, 20000"
both "what lseek finds" 'd = os.open(f, os.O_RDONLY)' 'for w in os.SEEK_DATA, os.SEEK_HOLE:' " for o in $offsets: print(os.lseek(d, o, w))"
both "behind the end" 'd = os.open(f, os.O_RDONLY)' 'os.lseek(d, 500000, os.SEEK_DATA)'
both "more than there is" 'd = os.open(f, os.O_RDWR)' 'os.posix_fallocate(d, 0, 1 << 60)'
both "a handle that cannot write" 'd = os.open(f, os.O_RDONLY)' 'os.posix_fallocate(d, 0, 1000000)'
for name in "$B/f" "$W/f"; do
	status=0
	fallocate --keep-size --offset 500000 --length 1000000 "$name" || status=$?
	eq "kept size" "$status" 0
done
eq "size that was to stay" "$(stat -c %s "$B/f")" 500000

# What has been written is data, wherever it still is.
f=$B/sparse
eq "data that is being written" "$(py 'd = os.open(f, os.O_RDWR | os.O_CREAT)' 'os.pwrite(d, b"x", 1 << 20)' \
	'print(os.lseek(d, 0, os.SEEK_DATA) <= 1 << 20, os.lseek(d, 1 << 20, os.SEEK_DATA) == 1 << 20)')" "True True"
eq "data that is being written again" "$(py 'd = os.open(f, os.O_RDWR)' 'os.pwrite(d, b"y", 2 << 20)' \
	'print(os.lseek(d, (1 << 20) + 4096, os.SEEK_DATA) <= 2 << 20, os.lseek(d, 2 << 20, os.SEEK_DATA) == 2 << 20)')" "True True"

f=$B/again
py 'open(f, "w").write("x" * 300000)'
last=$(mtime "$f")
# as some linkers write
rewrite=('d = os.open(f, os.O_RDWR | os.O_TRUNC)' 'os.posix_fallocate(d, 0, 300000)' 'os.write(d, b"x" * 300000)')
py "${rewrite[@]}"
eq "mtime after the same bytes were written to allocated room" "$(mtime "$f")" "$last"
py 'd = os.open(f, os.O_RDWR)' 'os.posix_fallocate(d, 0, 300000)'
eq "mtime after what is there was allocated" "$(mtime "$f")" "$last"
py 'd = os.open(f, os.O_RDWR)' 'os.posix_fallocate(d, 0, 300001)'
newer "mtime after a byte more" "$(mtime "$f")" "$last"
eq "size" "$(stat -c %s "$f")" 300001

# A copy of a range is written like anything else.
f=$B/copy
py 'open(f, "w").write("x" * 300000)'
last=$(mtime "$f")
copy=("s = os.open('$B/again', os.O_RDONLY)" 'd = os.open(f, os.O_RDWR | os.O_TRUNC)' 'n = 0' 'while n < 300000: n += os.copy_file_range(s, d, 300000 - n)')
py "${copy[@]}"
eq "mtime after a range with the same bytes was copied" "$(mtime "$f")" "$last"
cmp -n 300000 "$f" "$B/again"
umnt
eq "bytes in the end" "$(stat -c %s "$(v copy)" "$(v again)" | tr '\n' ' ')" "300000 300001 "
cmp -n 300000 "$(v copy)" "$(v again)"
