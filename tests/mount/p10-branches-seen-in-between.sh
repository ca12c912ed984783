#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: what somebody other than git has read, missed or listed on the other branch has a new mtime afterwards, and what
# nobody has seen its old one; make builds what is needed, and no program is stale.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/branches.bash"

repository
mnt
cd "$B"

# The files of main that have another mtime than before; their bytes are the same.
new_times() {
	local sums='^[0-9a-f]\{64\} '
	tree >"$T/after"
	cmp <(grep "$sums" "$T/before") <(grep "$sums" "$T/after") >&2 || fail "other bytes"
	comm -13 <(grep -v "$sums" "$T/before") <(grep -v "$sums" "$T/after") | cut -d' ' -f1 | xargs
}
# between WHAT LOOK WANT...: on the other branch LOOK looks; what is new on the first one is WANT
between() {
	local what=$1 look=$2
	shift 2
	remember
	git checkout -q other
	"$look" >"$T/look" 2>&1
	git checkout -q main
	eq "$what: what is new" "$(new_times)" "$*"
	build >"$T/made"
	eq "$what: what is built" "$(tr ' ' '\n' <"$T/made" | sed '/^prog$/d' | xargs)" \
		"$(printf '%s\n' "$@" | sed -n '/\.c$/p' | xargs)"
	right_program "$what"
	eq "$what: and then" "$(build)" ""
}

build >/dev/null
nobody() { :; }
between "nobody" nobody
# each one another name: read, told of, missed, followed, listed; read by the shell that runs git
each_another() {
	local line
	cat changed1.c turned.c
	stat changed2.c
	read -r line <changed3.c
	test -e changed4.c
	cat gone1.c || :
	readlink was-file.c
	cat swap
	ls d-both d-other
	cat same1.c bit.c
}
between "each another name" each_another \
	changed{1,2,3,4}.c d-both/gone.c gone1.c swap/inside.txt turned.c was-file.c
git_reads() { git grep -h . -- changed1.c; }
missed() {
	stat gone2.c || :
	stat d-main/deep/a.c || : # which tells that there is no d-main at all
}
between "missed" missed d-main/{a,b}.c d-main/deep/{a,b}.c gone2.c
# in the listing of a directory all that is not there was missed, directories too
between "listed" ls d-main/{a,b}.c d-main/deep/{a,b}.c gone{1,2}.c old-name.c
# what git only reads may be in what is made of it
between "git, that reads" git_reads changed1.c
# git is not git if make runs it: what it says may be in a target
printf 'version:\n\tgit diff --quiet main -- changed4.c || echo changed >%s/version\n' "$W" >"$T/version.mk"
by_make() { make -s -f "$T/version.mk"; }
between "git, by make" by_make changed4.c

# a build on each branch on the way: each program is right, and nobody else's is
for branch in other main last other main last main; do
	git checkout -q "$branch"
	build >/dev/null
	right_program "on $branch"
	eq "again on $branch" "$(build)" ""
done
# a build here and there only
git checkout -q other
build >/dev/null
git checkout -q last && git checkout -q other
eq "there and back from other" "$(build)" ""
git checkout -q last && git checkout -q main
ne "other, last, main" "$(build)" ""
right_program "other, last, main"
# nothing is believed of another mount
git checkout -q other
build >/dev/null
cd "$T"
remount
cd "$B"
git checkout -q main
build >/dev/null
right_program "another mount"
cd "$T"
