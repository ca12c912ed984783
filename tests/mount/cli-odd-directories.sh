#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever a directory is called, and however long its path is, it is mounted over, shown and unmounted by
# that name; nothing but printable text reaches a terminal, and JSON gives the name back byte by byte.
# AXES: root user ext4
. "${0%/*}/lib.sh"
need python3 findmnt

# printable WHAT FILE
printable() {
	python3 -X utf8 - "$2" <<'END' || fail "$1: $(cat -A "$2")"
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
assert all(line.isprintable() for line in text.split("\n")), ascii(text)
END
}
dir_is() { # WHAT DIR FILE: the one object of the JSON array is of DIR
	python3 -X utf8 - "$2" "$3" <<'END' || fail "$1: $(cat -A "$3")"
import json, os, sys
(mount,) = json.loads(open(sys.argv[2], "rb").read().decode("utf-8"))
assert os.fsencode(mount["dir"]) == os.fsencode(sys.argv[1]), ascii(mount["dir"])
END
}

names=($'two  blanks, a tab\t, a comma and blanks  ' $'\nnew\nlines\n' 'a\,b\n\134\' 'quote"s'"'*" $'\xff\xc3\xed\xa0\x80ü'
	$'\e[31mred\x07\xc2\x9b31m' '-o' '--' "$(printf '%255s' x)")
for name in "${names[@]}"; do
	dir=$B/$name
	mkdir -- "$dir"
	cd "$B"
	"$LKLFS" "./$name" </dev/null >"$T/out" 2>&1 || fail "mounting over $name: $(cat "$T/out")"
	eq "$name: said" "$(cat "$T/out")" ""
	eq "$name: mounted" "$(findmnt -n -r -t fuse.lklfs -o TARGET,SOURCE | wc -l)" 1
	findmnt -n -M "$dir" >/dev/null || fail "$name: findmnt does not know it"
	echo bytes >"$dir/$name"
	"$LKLFS" status >"$T/out"
	eq "$name: lines of status" "$(wc -l <"$T/out")" 1
	printable "$name: status" "$T/out"
	"$LKLFS" status --json -- "./$name" >"$T/out"
	dir_is "$name: status --json" "$dir" "$T/out"
	printable "$name: status --json" "$T/out"
	# what is said of it is one printable line, too
	eq "$name: mounted again" "$(status_of "$LKLFS" -- "./$name")" 1
	eq "$name: mounted again, lines said" "$(wc -l <"$T/err")" 1
	printable "$name: mounted again" "$T/err"
	"$LKLFS" umount -- "./$name" </dev/null
	eq "$name: mounted after umount" "$(findmnt -n -t fuse.lklfs)" ""
	cd "$T"
	# shellcheck disable=SC2016
	"$LKLFS" run "$dir" -- sh -c 'echo bytes >"$1/$2"' sh "$dir" "$name" 2>"$T/err" </dev/null
	has "$name: run" "$(cat "$T/err")" "1 kept"
	eq "$name: in the backing" "$(cat "$dir/$name")" bytes
	rm -r -- "$dir"
done

# messages: names that do not exist, and one that is not exposed, in the log
eq "missing" "$(status_of "$LKLFS" "$B/"$'\e[31m\nmissing\xff')" 1
printable "missing" "$T/err"
has "missing" "$(cat "$T/err")" '/\\033\[31m\\nmissing\\377 does not exist'
mkdir "$B/"$'log\nged'
"$LKLFS" --log="$W/log" "$B/"$'log\nged' </dev/null
kill_daemon
eq "a dead one" "$(status_of "$LKLFS" status --json "$B/"$'log\nged')" 0
dir_is "a dead one" "$B/"$'log\nged' "$T/out"
eq "a dead one" "$(status_of "$LKLFS" status)" 0
eq "a dead one, lines" "$(wc -l <"$T/out")" 1
"$LKLFS" umount "$B/"$'log\nged' </dev/null

# as long as a path can be: 4,095 bytes, of which "/f" needs two
path_of() { # SIZE: a directory whose path has so many bytes, in $long
	local n
	long=$B/long$1
	mkdir "$long"
	while ((${#long} < $1)); do
		n=$(($1 - ${#long} - 1))
		((n <= 200)) || n=200
		(($1 - ${#long} - 1 - n != 1)) || n=$((n - 1))
		long+=/$(printf "%${n}s" '' | tr ' ' x)
		mkdir "$long"
	done
	eq "bytes of the long path" "${#long}" "$1"
}
sizes="1900 4093"
[[ "$AXIS_USER" == root ]] || sizes=1900
for size in $sizes; do
	path_of "$size"
	"$LKLFS" "$long" </dev/null
	echo bytes >"$long/f"
	"$LKLFS" status --json >"$T/out"
	dir_is "a path of $size" "$long" "$T/out"
	"$LKLFS" umount "$long" </dev/null
	eq "a path of $size, afterwards" "$(cat "$long/f")$(findmnt -n -t fuse.lklfs)" bytes
	"$LKLFS" run "$long" -- cat "$long/f" </dev/null >"$T/out" 2>"$T/err"
	eq "a path of $size, run" "$(cat "$T/out")" bytes
done
if [[ "$AXIS_USER" == user ]]; then
	path_of 4093
	eq "too long for fusermount3" "$(status_of "$LKLFS" "$long")" 1
	has "too long for fusermount3" "$(cat "$T/err")" "too long a path for fusermount3"
	eq "too long for fusermount3, lines said" "$(wc -l <"$T/err")" 1
	eq "too long for fusermount3, mounted" "$(findmnt -n -t fuse.lklfs)" ""
fi
