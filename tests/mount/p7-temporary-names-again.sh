#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: a target that is removed, written under a temporary name and renamed has its old mtime back each time, not only
# the first: that the temporary name has had these bytes, too, takes nothing from the target.
# AXES: root ext4
. "${0%/*}/lib.sh"
need make

pattern 70000 x >"$W/x"
pattern 70000 y >"$W/y"
cat >"$W/Makefile" <<'EOF'
all: removed replaced away
removed:
	rm -f f f-t && cat $(BYTES) >f-t && mv f-t f
replaced:
	cat $(BYTES) >g-t && mv g-t g
# the target is put aside, written under a temporary name, and the old one removed
away:
	mv h h-old && cat $(BYTES) >h-t && mv h-t h && rm h-old
.PHONY: all removed replaced away
EOF
for name in f g h; do
	cp "$W/x" "$B/$name"
	touch -d @1000000000 "$B/$name"
done
mnt
build() { make -s -C "$B" -f "$W/Makefile" BYTES="$W/$1" </dev/null; }
for i in 1 2 3 4; do
	build x
	for name in f g h; do
		eq "$name, time $i" "$(stat -c %Y "$B/$name" "$(v "$name")" | tr '\n' ' ')" "1000000000 1000000000 "
		cmp "$W/x" "$B/$name"
	done
done

# other bytes are new, and so are those before, when the others have been seen
build y
for name in f g h; do
	newer "other bytes in $name" "$(mtime "$B/$name")" 1000000000.9
	cmp "$W/y" "$B/$name"
done
other=$(mtime "$B/f")
build x
newer "the bytes before" "$(mtime "$B/f")" "$other"
cmp "$W/x" "$B/f"
