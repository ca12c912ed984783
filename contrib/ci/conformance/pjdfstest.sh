#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pjdfstest on an ext4 and in a mount over it: what passes there has to pass here, case by case.
#
#   contrib/ci/conformance/pjdfstest.sh LKLFS PJDFSTEST_DIR [TEST...]
#
# PJDFSTEST_DIR is a checkout of github.com/pjd/pjdfstest, built there (autoreconf -ifs && ./configure && make pjdfstest); it
# is not written to. TEST is a file or directory below its tests/, say rename/09.t. Needs root, perl's prove and openssl;
# all tests take five minutes, both sides at once.
#
# Mounted with allow_other, for most cases run as ordinary users, and with suid and dev, since the backing has both: else
# device files could not be opened. The tests are told that the file system is ext4 on both sides, so that none is left out
# because of what it is called. What cannot pass is in pjdfstest.allow, with the reason; what is there and passes is a
# failure, too. Cases that the tests themselves expect to fail (TODO) do not count. The last line is `N passed, N failed, N
# skipped`; exit status: 0 nothing failed, 1 something did, 2 called wrongly.

. "${0%/*}/common.bash" "$@"

[[ -x "${2-}/pjdfstest" && -d "$2/tests" ]] || die "no pjdfstest, built: ${2-}"
suite=$work/suite
mkdir -p "$suite"
cp -a "$2/tests" "$2/pjdfstest" "$suite"
echo 'fs=EXT4' >>"$suite/tests/conf"
tests=("${@:3}")
((${#tests[@]})) || tests=('')
backing "$work/fs" 2G
mkdir -m 755 "$work/fs/plain" "$work/fs/mount"
"$lklfs" -o allow_other,suid,dev "$work/fs/mount"

# cases FILE PATTERN: the cases that did so, `TEST NUMBER`
cases() {
	awk -v top="$suite/tests/" -v pattern="$2" '
		index($0, top) == 1 { test = substr($1, length(top) + 1); sub(/^[^ ]+ \.+ */, "") }
		/# TODO/ { next }
		$0 ~ pattern { print test, $1 == "not" ? $3 : $2 }' "$1" | LC_ALL=C sort
}

for side in plain mount; do
	(cd "$work/fs/$side" && prove -rv "${tests[@]/#/$suite/tests/}") >"$work/$side.tap" 2>&1 &
done
wait
for side in plain mount; do
	cases "$work/$side.tap" '^ok ' >"$work/$side"
done
cases "$work/mount.tap" '^(not )?ok ' >"$work/ran"
if ((${#} > 2)); then
	allowed "$here/pjdfstest.allow" | LC_ALL=C comm -12 - "$work/ran" | sed 's/$/:/' >"$work/list"
else
	cp "$here/pjdfstest.allow" "$work/list"
fi
check "pjdfstest" judge pjdfstest "$work/list"
check "as many cases as on the backing" test "$(wc -l <"$work/ran")" = "$(cases "$work/plain.tap" '^(not )?ok ' | wc -l)"
check "the backing is what the mount showed" ends_as_shown "$work/fs/mount"
outcome
