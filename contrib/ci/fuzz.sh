#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Draws bytes by lot for what takes bytes apart, and for sequences of requests, with libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer: see tests/fuzz/.
#
#   contrib/ci/fuzz.sh [SECONDS [TARGET...]]
#
# SECONDS (600) are for each TARGET (all there are). Needs clang with its runtime (libclang-rt-14-dev), and nothing else;
# requests are best run as root, for other owners to be tried. Builds in $FUZZ_BUILD (build-fuzz), and keeps there what
# has been found to be worth keeping (fuzz/TARGET), beside what is in tests/fuzz/corpus, and what makes a target fail
# (fuzz/TARGET-crash-...): `build-fuzz/tests/fuzz/fuzz-TARGET FILE` shows that again, and with FUZZ_TRACE=1 which
# requests it comes to. FUZZ_MERGE=1 puts what adds to the coverage into the source tree.
#
# The last line is `N passed, N failed, N skipped`, where each TARGET counts as one; exit status: 0 nothing failed, 1
# something did, 2 it cannot be built.

set -uo pipefail

top=$(realpath "${BASH_SOURCE[0]%/*}/../..")
build=$(realpath -m "${FUZZ_BUILD:-$top/build-fuzz}")
seconds=${1:-600}
shift $(($# > 0))
(($#)) || set -- options globs mounts proc journal hidden requests
n_passed=0 n_failed=0

export CC=clang G_SLICE=always-malloc UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
again=()
[[ ! -e "$build/build.ninja" ]] || again=(--reconfigure)
meson setup "${again[@]}" "$build" "$top" -Db_sanitize=address,undefined -Db_lundef=false \
	-Dc_args=-fsanitize=fuzzer-no-link && ninja -C "$build" "${@/#/tests/fuzz/fuzz-}" || exit 2

# What requests work on is best held in memory.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

for target; do
	program=$build/tests/fuzz/fuzz-$target corpus=$top/tests/fuzz/corpus/$target found=$build/fuzz/$target
	mkdir -p "$found"
	options=(-max_len=600 -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$found-")
	if (cd "$scratch" && "$program" "${options[@]}" -max_total_time="$seconds" "$found" "$corpus") >"$found.log" 2>&1; then
		echo "ok    $target: $(grep -o 'cov: [0-9]*' "$found.log" | tail -n 1)," \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs"
		n_passed=$((n_passed + 1))
		if [[ "${FUZZ_MERGE:-}" == 1 ]]; then
			(cd "$scratch" && "$program" -merge=1 "$corpus" "$found") >>"$found.log" 2>&1
		fi
	else
		echo "FAIL  $target: $(grep -E '^SUMMARY|^ERROR|runtime error' "$found.log" | head -n 1); see $found.log"
		n_failed=$((n_failed + 1))
	fi
done
echo "$n_passed passed, $n_failed failed, 0 skipped"
((n_failed == 0 && n_passed > 0))
