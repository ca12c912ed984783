#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whoever goes by inode numbers and link counts (rsync -H, tar, cp -a, du) finds hard links, and nothing
# to do the second time.
# AXES: root ext4
. "${0%/*}/lib.sh"
need rsync tar

mkdir -p "$W/src/d" "$W/out"
pattern 20000 a >"$W/src/a"
ln "$W/src/a" "$W/src/d/b"
ln "$W/src/a" "$W/src/c"
pattern 3000 x >"$W/src/x"
ln -s x "$W/src/link"
touch -d '2001-02-03 04:05:06.789' "$W/src/x" "$W/src/d"
mnt

links() { # WHAT DIR: three names of one file, and one more file
	eq "$1: links" "$(stat -c %h "$2/a" "$2/d/b" "$2/c" "$2/x" | tr '\n' ' ')" "3 3 3 1 "
	eq "$1: files" "$(stat -c %i "$2/a" "$2/d/b" "$2/c" | sort -u | wc -l)" 1
	diff -r "$W/src" "$2" >&2 || fail "$1: bytes"
}

# into the mount
rsync -aH "$W/src/" "$B/rsync/"
links "rsync into the mount" "$B/rsync"
eq "rsync into the mount, once more" "$(rsync -aHi "$W/src/" "$B/rsync/")" ""
cp -a "$W/src" "$B/cp"
links "cp -a into the mount" "$B/cp"
mkdir "$B/tar"
tar -C "$W/src" -cf - . | tar -C "$B/tar" -xpf -
links "tar into the mount" "$B/tar"
eq "rsync over what cp made" "$(rsync -aHi "$W/src/" "$B/cp/")" ""
eq "rsync over what tar made" "$(rsync -aHi "$W/src/" "$B/tar/" | grep -v '^.*\.t' || :)" ""

# out of it
rsync -aH "$B/rsync/" "$W/out/rsync/"
links "rsync out of the mount" "$W/out/rsync"
eq "rsync out of the mount, once more" "$(rsync -aHi "$B/rsync/" "$W/out/rsync/")" ""
cp -a "$B/rsync" "$W/out/cp"
links "cp -a out of the mount" "$W/out/cp"
mkdir "$W/out/tar"
tar -C "$B/rsync" -cf "$W/tar" .
eq "members of the archive that are links" "$(tar -tvf "$W/tar" | grep -c '^h')" 2
tar -C "$W/out/tar" -xpf "$W/tar"
links "tar out of the mount" "$W/out/tar"
for dir in rsync cp tar; do
	eq "du of $dir" "$(du -s --apparent-size -B1 "$B/$dir" | cut -f1)" "$(du -s --apparent-size -B1 "$(v "$dir")" | cut -f1)"
done

# within it
cp -a "$B/rsync" "$B/copy"
links "cp -a within the mount" "$B/copy"
cp -al "$B/rsync" "$B/linked"
eq "cp -al within the mount" "$(stat -c %h "$B/rsync/a" "$B/linked/d/b" "$B/rsync/x" | tr '\n' ' ')" "6 6 2 "
rm -r "$B/linked"
links "after one of its copies is gone" "$B/rsync"

# since the last time
incremental() { # regular files that tar finds changed
	# tar goes by when it was started, and a file's mtime is that of its exposure: the verdicts have to be in
	ls -lR "$B" >/dev/null
	tar -C "$B" --listed-incremental="$W/snapshot" -cf "$W/inc" rsync
	tar -tf "$W/inc" | grep -v '/$' | tr '\n' ' ' || :
}
eq "incremental, the first time" "$(incremental | wc -w)" 5
eq "incremental, the second time" "$(incremental)" ""
pattern 3000 y >"$B/rsync/x"
eq "incremental, after a change" "$(incremental)" "rsync/x "
pattern 3000 y >"$B/rsync/x"
eq "incremental, after a rewrite of the same" "$(incremental)" ""
