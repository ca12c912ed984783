# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# A program that greets with a word from config.in, which a script makes a header of. Sourced by the projects beside this.

# greeting: its sources
greeting() {
	echo Hello >config.in
	cat >gen.sh <<'END'
echo '/* made of config.in */'
sed 's/.*/#define GREETING "&"/' config.in
END
	printf '#include "config.h"\nconst char *text(void) { return GREETING; }\n' >text.c
	printf '#include "config.h"\n#include <stdio.h>\nconst char *text(void);\n' >main.c
	printf 'int main(void) { return puts(text()) < 0 || *text() != *GREETING; }\n' >>main.c
}

# greeting_make: a Makefile for it
greeting_make() {
	greeting
	cat >Makefile <<'END'
CC = gcc
out/prog: out/main.o out/libtext.a
	$(CC) -o $@ $^
out/libtext.a: out/text.o
	rm -f $@
	ar crD $@ $<
out/%.o: %.c out/config.h
	$(CC) -O -g -Iout -c -o $@ $<
out/config.h: config.in
	sh gen.sh >$@
	@echo gen >>made
END
}

# made: what the scripts have made since they were asked
made() {
	[[ ! -e project/made ]] || cat project/made
	rm -f project/made
}
more() { made; }
