#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: flock belongs to the file, not to the version: readers and writers of one name exclude each other.
. "${0%/*}/lib.sh"

echo bytes >"$B/f"
mnt
start r
start w
start x
to r open 0 "$B/f" r
to w open 0 "$B/f" rw
to x open 0 "$B/f" r
to w write 0 0 other # by now r and w are on different versions

to r flock 0 sh
to x flock 0 sh nb
eq "exclusive against two readers" "$(to_errno w flock 0 ex nb)" EAGAIN
to x flock 0 un
eq "exclusive against one reader" "$(to_errno w flock 0 ex nb)" EAGAIN
to r flock 0 un
to w flock 0 ex nb
eq "shared against the writer" "$(to_errno r flock 0 sh nb)" EAGAIN

# who waits gets it when it is free, and not before
tell r flock 0 sh
eq "shared while another waits" "$(to_errno x flock 0 sh nb)" EAGAIN
is_silent r || fail "the reader got the lock while the writer held it: $(answer r)"
to w flock 0 un
answer r
eq "exclusive against the reader that waited" "$(to_errno w flock 0 ex nb)" EAGAIN

# an interrupted wait
eq "an interrupted wait" "$(to_errno w flock 0 ex intr)" EINTR
to r flock 0 un
to w flock 0 ex nb # nobody holds what the interrupted one asked for

# the end of a handle frees it, and the end of a session does not
tell x flock 0 sh
eq "still held" "$(to_errno r flock 0 sh nb)" EAGAIN
to w close 0
answer x
to x flock 0 ex nb
eq "held by the reader on the old version" "$(to_errno r flock 0 sh nb)" EAGAIN
to r open 1 "$B/f" r
eq "held against a handle on the new version" "$(to_errno r flock 1 sh nb)" EAGAIN
dies x
to r flock 1 ex nb
to r flock 1 un

# a lock ends with the close of its handle, not some time after it
for ((i = 0; i < 100; i++)); do
	to w open 0 "$B/f" r
	to w flock 0 ex nb
	to w close 0
	eq "after the close of a handle for reading, round $i" "$(to_errno r flock 1 ex nb)" OK
	to r flock 1 un
done
ends r
ends w
