#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A git clone in a mount is whole and clean, and a branch there and back leaves it so.
. "${0%/*}/lib.sh"
. "${0%/*}/git.bash"

git init -q "$W/origin"
cd "$W/origin"
mkdir -p src/deep
for ((i = 0; i < 60; i++)); do
	pattern $((i * 97)) "$i" >"src/deep/file$i"
done
ln -s deep/file1 src/link
chmod +x src/deep/file2
git add .
git commit -q -m one
git checkout -q -b other
for ((i = 0; i < 60; i += 3)); do
	pattern $((i * 97)) "other$i" >"src/deep/file$i"
done
git rm -q src/deep/file4
git commit -q -a -m two
git checkout -q main
cd "$T"

mnt
git clone -q "$W/origin" "$B/clone"
eq "status" "$(git -C "$B/clone" status --porcelain)" ""
git -C "$B/clone" fsck --no-progress
diff -r --no-dereference -x .git "$W/origin" "$B/clone" >&2 || fail "the clone differs"
git -C "$B/clone" checkout -q other
git -C "$W/origin" checkout -q other
eq "status on the branch" "$(git -C "$B/clone" status --porcelain)" ""
diff -r --no-dereference -x .git "$W/origin" "$B/clone" >&2 || fail "the branch differs"
git -C "$B/clone" checkout -q main
echo more >>"$B/clone/src/deep/file1"
eq "status after a change" "$(git -C "$B/clone" status --porcelain)" " M src/deep/file1"
git -C "$B/clone" commit -q -a -m three
git -C "$B/clone" push -q origin main:pushed
git -C "$B/clone" gc -q
git -C "$B/clone" fsck --no-progress
remount
eq "status in the next mount" "$(git -C "$B/clone" status --porcelain)" ""
git -C "$(v clone)" fsck --no-progress
