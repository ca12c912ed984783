# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2209
# cJSON: CMake and ninja, beside its sources.
tools=(cmake ninja gcc)
driver=ninja
left_out=('.ninja_*' 'CMake*.log' CMakeConfigureLog.yaml Testing) # times, and names of temporary files

get() { [[ -e "$(echo cjson_*.orig.tar.gz)" ]] || apt-get source --download-only cjson; }
unpack() { tar xf cjson_*.orig.tar.gz -C "$src" --strip-components=1; }
configure() { cmake -S "$src" -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Release; }
build() { ninja -C "$out" -j2; }
tests() { cd "$out" && ctest -Q; }
described() { touch "$src/CMakeLists.txt"; }
touched() { touch "$src"/*.[ch]; }
comment() { echo '/* a comment */' >>"$src/cJSON.c"; }
change() { sed -i '/define CJSON_NESTING_LIMIT/s/1000/999/' "$src/cJSON.h"; }
