#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: a file that is removed and then written with the same bytes under the same name has its old mtime
# back, and its inode: it is put back, not written again. Other bytes are a new file.
# BACKINGS: all user
. "${0%/*}/lib.sh"

mkdir -p "$B/d/deep"
pattern 70000 x >"$W/x"
pattern 70000 y >"$W/y"
cp "$W/x" "$B/d/deep/f"
mnt
f=$B/d/deep/f
same() { stat -c 'ino=%i size=%s mtime=%.9Y' "$1"; }
before=$(same "$f")

write_cp() { cp "$1" "$f"; }
write_cat() { cat "$1" >"$f"; }
write_dd() { dd if="$1" of="$f" bs=4k 2>/dev/null; }
write_install() { install -m 644 "$1" "$f"; }
write_mv() { cp "$1" "$f.tmp" && mv "$f.tmp" "$f"; }
remove_rm() { rm "$f"; }
remove_rmrf() { rm -rf "$B/d" && mkdir -p "$B/d/deep"; }
for remove in remove_rm remove_rmrf; do
	for write in write_cp write_cat write_dd write_install write_mv; do
		$remove
		eq "$remove: it is gone" "$(status_of test -e "$V/d/deep/f")" 1
		$write "$W/x"
		eq "$remove, $write" "$(same "$f")" "$before"
		eq "$remove, $write, in the backing" "$(same "$(v d/deep/f)")" "$before"
		cmp "$f" "$W/x"
	done
done
for write in write_cp write_mv; do
	rm "$f"
	$write "$W/y"
	newer "$write, other bytes of the same size" "$(mtime "$f")" "${before##*=}"
	cmp "$f" "$W/y"
	rm "$f"
	$write "$W/x"
	cmp "$f" "$W/x"
	before=$(same "$f")
done

# what belongs to the name is that of the new file
rm "$f"
(umask 077 && cp --no-preserve=mode "$W/x" "$f")
eq "put back with another mode" "$(same "$f")" "$before"
eq "its mode" "$(stat -c %a "$(v d/deep/f)")" 600
chmod 644 "$f"

has "status" "$(cat "$B/.lklfs/status")" '"restored":1'
umnt
eq "left in the backing" "$(strange_names)" ""
cmp "$B/d/deep/f" "$W/x"
