#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds lklfs and checks all that is promised, on a Debian 12 or 13 machine, as root or through sudo: installs the
# packages that are missing, builds with gcc and clang, runs the unit tests, the mount tests, the race test, the
# model test, the oracles and the crowd plain, with AddressSanitizer and UndefinedBehaviorSanitizer, and with ThreadSanitizer.
#
#   contrib/check.sh [NAME...]
#
# NAME is a part of it: plain, clang-build, asan, tsan or format (these by default), or clang, which is what plain is with the
# other compiler, or unit, which is builds with both compilers and the unit tests alone. What is not asked for is not counted.
#
# The last line says `N passed, N failed, N skipped`; the exit status is 0 only if nothing failed.
# LKLFS_MUST_RUN=1 makes skips failures.
#
# The line comes even if something hangs: what takes longer than its limit, or than what is left of CHECK_BUDGET
# seconds (4800) for all, is ended, counts as one failure, and the rest goes on. CHECK_LIMIT=SECONDS is the limit of
# each, to try that.

set -uo pipefail

packages=(
	meson ninja-build cmake pkg-config gcc libc6-dev clang
	libfuse3-dev fuse3 libglib2.0-dev
	python3 python3-docutils make binutils git mount util-linux e2fsprogs xfsprogs btrfs-progs bindfs attr acl libcap2-bin strace
	rsync runc tini fio stress-ng zsh fish
)
race_rounds=7000
race_rounds_sanitized=1000
model_operations=50000
model_operations_sanitized=5000
oracle_edits=200 # of each kind
oracle_edits_sanitized=20
crowd_seconds=30
crowd_seconds_sanitized=5
model_seed=20261124 # the same lots each time; tests/model/run.sh without a seed draws others

cd "$(dirname "$0")/.." || exit 1
(($#)) || set -- plain clang-build asan tsan format
for part; do
	case $part in
	plain | clang | clang-build | unit | asan | tsan | format) ;;
	*) echo "check.sh: there is no part named $part" >&2 && exit 2 ;;
	esac
done
if ((EUID != 0)); then
	command -v sudo >/dev/null || { echo "check.sh: must be root, or have sudo" >&2 && exit 1; }
	exec sudo --preserve-env=CI,CHECK_BUDGET,CHECK_LIMIT,LKLFS_MUST_RUN,TMPDIR "$0" "$@" </dev/null
fi
exec </dev/null
export CI=${CI:-true} LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

n_passed=0 n_failed=0 n_skipped=0
log=$(mktemp) || exit 1
trap 'kill $(jobs -p) 2>/dev/null; rm -f "$log"' EXIT

# How sanitized programs are run: gcc 12's ThreadSanitizer finds no room for its shadow among addresses of
# 32 random bits, and does not know the locks under which GLib's slices pass from thread to thread.
# shellcheck disable=SC2034
{
	plain=()
	asan=(env G_SLICE=always-malloc UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1)
	tsan=(env G_SLICE=always-malloc setarch -R)
}

# within SECONDS COMMAND...: a program, ended with all that it has started if it takes longer; 124 then
within() {
	local limit=${CHECK_LIMIT:-$1} left=$((${CHECK_BUDGET:-4800} - SECONDS))
	shift
	if ((left <= 0)); then
		echo "not begun, for the time is up: $1"
		return 124
	fi
	tests/limit.py $((limit < left ? limit : left)) "$@"
}

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
	timeout -k 10 600 apt-get update && timeout -k 10 1200 apt-get install -y --no-install-recommends "${missing[@]}"
}

# build DIR OPTION...: a build directory that is there is used again
build() {
	local dir=$1 again=()
	shift
	[[ ! -e "$dir/build.ninja" ]] || again=(--reconfigure)
	within 300 meson setup "${again[@]}" "$dir" --werror "$@" && within 900 ninja -C "$dir"
}

