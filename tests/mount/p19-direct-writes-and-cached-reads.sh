#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: what was written with O_DIRECT is what is read, whoever reads through the kernel's cache meanwhile, and whether it was
# written asynchronously or not.
# AXES: root ext4
. "${0%/*}/lib.sh"
[[ "$(uname -m)" == x86_64 ]] || skip "the numbers of the system calls are those of x86-64"

mnt
python3 -B - "$B/f" 100 <<'EOF' || fail "old bytes were read"
import ctypes, mmap, os, sys, threading

SETUP, GETEVENTS, SUBMIT = 206, 208, 209  # of x86-64
SIZE, PIECE = 160 << 10, 16 << 10
libc = ctypes.CDLL(None, use_errno=True)
path, rounds = sys.argv[1], int(sys.argv[2])


class Iocb(ctypes.Structure):
    _fields_ = [("data", ctypes.c_uint64), ("key", ctypes.c_uint32), ("rw", ctypes.c_int32), ("opcode", ctypes.c_uint16),
                ("priority", ctypes.c_int16), ("fd", ctypes.c_uint32), ("buffer", ctypes.c_uint64), ("size", ctypes.c_uint64),
                ("offset", ctypes.c_int64), ("unused", ctypes.c_uint64), ("flags", ctypes.c_uint32), ("event", ctypes.c_uint32)]


def read_on():
    while not ended.is_set():
        os.pread(cached, SIZE, 0)


context = ctypes.c_ulong(0)
assert libc.syscall(SETUP, 64, ctypes.byref(context)) == 0
with open(path, "wb") as f:
    f.write(bytes(SIZE))
direct = os.open(path, os.O_RDWR | os.O_DIRECT)
cached = os.open(path, os.O_RDWR)
contents = [b"\x55" * SIZE, b"\xaa" * SIZE]
buffers = [mmap.mmap(-1, SIZE) for _ in contents]
for buffer, content in zip(buffers, contents):
    buffer[:] = content
events = ctypes.create_string_buffer(32 * 64)
ended = threading.Event()
readers = [threading.Thread(target=read_on) for _ in range(2)]
for reader in readers:
    reader.start()
n_old = 0
for i in range(rounds):
    address = ctypes.addressof(ctypes.c_char.from_buffer(buffers[i % 2]))
    writes = [Iocb(opcode=1, fd=direct, buffer=address + offset, size=PIECE, offset=offset) for offset in range(0, SIZE, PIECE)]
    pointers = (ctypes.c_void_p * len(writes))(*[ctypes.addressof(write) for write in writes])
    n = ctypes.c_long(len(writes))
    assert libc.syscall(SUBMIT, context, n, pointers) == len(writes)
    assert libc.syscall(GETEVENTS, context, n, n, events, None) == len(writes)
    if os.pread(cached, SIZE, 0) != contents[i % 2]:
        n_old += 1
ended.set()
for reader in readers:
    reader.join()
if n_old:
    sys.exit(f"{n_old} of {rounds} reads")
EOF
