# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completes the command line of lklfs in bash, also where this is just sourced: nothing of the package bash-completion
# is used. No mount is touched, for a dead or a silent one would hold the shell up.

# _lklfs_words: the words up to the cursor, in $words, the last one being completed, and that without what readline
# takes for words of their own, in $skipped. bash has cut at each = and :, we put together what no blank divides.
_lklfs_words() {
	local line=${COMP_LINE:0:${COMP_POINT:-${#COMP_LINE}}} blanks word i
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		blanks=${line%%[![:blank:]]*}
		line=${line#"$blanks"}
		word=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || word=$line
		line=${line#"$word"}
		if ((i == 0)) || [[ -n $blanks ]]; then
			words+=("$word")
		else
			words[-1]+=$word
		fi
	done
	skipped=
	[[ $COMP_WORDBREAKS != *=* || ${words[-1]} != *[=:]* ]] || skipped=${words[-1]%"${words[-1]##*[=:]}"}
}

# _lklfs_reply CURRENT CANDIDATE...: those that begin so, as readline wants them
_lklfs_reply() {
	local current=$1 candidate
	shift
	for candidate; do
		[[ $candidate != "$current"* || $candidate == "$skipped" ]] || COMPREPLY+=("${candidate#"$skipped"}")
	done
}

# _lklfs_list LIST BEFORE: the last option of a list of -o; BEFORE is what is in front of the list in the same word
_lklfs_list() {
	local before=$2 last=${1##*,}
	before+=${1%"$last"}
	local all=(
		entry_timeout=3600 attr_timeout=3600 negative_timeout=3600 keep=65536 keep_bytes=1G
		durable converge posix_locks always=none drivers=+ journal= fsname=
		allow_other ro noexec
	)
	# a value only when it is its turn
	[[ $last == *=* ]] || all=("${all[@]/%=*/=}")
	compopt -o nospace 2>/dev/null
	_lklfs_reply "$before$last" "${all[@]/#/$before}"
}

# _lklfs_mounts CURRENT: where lklfs is mounted, written as CURRENT begins
_lklfs_mounts() {
	local current=${1//\\/} start='' above dir fields
	current=${current#[\"\']}
	[[ $current != */* ]] || start=${current%/*}/
	above=$(CDPATH='' && cd -- "${start:-.}" 2>/dev/null && pwd -P) || return
	compopt -o filenames 2>/dev/null
	while read -r -a fields; do
		[[ "${fields[*]}" == *' - fuse.lklfs '* ]] || continue
		# blanks and the like stand there as octal digits
		# shellcheck disable=SC2059
		printf -v dir "${fields[4]//%/%%}"
		if [[ $dir == "${above%/}"/* ]]; then
			_lklfs_reply "$current" "$start${dir#"${above%/}"/}"
		elif [[ -z $current ]]; then
			_lklfs_reply "" "$dir"
		fi
	done </proc/self/mountinfo
}

# _lklfs_names KIND CURRENT: as compgen finds them: -d directories, -f files, -c commands
_lklfs_names() {
	local name
	compopt -o filenames 2>/dev/null
	while IFS= read -r name; do
		COMPREPLY+=("${name#"$skipped"}")
	done < <(compgen "$1" -- "$2")
}

_lklfs() {
	local words skipped command=mount first=1 dashes=0 current previous options i
	_lklfs_words
	COMPREPLY=()
	current=${words[-1]} previous=${words[-2]}
	if ((${#words[@]} > 2)); then
		case ${words[1]} in
		mount | run | umount | status | report) command=${words[1]} first=2 ;;
		esac
	fi
	for ((i = first; i < ${#words[@]} - 1 && dashes == 0; i++)); do
		[[ ${words[i]} != -- ]] || dashes=$i
	done
	case $command in
	mount) options=(-d --debug --log= --mkdir -o --options= -f --foreground) ;;
	run) options=(-d --debug --log= --mkdir -o --options= --or-plain) ;;
	umount) options=(-f --force --timeout=) ;;
	status) options=(--json) ;;
	report) options=(--json --why=) ;;
	esac
	options+=(-h --help -V --version)

	if ((dashes)) && [[ $command == run ]]; then
		if ((dashes == ${#words[@]} - 2)); then
			_lklfs_names -c "$current"
		else
			_lklfs_names -f "$current"
		fi
		return
	fi
	if ((dashes == 0)); then
		case $command:$previous in
		mount:-o | mount:--options | run:-o | run:--options)
			_lklfs_list "$current" ''
			return
			;;
		mount:--log | run:--log | report:--why)
			_lklfs_names -f "$current"
			return
			;;
		umount:--timeout) return ;;
		esac
		case $command:$current in
		mount:--options=* | run:--options=*)
			_lklfs_list "${current#*=}" --options=
			return
			;;
		mount:-o* | run:-o*)
			_lklfs_list "${current#-o}" -o
			return
			;;
		mount:--log=* | run:--log=* | report:--why=*)
			_lklfs_names -f "${current#*=}"
			return
			;;
		*:-*)
			_lklfs_reply "$current" "${options[@]}"
			[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
			return
			;;
		esac
		if ((${#words[@]} == 2)); then
			_lklfs_reply "$current" mount run umount status report
		fi
	fi
	case $command in
	mount | run) _lklfs_names -d "$current" ;;
	umount | status) _lklfs_mounts "$current" ;;
	report) _lklfs_names -f "$current" ;;
	esac
}

complete -F _lklfs lklfs
