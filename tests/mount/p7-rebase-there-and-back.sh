#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: a rebase that ends where it began puts all mtimes back, if nobody but git has looked in between; the next make does
# nothing.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/branches.bash"

# two commits on top of main, and one more that does not go with other
topic() {
	git checkout -q -b topic main
	echo one >>same3.c
	git rm -q d-both/same.c
	write topic.c
	git add . && git commit -q -m one
	echo two >>same2.c
	git rm -q same5.c
	write moved5.c
	git add . && git commit -q -m two
	git checkout -q -b clash
	echo here >>changed2.c
	git commit -q -a -m clash
	git checkout -q topic
}
onto() {
	git rebase -q --onto other main topic && git rebase -q --onto main other topic
}
undone() { git rebase -q other && git reset -q --hard ORIG_HEAD; }
forced() { git rebase -q --force-rebase main; }
root() { git rebase -q --root --force-rebase; }
# what the editor makes of the list of commits
swapped() {
	GIT_SEQUENCE_EDITOR='sed -i "1{h;d};2{G}"' git rebase -q -i main &&
		GIT_SEQUENCE_EDITOR='sed -i "1{h;d};2{G}"' git rebase -q -i main
}
reworded() { GIT_SEQUENCE_EDITOR='sed -i "s/^pick/reword/"' git rebase -q -i --force-rebase main; }
aborted() {
	GIT_SEQUENCE_EDITOR='sed -i "1s/^pick/break\npick/"' git rebase -q -i --onto other main && git rebase --abort
}
conflict() {
	! git rebase -q --onto other main clash || return 1
	git rebase --abort && git checkout -q topic
}
picked() { git cherry-pick other && git reset -q --hard HEAD~; }
merged() { git merge -q -s ours --no-commit other && git merge --abort && git merge -q -X theirs other && git reset -q --hard ORIG_HEAD; }

repository
mnt
cd "$B"
topic
begin
back "onto another, and back" onto
back "undone" undone
back "forced" forced
back "interactive, in another order and back" swapped
back "reworded" reworded
back "broken off" aborted
back "a conflict" conflict
back "picked and reset" picked
back "merged and reset" merged
cd "$T"
