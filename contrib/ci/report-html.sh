#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a browser makes of the page of `lklfs report --html`: a headless Chromium opens it, of two builds under a real make with
# one change between them, and of journals of 400 and of 20,000 files (report-journal.py).
#
#   contrib/ci/report-html.sh [--shots DIR] BUILD_DIR
#
# With scripts: the table, the filter, sorting, the chain of causes on a click, the first change; without: the table and the
# way from cause to cause. That nothing is asked for from anywhere, by the browser's own record of requests. What loading and
# sorting take is printed, in seconds of the processor, and has a bound. --shots DIR leaves pictures there, to be looked at.
#
# Needs root, chromium, chromium-driver, python3-selenium, make. The last line is `N passed, N failed`. Exit status: 0 nothing
# failed, 1 something did, 2 called wrongly, 77 a program is missing.

set -euo pipefail

here=$(realpath "${BASH_SOURCE[0]%/*}")
shots=''
if [[ "${1-}" == --shots && -n "${2-}" ]]; then
	shots=$(realpath -m -- "$2")
	shift 2
fi
if (($# != 1)) || [[ "$1" == -* ]]; then
	sed -n '3,/^$/s/^# \?//p' "$0"
	[[ "${1-}" == -h || "${1-}" == --help ]] || exit 2
	exit 0
fi
lklfs=$(realpath -- "$1/lklfs")
[[ -x "$lklfs" ]] || { echo "report-html.sh: there is no $lklfs" >&2 && exit 2; }
for program in chromium chromedriver make; do
	command -v "$program" >/dev/null || { echo "skip: $program is not installed" && exit 77; }
done
/usr/bin/python3 -c 'import selenium' 2>/dev/null || { echo "skip: python3-selenium is not installed" && exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/out"
cd "$work"
printf 'one\n' >src.h
printf 'int b;\n' >b.c
cat >Makefile <<'END'
all: out/prog out/doc
out/h: src.h
	cp src.h out/h
out/a.o: FORCE out/h
	(echo object; cat out/h) >out/a.o
out/b.o: b.c
	cp b.c out/b.o
out/prog: out/a.o out/b.o
	cat out/a.o out/b.o >out/prog.tmp && mv out/prog.tmp out/prog
out/doc: FORCE
	date +%s.%N >out/doc
FORCE:
END
for _ in 1 2; do
	"$lklfs" run -o journal=journal out -- make -s </dev/null 2>/dev/null
	printf 'two\n' >src.h
done
"$lklfs" report --html=small.html journal
for n in 400 20000; do
	/usr/bin/python3 "$here/report-journal.py" "$n" >"$n"
	"$lklfs" report --html="$n.html" "$n"
	"$lklfs" report --json "$n" >"$n.json"
done
/usr/bin/python3 -X utf8 "$here/report-html.py" "$work" ${shots:+"$shots"}
