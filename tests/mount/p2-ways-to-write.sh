#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: by whatever call the same bytes are written, they leave no trace; and other bytes are what was written.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3

# a hole, an odd end, more than one request
pattern 300000 same >"$W/same"
truncate -s 700000 "$W/same"
pattern 60001 end >>"$W/same"
tr a-z A-Z <"$W/same" >"$W/other"
cp --sparse=always "$W/same" "$W/other" "$B"
cp "$W/same" "$B/f"
cat >"$T/ways.py" <<'EOF'
import ctypes, errno, mmap, os, struct, sys

PIECE = 50000  # no multiple of a page

def trunc(path):
    return os.open(path, os.O_WRONLY | os.O_TRUNC)

def pieces(data):
    return [(i, data[i : i + PIECE]) for i in range(0, len(data), PIECE)]

def sendfile(path, source, data):
    i, o = os.open(source, os.O_RDONLY), trunc(path)
    while os.sendfile(o, i, None, 70001):
        pass

def splice(path, source, data):
    i, o = os.open(source, os.O_RDONLY), trunc(path)
    r, w = os.pipe()
    while n := os.splice(i, w, 40000):
        while n:
            n -= os.splice(r, o, n)

# Between two file systems the kernel may refuse.
def copied(i, o, n, at):
    try:
        return os.copy_file_range(i, o, n, at, at)
    except OSError as e:
        assert e.errno == errno.EXDEV
        return os.pwrite(o, os.pread(i, n, at), at)

def copy_file_range(path, source, data):
    i, o, at = os.open(source, os.O_RDONLY), trunc(path), 0
    while n := copied(i, o, 123456, at):
        at += n

def copy_in_place(path, source, data):
    i, o = os.open(source, os.O_RDONLY), os.open(path, os.O_WRONLY)
    at = len(data)
    while at:
        n = min(at, 99999)
        at -= n
        done = 0
        while done < n:
            done += copied(i, o, n - done, at + done)

def vectors(path, source, data):
    o = trunc(path)
    for i, piece in pieces(data):
        assert os.pwritev(o, [piece[:7], piece[7:]], i) == len(piece)

def appended(path, source, data):
    o = trunc(path)
    for i, piece in pieces(data):
        assert os.pwritev(o, [piece], 0, os.RWF_APPEND) == len(piece)

def not_waiting(path, source, data):
    o = trunc(path)
    for i, piece in pieces(data):
        done = 0
        while done < len(piece):
            try:
                done += os.pwritev(o, [piece[done:]], i + done, RWF_NOWAIT)
            except OSError as e:
                assert e.errno in (errno.EAGAIN, errno.EOPNOTSUPP)
                done += os.pwrite(o, piece[done:], i + done)

RWF_NOWAIT = 8

def append_mode(path, source, data):
    o = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_TRUNC)
    for i, piece in pieces(data):
        os.write(o, piece)

def mapped(path, source, data):
    o = os.open(path, os.O_RDWR)
    os.ftruncate(o, len(data))
    m = mmap.mmap(o, len(data))
    for i, piece in reversed(pieces(data)):
        m[i : i + len(piece)] = piece
        m.flush()
    os.close(o)
    m.close()

def beyond(path, source, data):
    o = trunc(path)
    os.ftruncate(o, 2 * len(data))
    for i, piece in reversed(pieces(data)):
        os.pwrite(o, piece, i)
    os.ftruncate(o, len(data))

