#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: ... after another branch and back the first git status reads each file that has its old mtime back (P7) once at
# most, the second opens none. Files that git has not written are opened by neither.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/branches.bash"
need strace

# opened COMMAND...: the files of the tree that it opens, each as often as it does
opened() {
	strace -f -qq -e trace=open,openat,openat2 -e signal=none -o "$T/opens" "$@" >"$T/git.out"
	sed -n -e '/= -1 /d' -e '/O_DIRECTORY/d' -e 's/.*open[a-z0-9]*(AT_FDCWD, "\([^"]*\)".*/\1/p' "$T/opens" |
		sed -e "s,^$B/,," -e '/^\//d' -e '/^\.git\//d' | sort
}

# What git writes on the way, and what is there on both branches.
written() { git diff --no-renames --name-only main other -- | sort; }

there_and_back() {
	local n
	git checkout -q other && git checkout -q main
	opened git status --porcelain >"$T/first"
	eq "$1: what status says" "$(cat "$T/git.out")" ""
	opened git status --porcelain >"$T/second"
	eq "$1: what the second says" "$(cat "$T/git.out")" ""
	eq "$1: opened more than once" "$(uniq -d "$T/first")" ""
	eq "$1: opened though git had not written them" "$(comm -23 "$T/first" "$T/written")" ""
	eq "$1: opened by the second" "$(cat "$T/second")" ""
	n=$(wc -l <"$T/first")
	((n >= 5)) || fail "$1: only $n files were read by the first: does this count anything?"
	same_tree "$1"
}

for separate in '' --separate; do
	repository $separate
	mnt
	cd "$B"
	written >"$T/written"
	git status >"$T/out"
	eq "opened before all$separate" "$(opened git status --porcelain)" ""
	remember
	there_and_back "there and back$separate"
	there_and_back "once more$separate"
	build >/dev/null
	git checkout -q other && git checkout -q main
	eq "make in between$separate" "$(build)" ""
	opened git status >"$T/first"
	eq "opened after make$separate" "$(comm -23 "$T/first" "$T/written")" ""
	eq "opened by the second after make$separate" "$(opened git status)" ""
	same_tree "make in between$separate"
	cd "$T"
	umnt
	rm -rf "$B"/{*,.[!.]*} "$W/out"
done
