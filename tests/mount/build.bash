# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Small projects that are built with and without lklfs. Sourced by build-*.sh after lib.sh; they have
#
#   $out        where the project is built, below $B
#   configure   configures it there
#   build       builds it, and prints what has been done: ninja_build with ninja
#   left_out    names of what differs between any two builds, as `find` has them
left_out=()

# small_sources DIR VERSION: a program, a library of a generated source, and a header that is configured, where VERSION
# stands for the version
small_sources() {
	mkdir "$1"
	echo "#define VERSION \"@$2@\"" >"$1/config.h.in"
	echo 42 >"$1/table.in"
	printf '#include "config.h"\nextern int table;\nint main(void) { return table + VERSION[0] - 49; }\n' >"$1/main.c"
}

# ninja_build: how many steps it ran: compiled, linked, generated
ninja_build() {
	ninja -C "$out" >"$T/ninja.log" || fail "ninja: $(cat "$T/ninja.log")"
	awk '
		/^\[.*(Building|Compiling) C/ { compiled++ }
		/^\[.* Linking / { linked++ }
		/^\[.* Generating / { generated++ }
		END { print compiled + 0, linked + 0, generated + 0 }' "$T/ninja.log"
}

# all DIR: every name with its kind, mode and bytes
all() {
	local name leave=(-false)
	for name in "${left_out[@]}"; do
		leave+=(-o -name "$name")
	done
	(cd "$1" && find . \( "${leave[@]}" \) -prune -o -printf '%p %y %m %l\n' -type f -exec sha256sum {} \; | sort)
}

# like_clean WHAT: the outputs are what a build in a clean directory, without lklfs, makes of the sources
like_clean() {
	mv "$B" "$B.mounted"
	mkdir "$B"
	configure
	build >&2
	diff <(all "$B.mounted") <(all "$B") >&2 || fail "$1: other outputs than without lklfs"
	rm -r "$B"
	mv "$B.mounted" "$B"
}

# small_project FILE RECONFIGURE...: builds what small_sources made, and changes it; FILE tells how to build it, and
# RECONFIGURE configures it once more
small_project() {
	local file=$1 src=${1%/*}
	shift
	mnt
	configure
	eq "first build" "$(build)" "2 2 1"
	umnt
	like_clean "first build"
	mnt
	eq "nothing changed" "$(build)" "0 0 0"
	"$@"
	eq "configured again" "$(build)" "0 0 0"
	touch "$file" "$src/config.h.in"
	eq "what tells how to build touched" "$(build)" "0 0 0"
	has "what ninja says then" "$(ninja -C "$out")" "no work to do"
	echo '/* a comment */' >>"$src/main.c"
	eq "a comment" "$(build)" "1 1 0"
	eq "status of the program" "$(status_of "$out/prog")" 42
	echo 43 >"$src/table.in"
	has "a change of the table" "$(build)" "2 2 1"
	eq "status of the program" "$(status_of "$out/prog")" 43
	sed -i '/small/s/1\.2/2.2/' "$file"
	has "another version" "$(build)" "1 1 0"
	eq "status of the program" "$(status_of "$out/prog")" 44
	umnt
	like_clean "after the changes"
}
