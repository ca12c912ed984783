#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: a file made without a name (O_TMPFILE) is nowhere until linkat gives it one; then it is a new name like
# any. If it never gets one, nothing is left of it.
. "${0%/*}/lib.sh"
need python3

# The kernel asks a FUSE file system for such files since Linux 6.1.
[[ "$(printf '%s\n' 6.1 "$(uname -r)" | sort -V | head -n 1)" == 6.1 ]] || skip "this kernel is older than 6.1"

mkdir "$B/d"
mnt
dir=$(trace "$B/d")
start w
start r
to w open 0 "$B/d" rw,tmpfile 640
to w write 0 0 'so\sfar\n'
has "fstat" "$(to w fstat 0)" "size=7"
has "fstat" "$(to w fstat 0)" "mode=640"
has "fstat" "$(to w fstat 0)" "nlink=0"
eq "bytes by the descriptor" "$(to w read 0 0 100)" 'so\sfar\n'
to w open 1 fd:0 r
eq "bytes by a second descriptor" "$(to w read 1 0 100)" 'so\sfar\n'
to w open 2 fd:0 rw
to w write 2 3 'FAR'
eq "bytes after a write through a third" "$(to w read 1 0 100)" 'so\sFAR\n'
to w close 2
eq "names" "$(ls -A "$B/d")" ""
eq "names in the backing" "$(ls -A "$V/d")" ""
to w fsync 0
eq "names after fsync" "$(ls -A "$B/d" "$V/d" | grep -v :)" ""
eq "the directory" "$(trace "$B/d")" "$dir"

# it gets a name, with what has been written so far, while it is being written
to w linkat 0 "$B/d/new"
eq "a stranger's look" "$(stat -c '%s %a %h' "$B/d/new")" "7 640 1"
eq "a stranger's bytes" "$(cat "$B/d/new")" "so FAR"
ne "the directory has moved" "$(mtime "$B/d")" "$(sed 's/.*mtime=\([^ ]*\).*/\1/' <<<"$dir")"
eq "names in the backing before the close" "$(ls -A "$V/d")" ""
to w write 0 7 'and\smore\n'
eq "bytes a little later" "$(tail -n 1 "$B/d/new")" "and more"
eq "a name that is taken" "$(to_errno w linkat 0 "$B/d/new")" EEXIST
to w close 1
ino=$(to w fstat 0)
to w close 0
eq "bytes in the backing" "$(cat "$(v d/new)")" "so FAR
and more"
eq "what fstat said before" "$(tool stat "$B/d/new")" "$ino"
eq "mode in the backing" "$(stat -c %a "$(v d/new)")" 640

# what has a name is not replaced
to w open 0 "$B/d" w,tmpfile
to w write 0 0 other
eq "a name that is taken" "$(to_errno w linkat 0 "$B/d/new")" EEXIST
eq "what has the name" "$(head -n 1 "$B/d/new")" "so FAR"
eq "no name of ours" "$(to_errno w linkat 0 "$B/d/.lklfs-stage-1")" EPERM
# in another directory, and a second name after the first
mkdir "$B/e"
to w linkat 0 "$B/e/one"
to w linkat 0 "$B/e/two"
eq "two names" "$(cat "$B/e/one" "$B/e/two")" otherother
to w close 0
eq "links in the backing" "$(stat -c %h "$(v e/one)" "$(v e/two)")" "2
2"

# written, closed for writing, and given a name by a descriptor for reading
to w open 0 "$B/d" w,tmpfile
to w write 0 0 sealed
to w open 1 fd:0 r
to w close 0
eq "bytes after the last writer's close" "$(to w read 1 0 100)" sealed
has "fstat after it" "$(to w fstat 1)" "size=6"
to w linkat 1 "$B/d/sealed"
eq "bytes under the name" "$(cat "$B/d/sealed")" sealed
eq "in the backing" "$(cat "$(v d/sealed)")" sealed
to w close 1

# O_EXCL: it can never get a name
to w open 0 "$B/d" rw,tmpfile,excl
eq "a name for what may have none" "$(to_errno w linkat 0 "$B/d/x")" ENOENT
to w write 0 0 x
# attributes by descriptor
to w fchmod 0 600
has "the mode" "$(to w fstat 0)" "mode=600"
to w ftruncate 0 1000
has "the size" "$(to w fstat 0)" "size=1000"
to w ftimes 0 5 6
has "the mtime" "$(to w fstat 0)" "mtime=6.0"
to w mmap 0 1000
to w store 0 999 y
to w close 0
eq "a stored byte" "$(to w load 0 999 1)" y
to w munmap 0

# a file that was removed is no such file: it gets no name again
echo x >"$B/d/gone"
to w open 0 "$B/d/gone" rw
rm "$B/d/gone"
eq "a name for what was removed" "$(to_errno w linkat 0 "$B/d/back")" ENOENT
to w close 0
to w open 0 "$B/d/gone" rw,creat
rm "$B/d/gone"
eq "a name for what was removed before its first close" "$(to_errno w linkat 0 "$B/d/back")" ENOENT
to w close 0

# many threads, one directory
python3 - "$B/d" <<'EOF'
import os, sys, threading
top = sys.argv[1]
def make(n):
    for i in range(40):
        fd = os.open(top, os.O_TMPFILE | os.O_RDWR, 0o644)
        os.write(fd, b"%d %d\n" % (n, i))
        # with a directory given, or else Python does not follow the link
        os.link(f"/proc/self/fd/{fd}", f"{top}/t{n}.{i}", src_dir_fd=fd, follow_symlinks=True)
        os.close(fd)
threads = [threading.Thread(target=make, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
EOF
eq "files by threads" "$(cat "$B"/d/t* | sort | sha256sum)" \
	"$(for n in 0 1 2 3; do for ((i = 0; i < 40; i++)); do echo "$n $i"; done; done | sort | sha256sum)"

# never linked: nothing is left after close, unmounting, or the daemon's death
to w open 0 "$B/d" rw,tmpfile
to w fill 0 0 100000 x
to w close 0
until_true "the end of its session" grep -q '"staged":0' "$B/.lklfs/status"
before=$(ls -A "$V" "$V/d")
to w open 0 "$B/d" rw,tmpfile
to w fill 0 0 100000 x
to w fsync 0
to w open 1 "$B/d" rw,tmpfile
to w write 1 0 linked
to w linkat 1 "$B/d/linked"
kill_daemon
eq "what a dead daemon leaves" "$(ls -A "$V" "$V/d")" "$before"
dies w
ends r
mnt
eq "what is there after it" "$(ls -A "$B/d")" "$(ls -A "$V/d")"
