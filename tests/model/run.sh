#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the model test on lklfs: many sequences of operations drawn by lot, on each kind of backing.
#
#   tests/model/run.sh BUILD_DIR OPERATIONS [SEED]
#
# BUILD_DIR holds lklfs and tests/model. The operations are divided among ten cases with seeds of their own,
# half of them over ext4 in a file, half over tmpfs, two with always=none, one with keep=0. As root everything is
# mounted in a mount namespace of its own; an ordinary user gets a plain directory. MODEL_BACKINGS names the
# backings (ext4 tmpfs xfs btrfs overlayfs, or dir); MODEL_OPTIONS is for tests/model. A failing sequence is
# shrunk and printed; put into a file, `MODEL_OPTIONS=--replay=FILE tests/model/run.sh BUILD_DIR 1` repeats it. A case
# that takes longer than MODEL_LIMIT seconds (300, and 50 for each 1000 of its operations) is ended.
# With LKLFS_MUST_RUN=1 a skip is a failure. A report of a sanitizer, by whichever process, is a failure.

. "${0%/*}/../stress.bash"

if (($# < 2)); then
	usage "$0"
	exit 2
fi
stress_begin "$1" "$0" "$@"

operations=$2
# Episodes take seeds one after the other, so those of the cases are far apart.
seed=${3:-$((RANDOM << 15 | RANDOM))}
model=$build/tests/model
[[ -x "$model" ]] || { echo "$model is missing" >&2 && exit 2; }
if ((EUID == 0)); then backings=(ext4 tmpfs); else backings=(dir); fi
read -r -a backings <<<"${MODEL_BACKINGS:-${backings[*]}}"
read -r -a options <<<"${MODEL_OPTIONS:-}"
n_cases=10
((operations >= 10 * n_cases)) || n_cases=1
model_limit=${MODEL_LIMIT:-$((300 + operations / n_cases / 20))}

reports_to "$work/report"
trap stress_clean EXIT

# run_case DIR OPTION...: mounts, and unmounts; says what is wrong
run_case() {
	local dir=$1 left r=0
	shift
	within "$model_limit" "$model" --lklfs="$lklfs" "$@" "${options[@]}" "$dir" </dev/null >"$work/out" 2>&1 || r=1
	if (($(n_mounted "$dir") > 0)); then
		echo "it is still mounted"
		r=1
	fi
	left=$(daemons "$work")
	if [[ -n "$left" ]]; then
		echo "a daemon has not ended"
		r=1
	fi
	((r != 0)) || left=$(cd "$dir" && find . -mindepth 1 | head -n 20)
	if ((r == 0)) && [[ -n "$left" ]]; then
		printf 'left in the backing:\n%s\n' "$left"
		r=1
	fi
	if ((r == 0)); then sed -n 's/^ok  *model: //p' "$work/out"; else cat "$work/out"; fi
	return "$r"
}

for ((i = 0; i < ${#backings[@]}; i++)); do
	fs=${backings[i]}
	dir=$work/$fs/mnt
	if ((EUID != 0)) && [[ "$fs" != dir ]]; then
		skipped "$fs: needs root"
		continue
	fi
	if ! { make_backing "$fs" 256M && mkdir "$dir"; } >"$work/out" 2>&1; then
		skipped "$fs: $(tr '\n' ' ' <"$work/out")"
		continue
	fi
	for ((case = i; case < n_cases; case += ${#backings[@]})); do
		arguments=(--seed=$((seed + case * 100000)) --operations=$((operations / n_cases)))
		how=
		if ((case % 5 == 4)); then arguments+=(--always-none) how="always=none, "; fi
		if ((case == 7)); then arguments+=(--no-keep) how="keep=0, "; fi
		if run_case "$dir" "${arguments[@]}" >"$work/said"; then
			ok "$fs $how$(cat "$work/said")"
		else
			failed "$fs ${how}seed $((seed + case * 100000))"
			indent "$work/said"
			end_mounts "$work"
			empty "$dir"
		fi
		reports "$fs seed $((seed + case * 100000))"
	done
done

stress_end
