#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: how many removed versions are remembered, and how many bytes of them, is bounded by options; what is
# forgotten costs a new mtime and nothing else.
# BACKINGS: overlayfs bindfs
. "${0%/*}/lib.sh"

# again NAME: removes and writes it again; says whether its mtime is back
again() {
	local before
	before=$(mtime "$B/$1")
	cp "$B/$1" "$W/copy"
	rm "$B/$1"
	shift
	"$@"
	cp "$W/copy" "$B/f"
	cmp "$W/copy" "$B/f"
	if [[ "$(mtime "$B/f")" == "$before" ]]; then echo back; else echo new; fi
}
others() { local i; for i in 1 2 3; do echo "$i" >"$B/o$i"; rm "$B/o$i"; done; }
large() { pattern 5000 o >"$B/o"; rm "$B/o"; }
remembered() { sed 's/.*"remembered":\([0-9]*\).*/\1/' "$B/.lklfs/status"; }

pattern 3000 x >"$B/f"
mnt
eq "by default" "$(again f others)" back
remount -o keep=0
eq "keep=0" "$(again f true)" new
eq "keep=0: remembered" "$(remembered)" 0
eq "keep=0: in the backing" "$(strange_names)" ""
remount -o keep=3
eq "keep=3, three others" "$(again f others)" new
eq "keep=3: remembered" "$(remembered)" 3
remount -o keep=4
eq "keep=4, three others" "$(again f others)" back
remount -o keep_bytes=6K
eq "keep_bytes=6K" "$(again f true)" back
eq "keep_bytes=6K, a large one" "$(again f large)" new
remount -o keep_bytes=2K
eq "larger than keep_bytes" "$(again f true)" new
umnt
for bad in keep= keep=x keep=-1 keep=1x keep_bytes= keep_bytes=1X keep_bytes=1KK keep_bytes=99999999T; do
	eq "status of -o $bad" "$(status_of "$LKLFS" -o "$bad" "$B")" 2
	eq "lines about -o $bad" "$(wc -l <"$T/err")" 1
done
