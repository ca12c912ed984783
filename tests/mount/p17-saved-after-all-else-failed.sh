#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a file that can neither be replaced nor written in place stays staged; it is exposed when that is mended, or
# saved beside its name at the very end, in any case whole.
# AXES: root ext4
. "${0%/*}/lib.sh"
need chattr

n_failed() { "$LKLFS" status --json "$B" | tr , '\n' | sed -n 's/"failed"://p'; }
pattern 200000 old >"$T/old"
pattern 200000 new >"$T/new"
for way in replaced linked; do
	cp "$T/old" "$B/f"
	[[ "$way" == replaced ]] || ln "$B/f" "$B/other"
	for end in mended saved; do
		mnt
		chattr +i "$V/f"
		cat "$T/new" >"$B/f"
		cmp "$T/new" "$B/f" >&2 || fail "$way, $end: what everyone reads"
		cmp "$T/old" "$V/f" >&2 || fail "$way, $end: the backing meanwhile"
		eq "$way, $end: failed" "$(n_failed)" 1
		eq "$way, $end: umount" "$(status_of "$LKLFS" umount "$B")" 1
		if [[ "$end" == mended ]]; then
			chattr -i "$V/f"
			"$LKLFS" umount --force "$B" </dev/null
			until_true "the daemon's end" no_daemon
			cmp "$T/new" "$V/f" >&2 || fail "$way: exposed at the end"
			cp "$T/old" "$V/f"
			continue
		fi
		"$LKLFS" umount --force "$B" </dev/null
		until_true "the daemon's end" no_daemon
		chattr -i "$V/f"
		cmp "$T/old" "$V/f" >&2 || fail "$way: the backing at the end"
		cmp "$T/new" "$V/f.lklfs-unsaved" >&2 || fail "$way: what was saved"
		rm "$V/f.lklfs-unsaved"
	done
	eq "$way: what is left" "$(ls -A "$V" | tr '\n' ' ')" "f $([[ "$way" == replaced ]] || echo "other ")"
done
