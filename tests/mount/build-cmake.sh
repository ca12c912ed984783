#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A build with CMake and ninja: a configured header, a generated source, a library, a program. The outputs are those of a
# build without lklfs; after CMakeLists.txt was touched, nothing is compiled.
# AXES: root ext4
. "${0%/*}/lib.sh"
need cmake ninja gcc

mkdir "$W/src"
cat >"$W/src/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.13)
project(small VERSION 1.2 LANGUAGES C)
configure_file(config.h.in config.h)
add_custom_command(OUTPUT table.c DEPENDS table.in
	COMMAND sed "s/.*/int table = &;/" ${CMAKE_CURRENT_SOURCE_DIR}/table.in > table.c VERBATIM)
add_library(table STATIC table.c)
add_executable(prog main.c)
target_include_directories(prog PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(prog table)
EOF
echo '#define VERSION "@PROJECT_VERSION@"' >"$W/src/config.h.in"
echo 42 >"$W/src/table.in"
printf '#include "config.h"\nextern int table;\nint main(void) { return table + VERSION[0] - 49; }\n' >"$W/src/main.c"

out=$B/out
configure() { cmake -S "$W/src" -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Release >&2; }
build() { # how many steps ninja ran of each kind
	ninja -C "$out" >"$T/ninja.log" || fail "ninja: $(cat "$T/ninja.log")"
	awk '
		/^\[.*(Building|Compiling) C/ { compiled++ }
		/^\[.* Linking / { linked++ }
		/^\[.* Generating / { generated++ }
		END { print compiled + 0, linked + 0, generated + 0 }' "$T/ninja.log"
}
# all DIR: every name with its kind, mode and bytes, without logs and what CMake writes otherwise the second time
all() {
	(cd "$1" && find . \( -name '.ninja_*' -o -name 'CMake*.log' -o -name CMakeScratch -o -name build.ninja \) -prune -o \
		-printf '%p %y %m %l\n' -type f -exec sha256sum {} \; | sort)
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

mnt
configure
eq "first build" "$(build)" "2 2 1"
umnt
like_clean "first build"
mnt
eq "nothing changed" "$(build)" "0 0 0"
configure
eq "configured again" "$(build)" "0 0 0"
touch "$W/src/CMakeLists.txt" "$W/src/config.h.in"
eq "what tells how to build touched" "$(build)" "0 0 0"
has "what ninja says then" "$(ninja -C "$out")" "no work to do"
echo '/* a comment */' >>"$W/src/main.c"
eq "a comment" "$(build)" "1 1 0"
eq "status of the program" "$(status_of "$out/prog")" 42
echo 43 >"$W/src/table.in"
has "a change of the table" "$(build)" "2 2 1"
eq "status of the program" "$(status_of "$out/prog")" 43
sed -i '/small/s/1\.2/2.2/' "$W/src/CMakeLists.txt"
has "another version" "$(build)" "1 1 0"
eq "status of the program" "$(status_of "$out/prog")" 44
umnt
like_clean "after the changes"
