#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds lklfs and checks all that is promised, on a Debian 12 machine, as root or through sudo: installs the
# packages that are missing, builds with gcc and clang, runs the unit tests, the mount tests, the race test and
# the model test plain, with AddressSanitizer and UndefinedBehaviorSanitizer, and with ThreadSanitizer.
#
#   contrib/check.sh
#
# The last line says `N passed, N failed, N skipped`; the exit status is 0 only if nothing failed.
# LKLFS_MUST_RUN=1 makes skips failures.

set -uo pipefail

packages=(
	meson ninja-build pkg-config gcc libc6-dev clang
	libfuse3-dev fuse3 libglib2.0-dev
	python3 make binutils git mount util-linux e2fsprogs attr acl libcap2-bin strace
)
race_rounds=10000
race_rounds_sanitized=1000
model_operations=50000
model_operations_sanitized=5000
model_seed=20261124 # the same lots each time; tests/model/run.sh without a seed draws others

cd "$(dirname "$0")/.." || exit 1
if ((EUID != 0)); then
	command -v sudo >/dev/null || { echo "check.sh: must be root, or have sudo" >&2 && exit 1; }
	exec sudo --preserve-env=CI,LKLFS_MUST_RUN,TMPDIR "$0" "$@" </dev/null
fi
exec </dev/null
export CI=${CI:-true} LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

n_passed=0 n_failed=0 n_skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# count PASSED FAILED SKIPPED
count() {
	n_passed=$((n_passed + $1)) n_failed=$((n_failed + $2)) n_skipped=$((n_skipped + $3))
}

# check WHAT COMMAND...: one thing that works or does not
check() {
	local what=$1
	shift
	if "$@" >"$log" 2>&1; then
		echo "ok: $what"
		count 1 0 0
	else
		tail -n 60 "$log"
		echo "FAIL: $what"
		count 0 1 0
		return 1
	fi
}

install_packages() {
	local missing=() package
	for package in "${packages[@]}"; do
		[[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] ||
			missing+=("$package")
	done
	((${#missing[@]} > 0)) || return 0
	export DEBIAN_FRONTEND=noninteractive
	apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"
}

# build DIR OPTION...: a build directory that is there is used again
build() {
	local dir=$1 again=()
	shift
	[[ ! -e "$dir/build.ninja" ]] || again=(--reconfigure)
	meson setup "${again[@]}" "$dir" --werror "$@" && ninja -C "$dir"
}

# How a sanitized program is run: gcc 12's ThreadSanitizer finds no room for its shadow among addresses of
# 32 random bits, and does not know the locks under which GLib's slices pass from thread to thread.
under() {
	case $1 in
	plain) shift && "$@" ;;
	asan) shift && G_SLICE=always-malloc UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$@" ;;
	tsan) shift && G_SLICE=always-malloc setarch -R "$@" ;;
	esac
}

# unit HOW DIR: every GLib test case counts. A program that ends badly counts as one failure at least.
unit() {
	local r=0 counts
	under "$1" meson test -C "$2" --no-rebuild --suite unit >"$log" 2>&1 || r=$?
	counts=$(python3 - "$2/meson-logs/testlog.junit.xml" "$r" <<'EOF'
import sys, xml.etree.ElementTree as tree
path, status = sys.argv[1], int(sys.argv[2])
passed = failed = skipped = 0
for case in tree.parse(path).getroot().iter("testcase"):
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        failed += 1
    elif "skipped" in kinds:
        skipped += 1
    else:
        passed += 1
if status != 0 and failed == 0:
    failed = 1
if passed == 0 and failed == 0:
    failed = 1  # nothing was run
print(passed, failed, skipped)
EOF
	) || counts="0 1 0"
	read -r passed failed skipped <<<"$counts"
	if ((failed)); then
		tail -n 60 "$log"
		grep -l -E 'AddressSanitizer|ThreadSanitizer' "$2"/meson-logs/testlog.txt >/dev/null 2>&1 &&
			grep -A 40 -m 1 -E 'Sanitizer' "$2/meson-logs/testlog.txt"
	fi
	echo "unit tests, $1: $passed ok, $failed FAIL, $skipped skip"
	count "$passed" "$failed" "$skipped"
}

# suite WHAT COMMAND...: COMMAND's last line says `N passed, N failed, N skipped`; that line is ours alone
suite() {
	local what=$1 r=0 passed failed skipped
	shift
	"$@" 2>&1 | tee "$log" | grep -v -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'
	r=${PIPESTATUS[0]}
	if [[ "$(tail -n 1 "$log")" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[3]}
	else
		passed=0 failed=1 skipped=0
	fi
	if ((r != 0 && failed == 0)); then failed=1; fi
	if ((passed + failed + skipped == 0)); then failed=1; fi
	echo "$what: $passed ok, $failed FAIL, $skipped skip"
	count "$passed" "$failed" "$skipped"
}

mounts() { # WHAT DIR OPTION...
	local what=$1 dir=$2
	shift 2
	suite "mount tests, $what" tests/run --build-dir "$dir" -j "$(nproc)" "$@"
}

check_format() {
	if [[ "$(clang-format --version 2>/dev/null)" != *"version 14."* ]]; then
		echo "skip: the format (needs clang-format 14)"
		count 0 0 1
		return
	fi
	# shellcheck disable=SC2046
	check "the format" clang-format --dry-run --Werror $(find src include tests -name '*.[ch]')
}

if ! install_packages; then
	echo "FAIL: installing packages"
	count 0 1 0
fi
[[ -e /dev/fuse ]] || modprobe fuse || :

if check "build with gcc" build build; then
	unit plain build
	mounts plain build
	suite "race test, plain" tests/race/run.sh build "$race_rounds"
	suite "model test, plain" tests/model/run.sh build "$model_operations" "$model_seed"
fi
CC=clang check "build with clang" build build-clang
if check "build with AddressSanitizer" build build-asan -Db_sanitize=address,undefined; then
	unit asan build-asan
	mounts AddressSanitizer build-asan
	suite "race test, AddressSanitizer" under asan tests/race/run.sh build-asan "$race_rounds_sanitized"
	suite "model test, AddressSanitizer" under asan tests/model/run.sh build-asan "$model_operations_sanitized" "$model_seed"
fi
if check "build with ThreadSanitizer" build build-tsan -Db_sanitize=thread; then
	unit tsan build-tsan
	mounts ThreadSanitizer build-tsan
	suite "race test, ThreadSanitizer" under tsan tests/race/run.sh build-tsan "$race_rounds_sanitized"
	suite "model test, ThreadSanitizer" under tsan tests/model/run.sh build-tsan "$model_operations_sanitized" "$model_seed"
fi
check_format

echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
((n_failed == 0 && n_passed > 0))
