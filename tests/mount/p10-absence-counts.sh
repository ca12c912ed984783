#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: absence is a version, too: a name that somebody else has looked up in vain, or missed in a listing, is new
# when it is written again. A look by the one who writes it, or by make for its own step, is none.
. "${0%/*}/lib.sh"
need make

mkdir -p "$B/d/deep"
f=$B/d/deep/f
echo content >"$f"
mnt
ls -lR "$B" >/dev/null
# again LOOK...: removes it, LOOK, writes it again
again() {
	local before
	before=$(mtime "$f")
	rm -r "$B/d/${what_is_removed:-deep/f}"
	"$@" >/dev/null || :
	mkdir -p "$B/d/deep"
	echo content >"$W/f"
	cp "$W/f" "$f"
	if [[ "$(mtime "$f")" == "$before" ]]; then echo back; else newer "$*" "$(mtime "$f")" "$before" && echo new; fi
}
eq "nobody looks" "$(again true)" back
eq "somebody looks at another name" "$(again stat "$B/d/deep/g" 2>/dev/null)" back
eq "somebody looks it up" "$(again cat "$f" 2>/dev/null)" new
eq "somebody looks for it" "$(again test -e "$f")" new
look_twice() { test -e "$f"; test -e "$f"; }
eq "a shell looks twice" "$(again look_twice)" new
eq "somebody lists the directory" "$(again ls "$B/d/deep")" new
eq "somebody lists another directory" "$(again ls "$B/d")" back
eq "nobody looks, afterwards" "$(again true)" back
what_is_removed=deep
eq "nobody looks for its directory" "$(again true)" back
eq "somebody looks for its directory" "$(again test -d "$B/d/deep")" new
eq "somebody looks below its directory" "$(again test -e "$f")" new
eq "somebody misses its directory in a listing" "$(again ls "$B/d")" new
eq "nobody looks for its directory, afterwards" "$(again true)" back

# the writer itself
before=$(mtime "$f")
cat >"$T/write" <<END
rm $f
[ ! -e $f ] && [ -z "\$(ls $B/d/deep)" ]
echo content >$f
END
echo "all: ; sh $T/write" >"$W/Makefile"
make -s -f "$W/Makefile"
eq "the step that writes it looked" "$(mtime "$f")" "$before"
# make looks for its target, in vain: its step, which it starts therefore, is excused
cat >"$W/Makefile" <<END
all: first $f
first: ; rm $f
$f: first ; echo content >\$@
END
make -s -f "$W/Makefile"
eq "make looked for its target" "$(mtime "$f")" "$before"
# ... but not one that looks for somebody else's
cat >"$W/Makefile" <<END
all: ; rm $f; \$(MAKE) -s -f $W/Makefile.sub; echo content >$f
END
echo "all: \$(wildcard $f) ; @true" >"$W/Makefile.sub"
make -s -f "$W/Makefile"
eq "a make within the step" "$(mtime "$f")" "$before"
rm "$f"
make -s -f "$W/Makefile.sub"
echo "$f: ; echo content >\$@" >"$W/Makefile"
make -s -f "$W/Makefile" "$f"
newer "another make missed it" "$(mtime "$f")" "$before"
