# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What a build has made, to be compared with another. Sourced by real-builds.sh and tools.sh; `left_out` has the names of what
# differs between any two builds, as `find` has them.

# all DIR: every name below it with its kind, mode, target and bytes. Times and inodes are not outputs.
all() {
	local name leave=(-name .git)
	# shellcheck disable=SC2154
	for name in "${left_out[@]}"; do
		leave+=(-o -name "$name")
	done
	(cd "$1" && find . \( "${leave[@]}" \) -prune -o -printf '%p %y %m %l\n' | LC_ALL=C sort &&
		find . \( "${leave[@]}" \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum)
}

same() { # A B
	local differences
	differences=$(diff <(all "$1") <(all "$2") | head -n 20) || :
	[[ -z "$differences" ]] || { echo "$differences" && return 1; }
}

# no_more COUNTS THAN: compiled and linked; what comes out the same may be made again and again (see the README's limits)
no_more() {
	local a b i
	read -ra a <<<"$1"
	read -ra b <<<"$2"
	for i in 0 1; do
		((a[i] <= b[i])) || return 1
	done
}
