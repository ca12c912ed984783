#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12 and P14: two names of one file are written at once. Bytes that equalled what was exposed when they were
# written, and were exposed over by the other name since, are not lost.
# BACKINGS: all
. "${0%/*}/lib.sh"
need python3

printf YYYYYYYY >"$B/a"
ln "$B/a" "$B/b"
mnt
python3 - "$B" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
a = os.open(sys.argv[1] + "/a", os.O_WRONLY)
os.pwrite(a, b"YYYYYYYY", 0)
# the kernel hands it over now, while the session goes on
libc.sync_file_range(a, ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(7))
b = os.open(sys.argv[1] + "/b", os.O_WRONLY)
os.pwrite(b, b"ZZZZZZZZ", 0)
os.close(b)
assert open(sys.argv[1] + "/b").read() == "ZZZZZZZZ", "the other name's write"
os.close(a)
END
eq "what was closed last" "$(cat "$B/a")" YYYYYYYY
eq "by the other name" "$(cat "$B/b")" YYYYYYYY
eq "in the backing" "$(cat "$V/a" "$V/b")" YYYYYYYYYYYYYYYY
