#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A build with CMake and ninja: a configured header, a generated source, a library, a program. The outputs are those of a
# build without lklfs; after CMakeLists.txt was touched, nothing is compiled.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/build.bash"
need cmake ninja gcc

small_sources "$W/src" PROJECT_VERSION
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

out=$B/out
configure() { cmake -S "$W/src" -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Release >&2; }
build() { ninja_build; }
left_out=('.ninja_*' 'CMake*.log' CMakeConfigureLog.yaml CMakeScratch build.ninja) # what CMake writes otherwise the second time, too
small_project "$W/src/CMakeLists.txt" configure
