#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7, P16: that git writes an empty file, or one whose name is a stamp's, is no message: they have their old mtimes back as
# well. If anybody else writes them it is.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/git.bash"
need make

cd "$B"
git init -q .
mkdir dir
: >__init__.py
: >dir/__init__.py
: >filled
echo stamp >stamp-h.in
echo rule >build.ninja
ln -s stamp-h.in stamp-link
git add . && git commit -q -m main
git checkout -q -b other
git rm -q __init__.py dir/__init__.py stamp-link
echo bytes >filled
echo others >stamp-h.in
echo others >build.ninja
git commit -q -a -m other
git checkout -q main
find . -path ./.git -prune -o ! -type d -exec touch -h -d '2020-01-01 UTC' {} +
git update-index -q --refresh
cd "$T"
mnt
cd "$B"
times() { find . -path ./.git -prune -o ! -type d -printf '%P %s %T@\n' | sort; }
before=$(times)
for round in 1 2; do
	git checkout -q other && git checkout -q -
	eq "round $round" "$(times)" "$before"
done
eq "status" "$(git status --porcelain)" ""
# somebody else
for name in __init__.py stamp-h.in build.ninja; do
	time=$(mtime "$name")
	cp "$name" "$T/copy"
	rm "$name"
	cp "$T/copy" "$name"
	newer "$name, by cp" "$(mtime "$name")" "$time"
done
# git, run by make
printf 'all:\n\tgit checkout -q other && git checkout -q main\n' >"$T/Makefile"
make -s -f "$T/Makefile"
newer "by make" "$(mtime dir/__init__.py)" "$(awk '$1 == "dir/__init__.py" { print $3 }' <<<"$before")"
cd "$T"
