#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: a tree may be deeper than a path can be long. What lklfs needs for it does not grow with the depth: neither
# descriptors (also where only 64 may be open) nor stack; and what is far down is swept (P18), and stamped if it gets
# another name (P10).
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3

depth=300 # with names so long that paths have 6,000 bytes
# deep WHAT DIR: to the end of a chain of directories below DIR by relative steps, with a file in each
#   make   makes them         same   rewrites the last file with the same bytes
#   check  reads them         mtime  prints the last file's
#   plant  makes a hidden name in the last, as a dead daemon would have left it
#   swept  checks that it is not there
deep() {
	python3 - "$1" "$2" "$depth" <<'END' || fail "deep $*"
import os, sys
what, fd, depth = sys.argv[1], os.open(sys.argv[2], os.O_RDONLY), int(sys.argv[3])
def write(text, flags=os.O_TRUNC):
    with os.fdopen(os.open("file", flags | os.O_WRONLY, dir_fd=fd), "w") as file:
        file.write(text)
for i in range(depth):
    name = "directory-number-%03d" % i
    if what == "make":
        os.mkdir(name, dir_fd=fd)
    below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
    os.close(fd)
    fd = below
    if what == "make":
        write("bytes %d\n" % i, os.O_CREAT)
    elif what == "check":
        with os.fdopen(os.open("file", os.O_RDONLY, dir_fd=fd)) as file:
            assert file.read() == "bytes %d\n" % i, i
hidden = ".lklfs-stage-99999999-1-1"
if what == "same":
    write("bytes %d\n" % (depth - 1))
elif what == "mtime":
    ns = os.stat("file", dir_fd=fd).st_mtime_ns
    print("%d.%09d" % (ns // 10**9, ns % 10**9))
elif what == "plant":
    os.close(os.open(hidden, os.O_CREAT | os.O_WRONLY, dir_fd=fd))
elif what == "swept":
    assert hidden not in os.listdir(fd)
END
}
few_descriptors() { # LIMIT
	local n
	n=$(find "/proc/$(daemons)/fd" -mindepth 1 | wc -l)
	((n <= $1)) || fail "the daemon has $n descriptors open"
}
in_the_mount() { # LIMIT
	local before
	deep check "$B/top"
	deep same "$B/top"
	before=$(deep mtime "$B/top")
	mv "$B/top" "$B/moved"
	deep check "$B/moved"
	newer "the deepest, which was kept, after the renaming of the uppermost" "$(deep mtime "$B/moved")" "$before"
	mv "$B/moved" "$B/top"
	few_descriptors "$1"
}

mnt
mkdir "$B/top"
deep make "$B/top"
eq "find" "$(find "$B/top" -type f | wc -l)" "$depth"
remount
in_the_mount 220
umnt
deep plant "$B/top"
(ulimit -n 64 && mnt)
deep swept "$B/top"
in_the_mount 64
rm -rf "$B/top"
eq "what is left" "$(ls -A "$B")" ""
