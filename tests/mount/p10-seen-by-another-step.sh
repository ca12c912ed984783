#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P10: an mtime stays only if nobody outside the build step that writes the final bytes has looked at what
# was staged in between. Without a build driver above it, a step is a process alone.
. "${0%/*}/lib.sh"

echo original >"$B/f"
mnt
session() {
	start w
	to w open 0 "$B/f" w,trunc
	to w write 0 0 'other\n'
	"$@"
	to w ftruncate 0 0
	to w write 0 0 'original\n'
	ends w
	eq "bytes" "$(cat "$B/f")" original
}
before=$(mtime "$B/f")
shell_reads() { read -r line <"$B/f"; eq "what the shell read" "$line" other; }
shell_stats() { [[ -s "$B/f" ]]; }
child_reads() { eq "what the child read" "$(to w spawn cat "$B/f")" '0 other\n'; }
stranger_reads() { eq "what the stranger read" "$(cat "$B/f")" original; }

# nobody, or somebody who saw the old bytes: it stays
for look in : stranger_reads; do
	session "$look"
	eq "mtime after: $look" "$(mtime "$B/f")" "$before"
	eq "mtime in the backing after: $look" "$(mtime "$(v f)")" "$before"
done
for look in shell_reads shell_stats child_reads; do
	session "$look"
	newer "mtime after: $look" "$(mtime "$B/f")" "$before"
	eq "mtime in the backing after: $look" "$(mtime "$(v f)")" "$(mtime "$B/f")"
	before=$(mtime "$B/f")
done