# unit WHAT HOW DIR: every GLib test case counts. A program that ends badly counts as one failure at least.
unit() {
	local what=$1 r=0 counts
	local -n under=$2
	shift 2
	rm -f "$1/meson-logs/testlog.junit.xml"
	within 600 "${under[@]}" meson test -C "$1" --no-rebuild --suite unit >"$log" 2>&1 || r=$?
	counts=$(python3 - "$1/meson-logs/testlog.junit.xml" "$r" 2>/dev/null <<'EOF'
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
		grep -l -E 'AddressSanitizer|ThreadSanitizer' "$1"/meson-logs/testlog.txt >/dev/null 2>&1 &&
			grep -A 40 -m 1 -E 'Sanitizer' "$1/meson-logs/testlog.txt"
	fi
	echo "unit tests, $what: $passed ok, $failed FAIL, $skipped skip"
	count "$passed" "$failed" "$skipped"
}

# suite WHAT SECONDS COMMAND...: COMMAND's last line says `N passed, N failed, N skipped`; that line is ours alone.
# It is shown from a file as it comes: a pipe would have to be waited for until nobody holds it any more.
suite() {
	local what=$1 r=0 pid passed failed skipped
	shift
	: >"$log"
	within "$@" >"$log" 2>&1 &
	pid=$!
	tail -n +1 -f --pid="$pid" "$log" | grep --line-buffered -v -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'
	wait "$pid" || r=$?
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

# variant WHAT HOW DIR ROUNDS OPERATIONS EDITS CROWD_SECONDS OPTION...: a build of its own, and all suites with it. A suite
# needs some minutes, and must not take so many that the others do not have theirs.
variant() {
	local what=$1 how=$2 dir=$3 rounds=$4 operations=$5 edits=$6 seconds=$7
	local -n under=$how
	shift 7
	if ! check "build, $what" build "$dir" "$@"; then
		echo "FAIL: unit tests, mount tests, race test, model test, oracles and crowd, $what: not begun"
		count 0 6 0
		return
	fi
	unit "$what" "$how" "$dir"
	suite "mount tests, $what" 1200 tests/run --build-dir "$dir" -j "$(nproc)"
	suite "race test, $what" 900 "${under[@]}" tests/race/run.sh "$dir" "$rounds"
	suite "model test, $what" 900 "${under[@]}" tests/model/run.sh "$dir" "$operations" "$model_seed"
	suite "oracles, $what" 900 "${under[@]}" tests/oracle/run.sh "$dir" "$edits"
	suite "crowd, $what" 600 "${under[@]}" tests/crowd/run.sh "$dir" "$seconds"
}

check_format() {
	if [[ "$(clang-format --version 2>/dev/null)" != *"version 14."* ]]; then
		echo "skip: the format (needs clang-format 14)"
		count 0 0 1
		return
	fi
	# shellcheck disable=SC2046
	check "the format" within 60 clang-format --dry-run --Werror $(find src include tests -name '*.[ch]')
}

if ! install_packages; then
	echo "FAIL: installing packages"
	count 0 1 0
fi
[[ -e /dev/fuse ]] || modprobe fuse || :

for part; do
	case $part in
	plain) variant plain plain build "$race_rounds" "$model_operations" "$oracle_edits" "$crowd_seconds" ;;
	clang) CC=clang variant clang plain build-clang "$race_rounds" "$model_operations" "$oracle_edits" "$crowd_seconds" ;;
	clang-build) CC=clang check "build with clang" build build-clang ;;
	unit)
		check "build, gcc" build build && unit gcc plain build
		CC=clang check "build, clang" build build-clang && unit clang plain build-clang
		;;
	asan)
		variant AddressSanitizer asan build-asan "$race_rounds_sanitized" "$model_operations_sanitized" \
			"$oracle_edits_sanitized" "$crowd_seconds_sanitized" -Db_sanitize=address,undefined
		;;
	tsan)
		variant ThreadSanitizer tsan build-tsan "$race_rounds_sanitized" "$model_operations_sanitized" \
			"$oracle_edits_sanitized" "$crowd_seconds_sanitized" -Db_sanitize=thread
		;;
	format) check_format ;;
	esac
done

echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
((n_failed == 0 && n_passed > 0))