# Setup, one write at a time, by hand: io_uring_setup(2), io_uring_enter(2).
def io_uring(path, source, data):
    libc = ctypes.CDLL(None, use_errno=True)
    params = ctypes.create_string_buffer(120)
    ring = libc.syscall(425, 4, params)
    if ring < 0:
        assert ctypes.get_errno() in (errno.ENOSYS, errno.EPERM), "io_uring_setup"
        return vectors(path, source, data)
    sq_off, cq_off = struct.unpack_from("10I", params, 40), struct.unpack_from("10I", params, 80)
    sq_entries, cq_entries = struct.unpack_from("2I", params, 0)
    sq = mmap.mmap(ring, sq_off[6] + 4 * sq_entries, offset=0)
    cq = mmap.mmap(ring, cq_off[5] + 16 * cq_entries, offset=0x8000000)
    sqes = mmap.mmap(ring, 64 * sq_entries, offset=0x10000000)
    o = trunc(path)
    def write(piece, at):
        tail = struct.unpack_from("I", sq, sq_off[1])[0]
        slot = tail & struct.unpack_from("I", sq, sq_off[2])[0]
        held = ctypes.create_string_buffer(piece, len(piece))
        sqes[64 * slot : 64 * slot + 64] = struct.pack(
            "BBHiQQIIQ24x", 23, 0, 0, o, at, ctypes.addressof(held), len(piece), 0, 7)
        struct.pack_into("I", sq, sq_off[6] + 4 * slot, slot)
        struct.pack_into("I", sq, sq_off[1], tail + 1)
        assert libc.syscall(426, ring, 1, 1, 1, None, 0) == 1, "io_uring_enter"
        head = struct.unpack_from("I", cq, cq_off[0])[0]
        entry = cq_off[5] + 16 * (head & struct.unpack_from("I", cq, cq_off[2])[0])
        struct.pack_into("I", cq, cq_off[0], head + 1)
        return struct.unpack_from("i", cq, entry + 8)[0]
    for i, piece in pieces(data):
        done = 0
        while done < len(piece):
            n = write(piece[done:], i + done)
            assert n > 0, f"io_uring write: {n}"
            done += n

ways = (sendfile, splice, copy_file_range, copy_in_place, vectors, appended, not_waiting, append_mode,
    mapped, beyond, io_uring)
print(*(way.__name__ for way in ways))
# each in a process of its own
for line in sys.stdin:
    name, path, source = line.split()
    pid = os.fork()
    if pid == 0:
        globals()[name](path, source, open(source, "rb").read())
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
EOF
coproc python { python3 -u "$T/ways.py"; }
IFS= read -r -t 30 -u "${python[0]}" ways
by() {
	local status
	if [[ "$1" == cp-* ]]; then
		cp "--${1#cp-}" "$3" "$2"
		return
	fi
	echo "$@" >&"${python[1]}"
	IFS= read -r -t 30 -u "${python[0]}" status || fail "no answer for $*"
	eq "status of $*" "$status" 0
}
mnt
now=same next=other
for way in cp-reflink=auto cp-sparse=always $ways; do
	before=$(trace "$(v f)")
	by "$way" "$B/f" "$B/$now"
	by "$way" "$B/f" "$W/$now"
	eq "$way: the same" "$(seen "$B/f")" "$(sed 's/ blocks=[0-9]*//' <<<"$before")"
	eq "$way: in the backing" "$(trace "$V/f")" "$before"
	by "$way" "$B/f" "$B/$next"
	ne "$way: others" "$(trace "$(v f)")" "$before"
	cmp "$V/f" "$W/$next"
	before=$now now=$next next=$before
done
kill "$python_PID"

# appended by several, who keep it open and who open it each time; sizes that a write makes cross pages
: >"$B/lines"
for who in 1 2 3; do
	(for ((i = 0; i < 100; i++)); do printf '%d %0*d\n' $who $((i * 7 % 500 + 1)) $i; done >>"$B/lines") &
	(for ((i = 0; i < 20; i++)); do printf '%d %0*d\n' 1$who $((i * 7 % 500 + 1)) $i >>"$B/lines"; done) &
done
wait $(jobs -p)
eq "lines" "$(awk '{ print $1, $2 + 0 }' "$(v lines)" | sort -n -k 1,1 -k 2,2 | sha256sum)" \
	"$(for who in 1 2 3; do for ((i = 0; i < 100; i++)); do echo $who $i; done; done |
		cat - <(for who in 11 12 13; do for ((i = 0; i < 20; i++)); do echo $who $i; done; done) |
		sort -n -k 1,1 -k 2,2 | sha256sum)"
