#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real projects, built at the same path without lklfs and in a mount, and compared byte for byte:
#
#   contrib/ci/real-builds.sh LKLFS [WORK_DIR]
#
# A git clone of this repository (files, index and status), and cJSON from Debian's source package, built with
# CMake and ninja. Needs git, cmake, ninja, gcc, and a deb-src line for apt, or the source package in WORK_DIR.
# The last line says `N passed, N failed, N skipped`.

set -euo pipefail

here=$(realpath "$(dirname "$0")/../..")
lklfs=$(realpath -e "${1:?which lklfs?}")
work=$(realpath -m "${2:-$(mktemp -d)}")
n_passed=0 n_failed=0
export SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
	GIT_CONFIG_VALUE_0='*'

check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@"; then
		echo "ok    $what"
		n_passed=$((n_passed + 1))
	else
		echo "FAIL  $what"
		n_failed=$((n_failed + 1))
	fi
}

# all DIR: every name below it with its kind, mode, target and bytes. Times and inodes are not outputs, nor are the
# logs in which CMake names its random directories.
all() {
	(cd "$1" && find . -name .git -prune -o -name '.ninja_*' -prune -o ! -name 'CMake*.log' -printf '%p %y %m %l\n' | LC_ALL=C sort &&
		find . -name .git -prune -o -name '.ninja_*' -prune -o -type f ! -name 'CMake*.log' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum)
}

same() { # A B
	diff <(all "$1") <(all "$2") | head -n 20 | { ! grep .; }
}

mkdir -p "$work"
cd "$work"

# ---- a git clone ----
rm -rf clone outside
mkdir clone
git clone -q --no-hardlinks "$here" clone/c
mv clone outside
mkdir clone
# What git has noted of the files is what they are, as long as the mount is there: their ctimes are the backing's then.
clone() { git clone -q --no-hardlinks "$here" clone/c && git -C clone/c diff-files --quiet; }
export -f clone
export here
check "git clone: nothing to refresh" "$lklfs" run clone -- bash -c clone
check "git clone: the files" same outside clone
check "git clone: fsck" git -C clone/c fsck --no-progress
check "git clone: status is clean in a mount" \
	"$lklfs" run clone -- sh -c 'test -z "$(git -C clone/c status --porcelain)" && git -C clone/c diff-files --quiet'

# ---- CMake and ninja ----
if ! ls cjson_*.orig.tar.gz >/dev/null 2>&1; then
	apt-get source --download-only cjson >/dev/null
fi
build() {
	cmake -S "$work/src" -B "$work/out" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null && ninja -C "$work/out" >/dev/null
}
export -f build
export work
rm -rf src out outside-out
mkdir src
tar xf cjson_*.orig.tar.gz -C src --strip-components=1
build
mv out outside-out
mkdir out
"$lklfs" run out -- bash -c build
check "CMake and ninja: the outputs" same outside-out out
check "CMake and ninja: its tests in a mount" "$lklfs" run out -- sh -c 'cd out && ctest -Q'
ran=$("$lklfs" run out -- ninja -C out | grep -c '^\[' || :)
check "CMake and ninja: nothing to do the second time" test "$ran" = 0

echo "$n_passed passed, $n_failed failed, 0 skipped"
((n_failed == 0))
