#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P8: a file renamed over one with equal bytes leaves that one as it was, and is gone itself; with different
# bytes, or another name, it is an ordinary rename.
# BACKINGS: all
. "${0%/*}/lib.sh"

echo same >"$B/f"
echo same >"$W/same"
mnt
before=$(trace "$B/f")
for i in 1 2 3; do
	cp "$W/same" "$B/t"
	# however often the new name has been looked up, and remembered
	for ((j = 0; j < i * 4; j++)); do stat "$B/t" >/dev/null; done
	mv "$B/t" "$B/f"
	eq "the file, time $i" "$(trace "$B/f")" "$before"
	eq "in the backing, time $i" "$(trace "$(v f)")" "$before"
	eq "the names, time $i" "$(ls "$B")" f
	eq "the other name, time $i" "$(errno_of stat "$B/t")" ENOENT
done
# a file that was there before the mount
umnt
cp "$W/same" "$B/t"
mnt
mv -f "$B/t" "$B/f"
eq "an older file" "$(trace "$B/f")" "$before"

# what belongs to the name is that of the file which was renamed
same=$(mtime "$B/f")
cp "$W/same" "$B/t"
chmod 600 "$B/t"
mv "$B/t" "$B/f"
eq "mtime with another mode" "$(mtime "$B/f")" "$same"
eq "the other mode" "$(stat -c %a "$(v f)")" 600

echo diff >"$B/t"
ino=$(ino "$B/t")
mv "$B/t" "$B/f"
eq "different bytes" "$(cat "$B/f")" diff
eq "the inode of different bytes" "$(ino "$B/f")" "$ino"
ne "the mtime of different bytes" "$(mtime "$B/f")" "$same"

# the name that it had before is none of its affair any more
before=$(trace "$B/f") below=$(trace "$(v f)")
for i in 1 2 3; do
	echo diff >"$B/t"
	mv "$B/t" "$B/f"
	eq "after a rename that changed it, time $i" "$(trace "$B/f")" "$before"
	eq "in the backing, time $i" "$(trace "$(v f)")" "$below"
done

# a file with other names is renamed as any other
cp "$B/f" "$B/t"
ln "$B/t" "$B/u"
ino=$(ino "$B/t")
mv "$B/t" "$B/f"
eq "a file with another name" "$(ino "$B/f")" "$ino"
rm "$B/u"
# a stamp counts
echo x >"$B/x.stamp"
same=$(mtime "$B/x.stamp")
echo x >"$B/t"
mv "$B/t" "$B/x.stamp"
newer "a stamp" "$(mtime "$B/x.stamp")" "$same"

# while its session is open: compared at the last close (mv would be a stranger who looks at what is staged)
same=$(mtime "$B/f")
start w
to w open 0 "$B/t" w,creat
to w write 0 0 'diff\n'
to w rename "$B/t" "$B/f"
ends w
eq "renamed while it was written" "$(mtime "$B/f")" "$same"
eq "its bytes" "$(cat "$B/f")" diff
start w
to w open 0 "$B/t" w,creat
to w rename "$B/t" "$B/f"
to w write 0 0 'othr\n'
ends w
newer "renamed while other bytes were written" "$(mtime "$B/f")" "$same"
eq "the other bytes" "$(cat "$(v f)")" othr

# exclusively: it is there
cp "$B/f" "$B/t"
eq "RENAME_NOREPLACE" "$(errno_of rename "$B/t" "$B/f" noreplace)" EEXIST
