#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real projects, built at the same path without lklfs and in a mount, and compared byte for byte; then what a second
# build does, without lklfs and with it.
#
#   contrib/ci/real-builds.sh LKLFS [WORK_DIR [PROJECT...]]
#
# A git clone of this repository, and what projects/*.bash beside this file tell of: GNU hello (autotools), cJSON (CMake
# and ninja), fribidi (meson and ninja) and the kernel's `make headers_install`, from Debian's packages. Needs git, gcc,
# make, cmake, ninja, meson and rsync, and apt with a deb-src line, or the packages in WORK_DIR/packages. What is missing
# is skipped. WORK_DIR holds all that is made (default: a temporary directory, removed at the end); PROJECT is git, hello,
# cjson, fribidi or headers (default: all).
#
# A project is a file of functions that work on $src and $out: get (the package into the working directory), unpack
# (into $src), configure, build, tests; described touches what tells how to build, touched the sources; comment and
# change edit one of them. `tools` are the programs it needs, `left_out` the names of what differs between any two
# builds, and `driver` is make or ninja.
#
# Before the last line, `N passed, N failed, N skipped`, comes a table. Its figures are the steps that ran: compiled, linked
# (programs, libraries and archives), others. Exit status: 0 nothing failed, 1 something did, 2 called wrongly.

set -euo pipefail

here=$(realpath "${BASH_SOURCE[0]%/*}")
# shellcheck source=/dev/null
. "$here/outputs.bash"
# shellcheck source=/dev/null
. "$here/outcome.bash"
export SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
	GIT_CONFIG_VALUE_0='*'
unset MAKEFLAGS MAKELEVEL DESTDIR CFLAGS LDFLAGS
umask 022
table=()

# ---- steps of a project ----

# steps HOW FUNCTION...: the project's functions, in a process of their own, `without` lklfs or `with` it
steps() {
	local how=$1 command
	shift
	# shellcheck disable=SC2016
	command=(bash -euo pipefail -c '. "$1"; shift; for step; do "$step"; done' - "$project" "$@")
	[[ "$how" == without ]] || command=("$lklfs" run --mkdir "$out" -- "${command[@]}")
	if ! "${command[@]}" </dev/null >"$log" 2>&1; then
		tail -n 30 "$log"
		return 1
	fi
}

