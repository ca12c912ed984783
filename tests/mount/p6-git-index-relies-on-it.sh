#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: ... for git's index relies on that: nothing looks modified right after an add, a commit or a checkout.
. "${0%/*}/lib.sh"
. "${0%/*}/git.bash"

mkdir "$B/repo"
mnt
cd "$B/repo"
git init -q .
for ((i = 0; i < 30; i++)); do
	echo "file $i" >"file$i"
done
git add .
# diff-files looks at the index as it is, without a refresh
eq "modified after add" "$(git diff-files)" ""
git commit -q -m one
eq "modified after commit" "$(git diff-files)" ""
git checkout -q -b other
for ((i = 0; i < 10; i++)); do
	echo "other $i" >"file$i"
done
git commit -q -a -m two
git checkout -q main
eq "modified after checkout" "$(git diff-files)" ""
eq "bytes after checkout" "$(cat file3)" "file 3"
# Where P7 puts an older mtime back git does not know of it: it reads such a file once.
git checkout -q other
eq "status after checkout back" "$(git status --porcelain)" ""
eq "modified after status" "$(git diff-files)" ""
git checkout -q main
cat file? >"$T/read"
git checkout -q other
eq "modified after checkout back, as somebody has read" "$(git diff-files)" ""
if [[ $AXIS_USER == root ]]; then
	echo 2 >/proc/sys/vm/drop_caches
	eq "modified after the kernel forgot" "$(git diff-files)" ""
fi
git gc -q
git fsck --no-progress
eq "status" "$(git status --porcelain)" ""
cd "$T"
remount
eq "status in the next mount" "$(git -C "$B/repo" status --porcelain)" ""
