# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The lists of exceptions (*.allow), and what a run has come to: common.bash has it, and tests/unit/judge.py tries it.

# allowed FILE: the tests that a list of exceptions names, one a line. Its lines are `TEST [NUMBERS]: REASON`, where
# numbers are those of cases within the test, with commas.
allowed() {
	sed -e '/^#/d' -e 's/:.*//' "$1" | while read -r test numbers; do
		if [[ -z "$numbers" ]]; then
			echo "$test"
		else
			printf "$test %s\n" ${numbers//,/ }
		fi
	done | LC_ALL=C sort
}

# judge WHAT FILE: $work/plain has what passes without lklfs, $work/mount what passes in the mount, $work/ran what was run
# there, all of them sorted. What is lost and not allowed is a failure, and so is what is allowed and passes, or was not run.
judge() {
	local lost=$work/lost
	LC_ALL=C comm -23 "$work/plain" "$work/mount" | LC_ALL=C comm -12 - "$work/ran" >"$lost"
	allowed "$2" >"$work/allowed"
	echo "$1: $(wc -l <"$work/plain") pass on the backing, $(LC_ALL=C comm -12 "$work/plain" "$work/mount" | wc -l) of them in" \
		"the mount, $(LC_ALL=C comm -12 "$lost" "$work/allowed" | wc -l) cannot"
	LC_ALL=C comm -23 "$lost" "$work/allowed" | sed 's/^/passes on the backing, not in the mount: /'
	LC_ALL=C comm -12 "$work/allowed" "$work/mount" | sed 's/^/is on the list, and passes: /'
	LC_ALL=C comm -23 "$work/allowed" "$work/ran" | sed 's/^/is on the list, and was not run: /'
	[[ -s "$work/plain" && -z "$(LC_ALL=C comm -23 "$lost" "$work/allowed")" &&
		-z "$(LC_ALL=C comm -12 "$work/allowed" "$work/mount")" &&
		-z "$(LC_ALL=C comm -23 "$work/allowed" "$work/ran")" ]]
}
