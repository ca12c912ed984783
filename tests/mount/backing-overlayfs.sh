#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2, P3, P7, P12 over an overlayfs as containers have it, with all files in its lower layer: what is left as it was is
# not copied up, what is changed is; and what overlayfs does to hard links and directories it does here as well.
# AXES: root ext4
. "${0%/*}/lib.sh"
need setfattr getfattr

mkdir -p "$W/lower/b/d/sub" "$W/lower/plain/d" "$W/upper" "$W/work" "$W/m"
for f in f g h i d/x d/sub/y; do
	pattern 70000 "$f" >"$W/lower/b/$f"
	touch -d @1000000000 "$W/lower/b/$f"
done
for dir in b plain; do
	echo old >"$W/lower/$dir/one"
	ln "$W/lower/$dir/one" "$W/lower/$dir/two"
done
mount -t overlay -o "redirect_dir=off,index=off,lowerdir=$W/lower,upperdir=$W/upper,workdir=$W/work" none "$W/m" 2>"$T/err" ||
	skip "no overlayfs: $(cat "$T/err")"
b=$W/m/b
"$LKLFS" "$b" </dev/null
up() { [[ -e "$W/upper/b/$1" ]] && echo up || echo lower; }
look() { stat -c 'ino=%i size=%s mtime=%.9Y mode=%a nlink=%h' "$1"; }

before=$(look "$b/f")
pattern 70000 f >"$b/f"
eq "the same bytes" "$(look "$b/f")" "$before"
eq "the same bytes, in the layers" "$(up f)" lower

start r
to r open 0 "$b/f" r
to r mmap 0 70000 r
pattern 60000 new >"$b/f"
eq "other bytes" "$(sum "$b/f")" "$(pattern 60000 new | sha256sum | cut -d' ' -f1)"
newer "other bytes: mtime" "$(mtime "$b/f")" 1000000000.0
eq "other bytes, in the layers" "$(up f)" up
eq "who has the old ones open" "$(to r load 0 0 9)" '\s\s\s\s\s\s0\sf'
ends r

# one byte in the middle: the rest comes from the lower layer
pattern 70000 g >"$T/g"
printf X | dd of="$T/g" bs=1 seek=35000 conv=notrunc status=none
tool open 0 "$b/g" rw -- write 0 35000 X -- close 0
cmp "$T/g" "$b/g" || fail "one byte changed: the others"
# attributes alone copy up, and nothing else of it changes; a handle on the lower file goes on
start r
to r open 0 "$b/h" r
before=$(look "$b/h")
chmod 600 "$b/h"
setfattr -n user.colour -v green "$b/h"
eq "mode and attribute" "$(look "$b/h")" "${before/mode=644/mode=600}"
eq "in the layers" "$(up h)" up
eq "an older handle's look" "$(to r fstat 0 | grep -o 'mode=[0-7]*')" "$("$TOOL" stat "$b/h" | grep -o 'mode=[0-7]*')"
before=$(look "$b/h")
pattern 70000 h >"$b/h"
eq "the same bytes, copied up by now" "$(look "$b/h")" "$before"
ends r
cat "$b/h" >"$T/h"
cmp "$T/h" <(pattern 70000 h) || fail "bytes that were copied up"

# removed and written again
before=$(mtime "$b/i")
rm "$b/i"
pattern 70000 i >"$b/i"
eq "removed and written again" "$(mtime "$b/i")" "$before"
rm -r "$b/d/sub"
mkdir "$b/d/sub"
pattern 70000 d/sub/y >"$b/d/sub/y"
eq "removed with its directory, and written again" "$(mtime "$b/d/sub/y")" 1000000000.000000000
eq "what is listed" "$(cd "$b" && find . | sort | tr '\n' ' ')" ". ./d ./d/sub ./d/sub/y ./d/x ./f ./g ./h ./i ./one ./two "

# a directory of the lower layer cannot be renamed: mv copies
eq "renaming a directory, beside the mount" "$(errno_of rename "$W/m/plain/d" "$W/m/plain/e")" EXDEV
eq "renaming a directory" "$(errno_of rename "$b/d" "$b/e")" EXDEV
mv "$b/d" "$b/e"
cmp "$b/e/x" <(pattern 70000 d/x) || fail "what mv has copied"
eq "the old directory" "$(errno_of stat "$b/d")" ENOENT
# hard links of the lower layer come apart when one is copied up
echo new >"$W/m/plain/one"
echo new >"$b/one"
eq "hard links" "$(cat "$b/one" "$b/two")" "$(cat "$W/m/plain/one" "$W/m/plain/two")"
"$LKLFS" umount "$b" </dev/null
eq "hard links, in the backing" "$(cat "$b/one" "$b/two")" "$(cat "$W/m/plain/one" "$W/m/plain/two")"
# those of the upper layer do not
echo old >"$b/three"
ln "$b/three" "$b/four"
"$LKLFS" "$b" </dev/null
echo new >"$b/three"
eq "hard links of the upper layer" "$(cat "$b/four")" new
"$LKLFS" umount "$b" </dev/null
eq "left in the layers" "$(find "$W/upper" "$W/work" -name '*lklfs*')" ""
umount "$W/m"