# ran: what the last steps() did, from what make and ninja printed
ran() {
	awk '
		/^  (HOST)?CC |^\[.*(Building|Compiling) C object/ { compiled++; next }
		/^  (HOST|CC)LD |^  AR |^\[.* Linking / { linked++; next }
		/^  [A-Z]+ |^\[[0-9]+\// { others++ }
		END { print compiled + 0, linked + 0, others + 0 }' "$log"
}

# restored HOW: sources and outputs as they were after the first build
restored() {
	rm -rf "$src" "$out"
	cp -a kept/src "$src"
	cp -a "kept/$1" "$out"
}

# second HOW CASE FUNCTION...: a second build after FUNCTIONs; its outputs are left in $out. Counts are in $counts and,
# of one more build, in $next.
second() {
	local how=$1
	restored "$how"
	shift 2
	steps "$how" "$@" build || return
	counts=$(ran)
	cp -a "$out" built
	steps "$how" build || return
	next=$(ran)
	rm -rf "$out"
	mv built "$out"
}

# second_both CASE FUNCTION...: without lklfs and with it
second_both() {
	local case=$1 without without_next
	rm -rf "kept/$case"
	check "$name, $case: a build without lklfs" second without "$@" || return 0
	without=$counts without_next=$next
	mv "$out" "kept/$case"
	check "$name, $case: a build with it" second with "$@" || return 0
	table+=("$name|$case|$without|$counts|$without_next|$next")
	check "$name, $case: the same outputs" same "kept/$case" "$out" || :
	check "$name, $case: no more compiled or linked than without lklfs ($counts; $without)" no_more "$counts" "$without" || :
	case $case,$driver in
	nothing* | configured* | build*)
		check "$name, $case: nothing compiled or linked ($counts)" no_more "$counts" "0 0" || :
		;;
	sources*,make | comment*,make)
		check "$name, $case: nothing linked ($counts)" no_more "$counts" "99999 0" || :
		;;
	esac
}

# clean_after_change: what is left in $out by the case before is what a clean build gives
clean_after_change() {
	mv "$out" kept/changed
	check "$name, a change: a clean build without lklfs" steps without configure build || return 0
	check "$name, a change: the outputs are those of a clean build" same kept/changed "$out" || :
}

# one_project NAME
one_project() {
	local name=$1 project=$here/projects/$1.bash tools=() left_out=() driver='' counts next tool
	local -x src=$work/$1/src out=$work/$1/out
	# shellcheck source=/dev/null
	. "$project"
	for tool in "${tools[@]}"; do
		command -v "$tool" >/dev/null || { skip "$name" "$tool is not installed" && return; }
	done
	(cd packages && get) >"$log" 2>&1 || { tail -n 3 "$log" && skip "$name" "its package cannot be had" && return; }
	rm -rf "$name"
	mkdir -p "$src" "$name/kept"
	(cd packages && unpack)
	cd "$name"
	cp -a src kept/src
	if check "$name: built without lklfs" steps without configure build; then
		mv out kept/without
		check "$name: built in a mount" steps with configure build || { cd .. && return; }
		cp -a out kept/with
		check "$name: the outputs" same kept/without out || :
		check "$name: its tests in a mount" steps with tests || :
		second_both "nothing changed"
		second_both "configured again" configure
		second_both "build files touched" described
		second_both "sources touched" touched
		second_both "comment added" comment
		second_both "real change" change
		clean_after_change
	fi
	cd ..
}

# ---- git ----

# What git has noted of the files is what they are, as long as the mount is there: their ctimes are the backing's then.
git_clone() {
	# shellcheck disable=SC2034
	local left_out=()
	rm -rf git
	mkdir -p git/clone
	cd git
	git clone -q --no-hardlinks "$top" clone/c
	mv clone outside
	mkdir clone
	# shellcheck disable=SC2016
	check "git clone: nothing to refresh" "$lklfs" run clone -- \
		sh -c 'git clone -q --no-hardlinks "$1" clone/c && git -C clone/c diff-files --quiet' - "$top" || :
	check "git clone: the files" same outside clone || :
	check "git clone: fsck" git -C clone/c fsck --no-progress || :
	# shellcheck disable=SC2016
	check "git clone: status is clean in a mount" "$lklfs" run clone -- \
		sh -c 'test -z "$(git -C clone/c status --porcelain)" && git -C clone/c diff-files --quiet' || :
	cd ..
}

# ---- main ----

case ${1--h} in
-h | --help)
	sed -n '3,/^$/s/^# \?//p' "$0"
	exit $(($# == 0 ? 2 : 0))
	;;
esac
[[ -f "$1" && -x "$1" ]] || die "no program: $1"
lklfs=$(realpath "$1")
top=$(realpath "$here/../..")
projects=("${@:3}")
((${#projects[@]})) || projects=(git hello cjson fribidi headers)
for one in "${projects[@]}"; do
	[[ "$one" == git || -e "$here/projects/$one.bash" ]] || die "no such project: $one"
done
if [[ -n "${2-}" ]]; then
	work=$(realpath -m "$2")
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work/packages"
cd "$work"
log=$work/log

for one in "${projects[@]}"; do
	if [[ "$one" == git ]]; then git_clone; else one_project "$one"; fi
done

if ((${#table[@]})); then
	echo
	printf '%s\n' "project|second build|without lklfs|with it|next without|next with" "${table[@]}" | column -t -s '|'
	echo
fi
outcome
