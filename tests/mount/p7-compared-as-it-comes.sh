#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: what is removed and written again is compared as it comes: nothing is stored as long as nothing differs. Whatever is done to the
# new file before it is closed, it has the bytes that were written, and its old mtime only if these are all of the old ones.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3

pattern 600000 x >"$W/x"
cp "$W/x" "$B/f"
touch -d 2001-01-01 "$B/f"
old=$(stat -c 'ino=%i mtime=%.9Y' "$B/f")
mnt -o keep=4
daemon=$(daemons)

# py LINE...: with f, the path of the file; x, its old bytes; all(fd), which has the kernel hand over what it has; stored(), the blocks of
# the daemon's files without a name; check(bytes), of what is under the name
py() {
	python3 - "$B/f" "$W/x" "$daemon" "$@" <<'END' || fail "$*"
import ctypes, glob, mmap, os, sys
f, x = sys.argv[1], open(sys.argv[2], "rb").read()
y = x[:-1] + b"?"
def all(fd):
    assert ctypes.CDLL(None).sync_file_range(fd, ctypes.c_long(0), ctypes.c_long(0), 7) == 0
def stored():
    files = [os.stat(name) for name in glob.glob(f"/proc/{sys.argv[3]}/fd/*") if os.readlink(name).endswith("(deleted)")]
    return sum(st.st_blocks for st in files)
def put(fd, data, offset=0):
    assert os.pwrite(fd, data, offset) == len(data)
def check(data):
    with open(f, "rb") as file:
        assert file.read() == data, "other bytes"
def new():
    os.unlink(f)
    return os.open(f, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
exec("\n".join(sys.argv[4:]))
END
}
back() { # WHAT LINE...: the file is what it was
	local what=$1
	shift
	py "$@"
	eq "$what" "$(stat -c 'ino=%i mtime=%.9Y' "$(v f)")" "$old"
	cmp "$B/f" "$W/x"
}
# other WHAT BYTES LINE...: it has these bytes (an expression), and is new; and then it is put right again
other() {
	local what=$1 bytes=$2
	shift 2
	py "$@"
	py "check($bytes)"
	newer "$what" "$(mtime "$(v f)")" "${old##*=}"
	cp "$W/x" "$B/f"
	touch -d 2001-01-01 "$B/f"
	old=$(stat -c 'ino=%i mtime=%.9Y' "$(v f)")
}

back "the same" 'd = new()' 'put(d, x)' 'all(d)' 'assert stored() == 0, stored()' \
	'assert os.fstat(d).st_size == len(x)' 'assert os.pread(d, len(x), 0) == x' 'check(x)'
back "from its end" 'd = new()' 'for i in reversed(range(0, len(x), 98304)): put(d, x[i:i + 98304], i); all(d)' \
	'assert stored() == 0, stored()'
back "mapped" 'd = new()' 'os.ftruncate(d, len(x))' 'm = mmap.mmap(d, len(x))' 'm[:] = x' 'm.close()'
back "room for it first" 'd = new()' 'os.posix_fallocate(d, 0, len(x))' 'put(d, x)'
back "with another mode" 'd = new()' 'put(d, x)' 'os.fchmod(d, 0o600)' 'assert os.fstat(d).st_mode & 0o777 == 0o600'
eq "its mode" "$(stat -c %a "$(v f)")" 600
back "cut and written again" 'd = new()' 'put(d, x)' 'all(d)' 'os.ftruncate(d, 1000)' 'put(d, x[1000:], 1000)'
back "twice" 'd = new()' 'put(d, x)' 'os.close(d)' 'd = new()' 'put(d, x)' 'all(d)' 'assert stored() == 0, stored()'

other "the last byte" y 'd = new()' 'put(d, x)' 'all(d)' 'put(d, b"?", len(x) - 1)' 'all(d)' 'assert stored() > 1000' \
	'assert os.pread(d, len(y), 0) == y' 'check(y)'
other "shorter" 'x[:-1]' 'd = new()' 'put(d, x[:-1])'
other "cut" 'x[:300000]' 'd = new()' 'put(d, x)' 'all(d)' 'os.ftruncate(d, 300000)'
other "longer" 'x + b"?"' 'd = new()' 'put(d, x)' 'all(d)' 'put(d, b"?", len(x))'
other "grown" 'x + bytes(5)' 'd = new()' 'put(d, x)' 'all(d)' 'os.ftruncate(d, len(x) + 5)'
other "a hole in it" 'x[:8192] + bytes(8192) + x[16384:]' 'd = new()' 'put(d, x[:8192])' 'put(d, x[16384:], 16384)' 'all(d)' \
	'assert os.pread(d, 9000, 8192) == bytes(8192) + x[16384:17192]'
other "nothing" 'b""' 'd = new()'
py 'd = new()' 'put(d, y)' 'os.fsync(d)' 'check(y)' 'put(d, x)' 'os.close(d)' 'check(x)' # whose mtime depends on who has looked
other "other bytes first" x 'd = new()' 'put(d, y)' 'os.fsync(d)' 'check(y)' 'os.fsync(d)' 'put(d, x)' 'os.utime(d)'
other "exposed in between" x 'd = new()' 'put(d, x[:300000])' 'os.fsync(d)' 'check(x[:300000])' 'put(d, x[300000:], 300000)'
other "times of its own" x 'd = new()' 'put(d, x)' 'os.utime(d, (2e9, 2e9))'
other "no version is left to come back" x 'd = new()' 'put(d, x)' 'all(d)' \
	'for i in range(5): open(f"{f}{i}", "w").write("x"); os.unlink(f"{f}{i}")' 'check(x)'
other "two names" x 'd = new()' 'put(d, x)' 'all(d)' 'os.link(f, f + ".link")' 'assert os.stat(f).st_nlink == 2' \
	'assert open(f + ".link", "rb").read() == x' 'os.unlink(f + ".link")'
other "renamed and back" x 'd = new()' 'put(d, x)' 'os.rename(f, f + ".away")' 'os.rename(f + ".away", f)' 'put(d, x)'
other "removed again" y 'd = new()' 'put(d, x)' 'all(d)' 'e = new()' 'put(e, y)' 'assert os.pread(d, len(x), 0) == x' \
	'put(d, b"?", 5)' 'all(d)' 'assert os.pread(d, 10, 0) == x[:5] + b"?" + x[6:10]'

# What somebody compares with does not come back for another, or it could be written to by a second name.
py 'd = new()' 'put(d, x)' 'all(d)' 'e = new()' 'put(e, x)' 'os.close(e)' 'os.link(f, f + ".link")' 'w = os.open(f, os.O_RDWR)' 'put(w, b"?" * 9)' \
	'os.close(w)' 'check(b"?" * 9 + x[9:])' 'os.posix_fadvise(d, 0, 0, os.POSIX_FADV_DONTNEED)' 'assert os.pread(d, len(x), 0) == x, "other bytes"' 'os.unlink(f + ".link")'
cp "$W/x" "$B/f"
touch -d 2001-01-01 "$B/f"
old=$(stat -c 'ino=%i mtime=%.9Y' "$(v f)")

# somebody has looked meanwhile, and may have acted upon its absence
start w
to w unlink "$B/f"
status=0
cat "$B/f" 2>"$T/err" || status=$?
eq "it is gone" "$status" 1
ends w
other "seen to be gone" x 'd = os.open(f, os.O_RDWR | os.O_CREAT)' 'put(d, x)'

# what is renamed over it is what counts
py 'd = new()' 'put(d, x)' 'all(d)' 'open(f + ".new", "wb").write(y)' 'os.rename(f + ".new", f)' 'check(y)' 'os.close(d)' 'check(y)'

has "status" "$(cat "$B/.lklfs/status")" '"staged":0,'
umnt
eq "left in the backing" "$(strange_names)" ""
eq "at the end" "$(tail -c 1 "$B/f")" '?'
