#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: going to other commits and back in git's other ways (several commits, bisect, reset, restore, stash) puts all
# mtimes back.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/branches.bash"

reset() { git reset --hard -q other && git reset --hard -q ORIG_HEAD; }
restore() { git restore -s other . && git restore -s main . && git clean -qfd; }
walk() { git checkout -q other && git checkout -q last && git checkout -q other && git checkout -q main; }
bisect() { git bisect start last main && git bisect good && git bisect reset && git checkout -q main; }
stash() { git stash && git stash pop; }
stash_all() { git stash -u && git checkout -q other && git checkout -q - && git stash pop --index; }

repository
mnt
cd "$B"
begin
back "reset --hard" reset
back "restore" restore
back "a walk" walk
back "bisect" bisect
echo changed >>changed3.c
echo changed >>same4.c
rm gone1.c
write untracked.c
git add same4.c
begin
back "stash" stash
back "stash -u" stash_all
cd "$T"
