#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7, P9: 3,000 files that are others on another branch all have their mtimes back after it; where fewer versions are
# remembered than that, those that are forgotten are new, and all have the right bytes.
# AXES: root tmpfs
# TIMEOUT: 180
. "${0%/*}/lib.sh"
. "${0%/*}/git.bash"

dirs=100 # of 30 files each
[[ -z "$SANITIZED" ]] || dirs=20
total=$((dirs * 30))
git config --global gc.auto 0
all_files() { # WORD
	awk -v word="$1" -v dirs="$dirs" 'BEGIN { for (d = 0; d < dirs; d++) for (i = 0; i < 30; i++) print word, d, i >"d" d "/f" i ".c" }'
}
n_old() { find . -name '*.c' -newermt '2019-12-31 UTC' ! -newermt '2020-01-02 UTC' -printf x | wc -c; }
cd "$B"
seq -f d%g 0 $((dirs - 1)) | xargs mkdir
git init -q .
all_files main
git add . && git commit -q -m main
sum_main=$(find . -name '*.c' -print0 | sort -z | xargs -0 cat | sum /dev/stdin)
git checkout -q -b other
all_files other
git commit -q -a -m other
git checkout -q -b few main
git checkout -q other -- d{0..9}
git commit -q -a -m few
git checkout -q main
find . -name '*.c' -exec touch -d '2020-01-01 12:00:00.5 UTC' {} +
git update-index -q --refresh
cd "$T"
mnt
cd "$B"
eq "files" "$(n_old)" "$total"
git checkout -q other && git checkout -q -
eq "with their old mtime" "$(n_old)" "$total"
eq "bytes" "$(find . -name '*.c' -print0 | sort -z | xargs -0 cat | sum /dev/stdin)" "$sum_main"
eq "status" "$(git status --porcelain)" ""
cd "$T"
# 300 of them, and room for 100
remount -o keep=100
cd "$B"
git checkout -q few && git checkout -q -
n=$(n_old)
((n >= total - 300 && n <= total - 200)) || fail "keep=100: $n files have their old mtime"
eq "bytes, with keep=100" "$(find . -name '*.c' -print0 | sort -z | xargs -0 cat | sum /dev/stdin)" "$sum_main"
eq "status, with keep=100" "$(git status --porcelain)" ""
cd "$T"
