#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A build as autotools make it: config.status, a header moved if it has changed, another made from a template, objects
# whose dependencies are renamed, an archive removed before it is made. The outputs are those of a build without lklfs;
# configured again, nothing is compiled.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/build.bash"
need make gcc ar

mkdir "$W/src"
cat >"$W/src/configure" <<'EOF'
#!/bin/sh
src=${0%/*}
cat >config.status <<END
#!/bin/sh
sed 's|@src@|$src|' $src/Makefile.in >confMake && mv -f confMake Makefile
sed 's|@defs@|#define HAVE_PUTS 1|' $src/config.h.in >confconfig.h
if cmp -s confconfig.h config.h; then rm confconfig.h; else mv -f confconfig.h config.h; fi
echo timestamp >stamp-h1
mkdir -p .deps
END
chmod +x config.status
./config.status
EOF
chmod +x "$W/src/configure"
printf '/* configured */\n@defs@\n' >"$W/src/config.h.in"
echo '#define GREETING "@greeting@"' >"$W/src/text.in.h"
printf '#include "config.h"\n#include "text.h"\nconst char *text(void) { return GREETING; }\n' >"$W/src/text.c"
cat >"$W/src/main.c" <<'EOF'
#include "config.h"
#include "text.h"
#include <stdio.h>
const char *text(void);
int main(void) { return HAVE_PUTS && puts(text()) < 0; }
EOF
cat >"$W/src/Makefile.in" <<'EOF'
src := @src@
all: prog
Makefile: $(src)/Makefile.in config.status
	./config.status
config.h: stamp-h1
stamp-h1: $(src)/config.h.in config.status
	./config.status
text.h: $(src)/text.in.h config.status
	@echo gen >>$(LOG)
	rm -f $@-t $@ && { echo '/* made */' && sed 's/@greeting@/hello/' $<; } >$@-t && mv $@-t $@
%.o: $(src)/%.c config.h text.h
	@echo cc $* >>$(LOG)
	gcc -g -O2 -I. -MT $@ -MD -MP -MF .deps/$*.Tpo -c -o $@ $<
	mv -f .deps/$*.Tpo .deps/$*.Po
libtext.a: text.o
	@echo ar >>$(LOG)
	rm -f $@
	ar cr $@ $<
	ranlib $@
prog: main.o libtext.a
	@echo ld >>$(LOG)
	gcc -o $@ $^
-include .deps/main.Po .deps/text.Po
EOF

out=$B/out
configure() { mkdir -p "$out" && (cd "$out" && "$W/src/configure"); }
build() { # what was run
	: >"$T/log"
	make -s -C "$out" LOG="$T/log" </dev/null >&2
	sort "$T/log" | tr '\n' ' '
}

mnt
configure
eq "first build" "$(build)" "ar cc main cc text gen ld "
umnt
like_clean "first build"
mnt
eq "nothing changed" "$(build)" ""
configure
eq "configured again" "$(build)" ""
echo '/* a comment */' >>"$W/src/text.c"
eq "a comment" "$(build)" "cc text "
sed -i 's/ 1|/ 2|/' "$W/src/configure"
configure
eq "configured otherwise" "$(build)" "cc main cc text gen "
sed -i 's/@greeting@/good @greeting@/' "$W/src/text.in.h"
has "another greeting" "$(build)" "ar * cc text * ld "
eq "what it says" "$("$out/prog")" "good hello"
umnt
like_clean "after the changes"
