#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wall time of a forced build of the Linux Kernel Library in which nothing has changed: with lklfs in TREE, and without
# it in FIXED, a copy of TREE with LKL's own fix applied, in turn. Both have been built.
#
#   tests/bench/lkl.sh TREE FIXED [PAIRS]
#   tests/bench/lkl.sh --clean TREE [PAIRS]
#
# The second builds TREE from scratch instead, without lklfs and with it, in turn: TREE has to be a git checkout, and all
# that git does not know is removed from it before each build. The exit status is 1 if lklfs makes that more than 1.05 times
# as long.
#
# A line for each pair (10, or 3): seconds without lklfs, seconds with it, ratio; then the medians. Idle cores wake slowly on
# many machines, and the sides do not sleep alike: BENCH_AWAKE=1 keeps idle cores awake through /dev/cpu_dma_latency
# (as root), BENCH_SPIN=1 with an idle-priority spinner on each. The scheduler gives such a spinner whole ticks now and
# then, which hits the side that switches more often.
# LKLFS names the program, as for lkl-make. Nothing else should run meanwhile.

set -euo pipefail

if (($# < 2)); then
	sed -n '3,/^$/s/^# \?//p' "$0" >&2
	exit 2
fi
clean=''
if [[ "$1" == --clean ]]; then
	clean=yes tree=$(realpath -e "$2") fixed='' pairs=${3:-3}
	git -C "$tree" rev-parse --is-inside-work-tree >/dev/null
else
	tree=$(realpath -e "$1") fixed=$(realpath -e "$2") pairs=${3:-10}
fi
make=$(realpath "${BASH_SOURCE[0]%/*}/../../contrib/lkl/lkl-make")

if [[ -n "${BENCH_AWAKE:-}" ]]; then
	exec 9<>/dev/cpu_dma_latency
	printf '\0\0\0\0' >&9
fi
spinners=()
if [[ -n "${BENCH_SPIN:-}" ]]; then
	for ((i = 0; i < $(nproc); i++)); do
		chrt --idle 0 bash -c 'while :; do :; done' &
		spinners+=($!)
	done
	trap 'kill "${spinners[@]}"' EXIT
fi

# timed COMMAND...: prints microseconds
timed() {
	local begin=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1 || { echo "lkl.sh: failed: $*" >&2 && return 1; }
	echo $((${EPOCHREALTIME/./} - begin))
}

cleaned() { [[ -z "$clean" ]] || git -C "$tree" clean -dxfq; }

without() {
	if [[ -n "$clean" ]]; then
		timed make -C "$tree/tools/lkl" -j "$(nproc)"
	else
		timed make -C "$fixed/tools/lkl" -j "$(nproc)" -W bin/stat
	fi
}

for ((i = 0; i < pairs; i++)); do
	cleaned
	without=$(without)
	cleaned
	with=$(timed "$make" -C "$tree" -j "$(nproc)")
	echo "$without $with"
done | awk -v bar="${clean:+1.05}" '
	function median(values, n, sorted, i, j, t) {
		for (i = 1; i <= n; i++)
			sorted[i] = values[i]
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && sorted[j] < sorted[j - 1]; j--) {
				t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t
			}
		return (sorted[int((n + 1) / 2)] + sorted[int(n / 2) + 1]) / 2
	}
	{
		a[NR] = $1 / 1e6; b[NR] = $2 / 1e6
		printf "%6.2f s %6.2f s  %.3f\n", a[NR], b[NR], b[NR] / a[NR]
		fflush()
	}
	END {
		x = median(a, NR); y = median(b, NR)
		printf "%6.2f s %6.2f s  %.3f  medians of %d\n", x, y, y / x, NR
		if (bar != "" && y / x > bar) {
			print "more than " bar
			exit 1
		}
	}'
