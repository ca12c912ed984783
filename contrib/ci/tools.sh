#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The recipes of docs/RECIPES.md, with the real tools: runs the lines that it shows for each of them in a small project, at the
# same path without lklfs and with it.
#
#   contrib/ci/tools.sh LKLFS [WORK_DIR [TOOL...]]
#
# TOOL is a heading of that document in small letters (default: all that has a file in tools/ beside this one). Each is built;
# built again after something was touched that has the bytes it had, and a third time; built after a change, and once more.
# Looked at is that
#
#   - all succeeds, and the program says what it should, after the change, too: nothing is stale
#   - the outputs are those of the build without lklfs, each time
#   - what ran in the second build and in the third is what the document's table says: compiled, linked (archives among
#     them), others
#   - with lklfs no more is compiled or linked than without, but for the third build: see the README's limits
#
# Without lklfs the same lines are run; a program of its name then only makes the directories and runs the command.
#
# A project is a file of functions: `sources` lays it out in the working directory, `again` does what is done before the second
# build, `change` has it say Salut for Hello, `says` runs what has been built; `before` and `after` the builds (a server, say);
# `more` prints a word for each step that wrappers of gcc, ar and rustc do not see; `also` does something else in the end, and
# prints what must be the same with lklfs and without; `cleanup` comes last. `tools` are the programs it needs,
# `outputs` the directories that are compared, `left_out` the names of what differs between any two builds. What is missing is
# skipped. WORK_DIR holds all that is made (default: a temporary directory, removed at the end).
#
# The last line is `N passed, N failed, N skipped`. Exit status: 0 nothing failed, 1 something did, 2 called wrongly.

set -euo pipefail

here=$(realpath "${BASH_SOURCE[0]%/*}")
top=$(realpath "$here/../..")
recipes=$top/docs/RECIPES.md
# shellcheck source=/dev/null
. "$here/outputs.bash"
# shellcheck source=/dev/null
. "$here/outcome.bash"
# shellcheck source=/dev/null
. "$top/tests/shown.bash"
export LC_ALL=C.UTF-8
export CCACHE_DISABLE=1 # meson would use it
unset MAKEFLAGS MAKELEVEL DESTDIR CFLAGS LDFLAGS CC CCACHE_DIR DISTCC_HOSTS
umask 022

is() { # GOT WANT
	[[ "$1" == "$2" ]] || { echo "got '$1', want '$2'" && return 1; }
}

# ---- programs that are counted, and one that stands for lklfs ----

# counting PROGRAM...: wrappers that write down what they are called with
counting() {
	local program path
	mkdir -p "$work/counting"
	for program; do
		path=$(type -P "$program") || continue
		printf '#!/bin/sh\necho "%s $*" >>%q\nexec %q "$@"\n' "$program" "$work/steps" "$path" >"$work/counting/$program"
		chmod +x "$work/counting/$program"
	done
}

stand_in() {
	mkdir -p "$work/without"
	cat >"$work/without/lklfs" <<'END'
#!/bin/bash
# Only makes directories, and runs the command.
[[ "$1" != umount && "$1" != status ]] || exit 0
dirs=()
while (($#)); do
	case $1 in
	--) shift && break ;;
	-o) shift ;;
	run | -*) ;;
	*) dirs+=("$1") ;;
	esac
	shift
