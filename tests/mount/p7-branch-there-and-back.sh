#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7, as users of git feel it: another branch and back puts all mtimes back, if nobody but git has looked in between;
# the next make does nothing.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/branches.bash"

there_and_back() { git checkout -q other && git checkout -q -; }
not_quiet() { git checkout other && git checkout -; }
switched() { git switch -q other && git switch -q -; }
detached() { git checkout -q --detach last && git checkout -q main; }
looked_at_by_git() { git checkout -q other && git status && git log -p -1 && git checkout -q -; }

repository
mnt
cd "$B"
begin
back "checkout" there_and_back
back "once more" there_and_back
back "not quiet" not_quiet
back "switch" switched
back "detached" detached
back "git looks, too" looked_at_by_git
# there, and back after the daemon has forgotten all: nothing is stale
git checkout -q other
cd "$T"
remount
cd "$B"
git checkout -q -
ne "make after another mount" "$(build)" ""
right_program "another mount"
cd "$T"
