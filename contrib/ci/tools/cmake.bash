# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# CMake, with ninja
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(cmake ninja gcc ar)
left_out=('.ninja_*' 'CMake*.log' CMakeConfigureLog.yaml CMakeScratch build.ninja)
sources() {
	greeting
	cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.13)
project(greeting C)
add_custom_command(OUTPUT config.h DEPENDS config.in
	COMMAND cd ${CMAKE_SOURCE_DIR} && sh gen.sh > ${CMAKE_BINARY_DIR}/config.h && echo gen >> made VERBATIM)
include_directories(${CMAKE_BINARY_DIR})
add_library(text STATIC text.c ${CMAKE_BINARY_DIR}/config.h)
add_executable(prog main.c ${CMAKE_BINARY_DIR}/config.h)
target_link_libraries(prog text)
END
}