done
mkdir -p "${dirs[@]}"
(($# == 0)) || exec "$@"
END
	chmod +x "$work/without/lklfs"
	mkdir -p "$work/with"
	ln -sf "$lklfs" "$work/with/lklfs"
}

# counts: the steps in $work/steps, and what `more` prints: compiled, linked, others. What configure scripts try does not count.
counts() {
	{ cat "$work/steps" && more; } | awk '
		/conftest|CMakeScratch|CMakeCCompilerId|sanitycheck|meson-private|--print|-vV/ { next }
		/ (-E|-v|--version|-dump[a-z]*|-print-[^ ]*)( |$)/ { next }
		/^(x86_64-linux-gnu-)?g?cc .*-c( |$)/ || /^rustc .*--crate-name [^_]/ || /^compiled/ { compiled++; next }
		/^(x86_64-linux-gnu-)?g?cc .*-o / || /^ar / { linked++; next }
		/^gen/ || /^sent/ { others++ }
		END { print compiled + 0, linked + 0, others + 0 }'
}

# ---- one tool ----

# builds HOW: runs the recipe, as somebody does who pastes it; what ran is in $ran
builds() {
	: >"$work/steps"
	if ! (cd project && PATH=$work/counting:$work/$1:$PATH bash -euo pipefail "$work/shown" </dev/null) >"$log" 2>&1; then
		tail -n 30 "$log"
		return 1
	fi
	ran=$(counts)
}

# tried HOW: tries it, and clears up after it
tried() {
	local r=0
	tries "$1" || r=1
	cleanup
	return $r
}

# tries HOW: all builds of the project; the outputs and figures of each are left in results/HOW.
tries() {
	local how=$1 build out r=0
	rm -rf project
	mkdir -p project "results/$how"
	(cd project && sources) >"$log" 2>&1 || { tail -n 30 "$log" && return 1; }
	for build in first second third changed next; do
		case $build in
		second) (cd project && again) ;;
		changed) (cd project && change) ;;
		esac
		before || return
		builds "$how" || r=$?
		after || return
		((r == 0)) || return 1
		mkdir "results/$how/$build"
		for out in "${outputs[@]}"; do
			cp -a --parents "project/$out" "results/$how/$build"
		done
		echo "$ran" >"results/$how/$build.ran"
		(cd project && says) >"results/$how/$build.says"
	done
	also "$how" >"results/$how/also" 2>"$log" || { tail -n 30 "$log" && return 1; }
}

# documented NAME: the figures in the table's row
documented() { awk -F ' *[|] *' -v name="$1" 'tolower($2) == name { gsub(",", ""); print $4 " | " $5 " | " $6; exit }' "$recipes"; }

one_tool() {
	# shellcheck disable=SC2034
	local name=$1 tools=() outputs=(out) left_out=() tool build
	again() { touch config.in; }
	change() { sed -i s/Hello/Salut/ config.in; }
	says() { out/prog; }
	before() { :; }
	after() { :; }
	more() { :; }
	also() { :; }
	cleanup() { :; }
	# shellcheck source=/dev/null
	. "$here/tools/$name.bash"
	for tool in "${tools[@]}"; do
		command -v "$tool" >/dev/null || { skip "$name" "$tool is not installed" && return; }
	done
	mkdir -p "$work/$name"
	cd "$work/$name"
	shown "$recipes" "$name" >"$work/shown"
	if check "$name: the recipe is there" test -s "$work/shown" &&
		check "$name: without lklfs" tried without &&
		check "$name: with it" tried with; then
		for build in first second third changed next; do
			check "$name, $build build: the same outputs" same "results/without/$build" "results/with/$build" || :
			[[ "$build" == third ]] || check "$name, $build build: no more compiled or linked than without" \
				no_more "$(cat "results/with/$build.ran")" "$(cat "results/without/$build.ran")" || :
		done
		check "$name: what it says at first" is "$(cat results/with/first.says)" Hello || :
		check "$name: and after the change" is "$(cat results/with/changed.says results/with/next.says)" $'Salut\nSalut' || :
		check "$name: the second build and the third are as documented" \
			is "$(cat results/without/second.ran) | $(cat results/with/second.ran) | $(cat results/with/third.ran)" \
			"$(documented "$name")" || :
		[[ ! -s results/with/also && ! -s results/without/also ]] || check "$name: what else it does ($(xargs <results/with/also))" \
			is "$(cat results/with/also)" "$(cat results/without/also)" || :
		check "$name: nothing is left behind" is "$(find . -name '*lklfs-*')" "" || :
	fi
	cd "$work"
	rm -rf "${work:?}/$name"
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
names=("${@:3}")
((${#names[@]})) || mapfile -t names < <(cd "$here/tools" && printf '%s\n' *.bash | sed -e /^greeting/d -e 's/\.bash$//')
for name in "${names[@]}"; do
	[[ -e "$here/tools/$name.bash" ]] || die "no such tool: $name"
done
if [[ -n "${2-}" ]]; then
	mkdir -p "$2"
	work=$(realpath "$2")
else
	work=$(mktemp -d)
	chmod 755 "$work" # distccd is nobody
	trap 'rm -rf "$work"' EXIT
fi
log=$work/log
: >"$work/steps"
chmod 666 "$work/steps"
cd "$work"
counting gcc cc x86_64-linux-gnu-gcc ar rustc
stand_in

for name in "${names[@]}"; do
	one_tool "$name"
done
outcome
