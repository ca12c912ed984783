# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2209
# GNU hello: autotools, beside its sources. ./configure makes config.status anew, and the headers that are made from
# templates depend on it.
tools=(make gcc)
driver=make
left_out=(config.log) # names temporary files

get() { [[ -e "$(echo hello_*.orig.tar.gz)" ]] || apt-get source --download-only hello; }
unpack() { tar xf hello_*.orig.tar.gz -C "$src" --strip-components=1; }
configure() { mkdir -p "$out" && cd "$out" && "$src/configure" -q; }
build() { make -C "$out" V=0 -j2; }
tests() { make -C "$out" -j2 check; }
described() { touch "$src/Makefile.in"; }
touched() { touch "$src"/{lib,src}/*.[ch]; }
comment() { echo '/* a comment */' >>"$src/src/system.h"; }
change() { sed -i 's/"Hello, world!"/"Hello, mount!"/' "$src/src/hello.c"; }
