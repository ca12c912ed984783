#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a file that can neither be replaced nor written in place stays staged; it is exposed when that is mended, or
# saved beside its name at the very end, in any case whole.
# AXES: root ext4
. "${0%/*}/lib.sh"
need chattr python3

n_failed() { "$LKLFS" status --json "$B" | tr , '\n' | sed -n 's/"failed"://p'; }
name=$'odd\xff\n"name'
is_named() { # failed_names of the status has the name, byte by byte
	"$LKLFS" status --json "$B" >"$T/json"
	python3 -X utf8 - "$T/json" "$name" <<'END' || fail "failed_names: $(cat "$T/json")"
import json, os, sys
(mount,) = json.loads(open(sys.argv[1], "rb").read().decode("utf-8"))
assert [os.fsencode(name) for name in mount["failed_names"]] == [os.fsencode(sys.argv[2])], mount
END
}
pattern 200000 old >"$T/old"
pattern 200000 new >"$T/new"
for way in replaced linked; do
	cp "$T/old" "$B/$name"
	[[ "$way" == replaced ]] || ln "$B/$name" "$B/other"
	for end in mended saved; do
		mnt
		# while it is open: later it could not be opened for writing
		(chattr +i "$V/$name" && cat "$T/new") >"$B/$name"
		cmp "$T/new" "$B/$name" >&2 || fail "$way, $end: what everyone reads"
		cmp "$T/old" "$V/$name" >&2 || fail "$way, $end: the backing meanwhile"
		eq "$way, $end: failed" "$(n_failed)" 1
		is_named
		eq "$way, $end: umount" "$(status_of "$LKLFS" umount "$B")" 1
		eq "$way, $end: lines said" "$(wc -l <"$T/err")" 1
		if [[ "$end" == mended ]]; then
			chattr -i "$V/$name"
			"$LKLFS" umount --force "$B" </dev/null
			until_true "the daemon's end" no_daemon
			cmp "$T/new" "$V/$name" >&2 || fail "$way: exposed at the end"
			cp "$T/old" "$V/$name"
			continue
		fi
		"$LKLFS" umount --force "$B" </dev/null
		until_true "the daemon's end" no_daemon
		chattr -i "$V/$name"
		cmp "$T/old" "$V/$name" >&2 || fail "$way: the backing at the end"
		cmp "$T/new" "$V/$name.lklfs-unsaved" >&2 || fail "$way: what was saved"
		rm "$V/$name.lklfs-unsaved"
	done
	rm "$V/$name"
	eq "$way: what is left" "$(ls -A "$V")" "$([[ "$way" == replaced ]] || echo other)"
done
