# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# How the scripts beside this one tell what came of it. Sourced.

n_passed=0 n_failed=0 n_skipped=0

# die SENTENCE: called wrongly, or something is missing
die() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	exit 2
}

# check WHAT COMMAND...: one case, which passes if COMMAND does
check() {
	local what=$1
	shift
	if "$@"; then
		echo "ok    $what"
		n_passed=$((n_passed + 1))
	else
		echo "FAIL  $what"
		n_failed=$((n_failed + 1))
		return 1
	fi
}

# skip WHAT WHY
skip() {
	echo "skip  $1: $2"
	n_skipped=$((n_skipped + 1))
}

# outcome: the last line; whether nothing failed, and something was tried
outcome() {
	echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
	((n_failed == 0 && n_passed > 0))
}
