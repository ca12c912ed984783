#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds random graphs with make and ninja on lklfs, edits them, and compares with clean builds: see oracle.py.
#
#   tests/oracle/run.sh BUILD_DIR EDITS [KIND...]
#
# BUILD_DIR holds lklfs; a KIND is make, ninja or ninja-restat. The EDITS of each kind are spread over cases of
# ORACLE_PER_CASE (50), each with a seed of its own from ORACLE_SEED (1) on, in turn on ext4 in a file and on
# tmpfs. As root everything is mounted in a mount namespace of its own; an ordinary user gets a plain directory.
# ORACLE_JOBS cases run at a time (2). ORACLE_BACKINGS names the backings (ext4 tmpfs, or dir); ORACLE_OPTIONS is
# for oracle.py. A case that takes longer than ORACLE_LIMIT seconds (300, and 10 for each of its edits) is ended. With
# LKLFS_MUST_RUN=1 a skip is a failure. A report of a sanitizer, by whichever process, is a failure.

. "${0%/*}/../stress.bash"

if (($# < 2)); then
	usage "$0"
	exit 2
fi
stress_begin "$1" "$0" "$@"

edits=$2
shift 2
here=$(realpath "${BASH_SOURCE[0]%/*}")
if (($#)); then kinds=("$@"); else kinds=(make ninja ninja-restat); fi
if ((EUID == 0)); then backings=(ext4 tmpfs); else backings=(dir); fi
read -r -a backings <<<"${ORACLE_BACKINGS:-${backings[*]}}"
read -r -a options <<<"${ORACLE_OPTIONS:-}"
per_case=${ORACLE_PER_CASE:-50}
first=${ORACLE_SEED:-1}
jobs=${ORACLE_JOBS:-2}

# Process ids of the oracle.py of this run, which outlive the shells that started them.
testers() {
	local dir line
	for dir in /proc/[0-9]*; do
		line=$({ tr '\0' ' ' <"$dir/cmdline"; } 2>/dev/null) || continue
		[[ "$line" == *"/oracle.py "*"--folder $work/"* ]] && echo "${dir#/proc/}"
	done
}

at_exit() {
	local pid
	{ for pid in $(jobs -p); do kill -KILL "$pid"; done && wait; } 2>/dev/null
	for pid in $(testers); do kill -KILL "$pid" 2>/dev/null; done
	stress_clean
}
trap at_exit EXIT
trap 'exit 130' INT TERM

# run_case FS KIND SEED EDITS: says how it went, into $work/said/...
run_case() {
	local folder="$work/$1/$2-$3"
	reports_to "$work/report/$1-$2-$3"
	within "${ORACLE_LIMIT:-$((300 + 10 * $4))}" python3 -B "$here/oracle.py" --lklfs "$lklfs" --folder "$folder" \
		--kind "$2" --seed "$3" --edits "$4" "${options[@]}" </dev/null >"$work/said/$1-$2-$3" 2>&1
	echo $? >"$work/said/$1-$2-$3.status"
}

# tell FS KIND SEED: counts what run_case has said
tell() {
	local name="$1-$2-$3" folder="$work/$1/$2-$3" status
	read -r status <"$work/said/$name.status"
	if [[ -n "$(mounts "$folder")" ]]; then
		echo "it left a mount behind" >>"$work/said/$name"
		status=1
	fi
	if [[ "$status" == 0 ]]; then
		ok "$1 $(cat "$work/said/$name")"
	else
		failed "$1 $2 seed $3 (status $status)"
		indent "$work/said/$name"
	fi
	end_mounts "$folder"
	empty "$folder"
	report=$work/report/$name
	reports "$1 $2 seed $3"
}

usable=()
mkdir "$work/said" "$work/report"
for tool in python3 make ninja ar git; do
	command -v "$tool" >/dev/null || { echo "$tool is missing" >&2 && exit 2; }
done
for fs in "${backings[@]}"; do
	if ((EUID != 0)) && [[ "$fs" != dir ]]; then
		skipped "$fs: needs root"
	elif make_backing "$fs" 768M >"$work/out" 2>&1; then
		usable+=("$fs")
	else
		skipped "$fs: $(tr '\n' ' ' <"$work/out")"
	fi
done

cases=()
n_cases=$(((edits + per_case - 1) / per_case))
for ((i = 0; i < n_cases && ${#usable[@]} > 0; i++)); do
	n=$((i < n_cases - 1 ? per_case : edits - per_case * (n_cases - 1)))
	for kind in "${kinds[@]}"; do
		cases+=("${usable[i % ${#usable[@]}]} $kind $((first + i)) $n")
	done
done

running=()
for case in "${cases[@]}" ""; do
	if [[ -n "$case" ]]; then
		# shellcheck disable=SC2086
		run_case $case &
		running+=("$! $case")
	fi
	while ((${#running[@]} > 0)) && { [[ -z "$case" ]] || ((${#running[@]} >= jobs)); }; do
		# shellcheck disable=SC2046
		wait -n -p ended $(printf '%s\n' "${running[@]}" | cut -d' ' -f1)
		still=()
		for entry in "${running[@]}"; do
			read -r pid fs kind seed n <<<"$entry"
			if [[ "$pid" == "$ended" ]]; then tell "$fs" "$kind" "$seed"; else still+=("$entry"); fi
		done
		running=("${still[@]}")
	done
done

left=$(daemons "$work")
[[ -z "$left" ]] || failed "daemons that have not ended: $left"
stress_end
