#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: ... nor while git is at it: a rebase that writes what was there before, and changes that again, goes on, for as
# long as it runs all is as it was told. Its old mtime (P7) comes back afterwards.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/git.bash"

mkdir "$B/repo"
cd "$B/repo"
git init -q .
echo f >f
echo g >g
git add . && git commit -q -m main
git checkout -q -b other
echo other >o
git add . && git commit -q -m other
git checkout -q -b topic main
git rm -q f && echo more >>g && git commit -q -a -m topic
git checkout -q main
touch -d '2020-01-01 UTC' f g
cd "$T"
mnt
cd "$B/repo"
before=$(mtime f) before_g=$(mtime g)
git checkout -q topic
# f comes back with other, and goes again with topic
git rebase -q other || fail "the rebase stopped"
eq "status" "$(git status --porcelain)" ""
# a look at a file that is about to come back, while git is at work: a rebuild, and git goes on
git checkout -q topic~
git rebase -q --onto main other topic -x 'cat g' >"$T/out" || fail "the rebase stopped"
git checkout -q main
eq "f is back" "$(mtime f) $(cat f)" "$before f"
newer "g was looked at" "$(mtime g)" "$before_g"
eq "g is back" "$(cat g)" "g"
# at the end of the mount it comes back if nobody has looked
git checkout -q other~
git checkout -q topic
git checkout -q main
cd "$T"
umnt
eq "f is back in the backing" "$(mtime "$V/repo/f") $(cat "$V/repo/f")" "$before f"
