# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# ninja, whose rule for the header has `restat`
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(ninja gcc ar)
left_out=(.ninja_deps .ninja_log)
sources() {
	greeting
	cat >build.ninja <<'END'
builddir = out
rule gen
  command = sh gen.sh >$out && echo gen >>made
  restat = 1
rule cc
  command = gcc -O -g -Iout -c -o $out $in
rule ar
  command = rm -f $out && ar crD $out $in
rule link
  command = gcc -o $out $in
build out/config.h: gen config.in
build out/text.o: cc text.c | out/config.h
build out/main.o: cc main.c | out/config.h
build out/libtext.a: ar out/text.o
build out/prog: link out/main.o out/libtext.a
END
}
