#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# st_ino is the backing's, by every way there is to ask for it; two files that live never share one,
# and who rewrites a file that is open elsewhere never takes it for another.
. "${0%/*}/lib.sh"
need python3 find

numbers() { # WHAT: stat, readdir and the backing agree on every name there is
	(cd "$B" && find . -mindepth 1 -printf '%i %n %y %p\n' | sort) >"$T/find"
	(cd "$(v .)" && find . -mindepth 1 -name '.lklfs-stage-*' -prune -o -mindepth 1 -printf '%i %n %y %p\n' |
		sort) >"$T/backing"
	diff "$T/backing" "$T/find" >&2 || fail "$1: numbers, links and types, backing and mount"
	python3 - "$B" <<'END' || fail "$1: readdir and stat"
import os, stat, sys
kinds = {stat.S_IFDIR: "is_dir", stat.S_IFREG: "is_file", stat.S_IFLNK: "is_symlink"}
for top, dirs, files in os.walk(os.fsencode(sys.argv[1])):
    for entry in os.scandir(top):
        st = os.lstat(entry.path)
        assert entry.inode() == st.st_ino, (entry.path, entry.inode(), st.st_ino)
        for kind, name in kinds.items():
            is_it = getattr(entry, name)(**({} if name == "is_symlink" else {"follow_symlinks": False}))
            assert is_it == (stat.S_IFMT(st.st_mode) == kind), (entry.path, name)
        assert st.st_dev == os.stat(top).st_dev, entry.path
END
}

mkdir -p "$B/d/sub" "$B/empty"
echo one >"$B/d/f"
echo two >"$B/g"
ln "$B/d/f" "$B/d/sub/hard"
ln -s g "$B/link"
mkfifo "$B/fifo"
n_links=$(stat -c %h "$B")
mnt
numbers "at first"
eq "-samefile" "$(find "$B" -samefile "$B/d/f" | sort | tr '\n' ' ')" "$B/d/f $B/d/sub/hard "
eq "-inum" "$(find "$B" -inum "$(ino "$V/g")")" "$B/g"
eq "-links" "$(find "$B" -type f -links 2 | wc -l)" 2
[[ "$B/d/f" -ef "$B/d/sub/hard" ]] || fail "one file is not -ef itself"
[[ ! "$B/d/f" -ef "$B/g" ]] || fail "two files are -ef"
eq "du counts a file with two names once" "$(du -s --apparent-size -B1 "$B/d" | cut -f1)" \
	"$(du -s --apparent-size -B1 "$V/d" | cut -f1)"

# what is remembered is in nobody's way: neither a name nor a subdirectory
rm "$B/g" "$B/d/sub/hard"
mkdir "$B/made"
rmdir "$B/made"
eq "links of the root after a removal" "$(stat -c %h "$B")" "$n_links"
numbers "after a removal"
mkdir "$B/made"
eq "links of the root with one more directory" "$(stat -c %h "$B")" "$((n_links == 1 ? 1 : n_links + 1))"
mv "$B/made" "$B/d/made"
numbers "after a rename of a directory"
echo two >"$B/g"
numbers "after it came back"
before=$(ino "$B/g")
echo two >"$B/g"
eq "the number after a rewrite of the same" "$(ino "$B/g")" "$before"
echo 2 >"$B/g"
numbers "after a change"

# a session: one number from its begin to its end, and the path has it as well until it is replaced
start w
to w open 0 "$B/g" w
before=$(to w fstat 0)
to w write 0 0 'other'
eq "the writer's number" "$(to w fstat 0 | cut -d' ' -f1)" "${before%% *}"
eq "a stranger's number" "ino=$(ino "$B/g")" "${before%% *}"
numbers "while it is written"
ends w
numbers "after the session"

# fsync exposes, and the number of what was replaced must not be another file's then: it stays the open file's own
start w
to w open 0 "$B/g" w
before=$(to w fstat 0)
for i in 1 2 3 4 5 6; do
	to w write 0 - "round-$i"
	to w fsync 0
	echo "$i" >"$B/new$i"
	handle=$(to w fstat 0)
	eq "the writer's number, round $i" "${handle%% *}" "${before%% *}"
	others=$(stat -c 'ino=%i' "$B"/new* "$B/d/f")
	[[ $'\n'"$others"$'\n' != *$'\n'"${handle%% *}"$'\n'* ]] || fail "the open file has another's number: $handle"
done
ends w
numbers "after fsync"
ls -i1 "$B" >"$T/before"
remount
ls -i1 "$B" | diff "$T/before" - >&2 || fail "numbers over a remount"
numbers "after a remount"
