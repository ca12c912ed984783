#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# .lklfs is found by name and never listed; its status is JSON, read-only. `lklfs status` says in
# one line each what is mounted.
. "${0%/*}/lib.sh"
need python3

echo old >"$B/same"
eq "status of nothing" "$(status_of "$LKLFS" status)" 0
mnt
eq "listing" "$(ls -A "$B")" same
eq "type of .lklfs" "$(stat -c %F "$B/.lklfs")" directory
has "listing of .lklfs" "$(ls "$B/.lklfs")" status
python3 -m json.tool "$B/.lklfs/status" >"$T/json"
eq "status of one" "$(status_of "$LKLFS" status)" 0
has "status of one" "$(cat "$T/out")" "$B"
eq "status of a directory" "$(status_of "$LKLFS" status "$B")" 0
has "status of a directory" "$(cat "$T/out")" "$B"

# read anew at each look, and true
echo old >"$B/same"
echo new >"$B/new"
python3 - "$B/.lklfs/status" <<'EOF'
import json, sys
status = json.load(open(sys.argv[1]))
def values(x):
    if isinstance(x, dict):
        for key, value in x.items():
            yield key, value
            yield from values(value)
flat = dict(values(status))
assert flat["kept"] == 1, flat
assert flat["new"] == 1, flat
EOF
# nobody writes there
ne "opening status for writing" "$(errno_of open 0 "$B/.lklfs/status" w)" OK
ne "creating there" "$(errno_of open 0 "$B/.lklfs/x" w,creat)" OK
ne "removing it" "$(errno_of unlink "$B/.lklfs/status")" OK
ne "making .lklfs" "$(errno_of mkdir "$B/.lklfs")" OK
ne "removing .lklfs" "$(errno_of rmdir "$B/.lklfs")" OK
ne "renaming it" "$(errno_of rename "$B/.lklfs" "$B/x")" OK
ne "renaming over it" "$(errno_of rename "$B/new" "$B/.lklfs")" OK
eq "the backing" "$(ls -A "$(v .)" | tr '\n' ' ')" "new same "
# names with the oddest bytes do no harm
odd=$B/$'quote"back\\slash\nnewline, no UTF-8 \xff\xc3, \x01'
mkdir "$odd"
umnt
"$LKLFS" "$odd" </dev/null
python3 -m json.tool "$odd/.lklfs/status" >"$T/json"
says_odd() { # WHAT FILE
	python3 -X utf8 - "$2" "$B" <<'EOF' || fail "$1: $(cat "$2")"
import json, os, sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
assert text[:-1].isprintable(), text
status = json.loads(text)
status = status[0] if isinstance(status, list) else status
assert os.fsencode(status["dir"]) == sys.argv[2].encode() + b'/quote"back\\slash\nnewline, no UTF-8 \xff\xc3, \x01', status
EOF
}
says_odd "status of an odd name" "$odd/.lklfs/status"
"$LKLFS" status --json "$odd" >"$T/json"
says_odd "status --json of an odd name" "$T/json"
kill_daemon
"$LKLFS" status --json "$odd" >"$T/json"
says_odd "status --json of an odd name, dead" "$T/json"
for argument in --json "$odd"; do
	errno=0
	"$LKLFS" status "$argument" >/dev/full 2>"$T/err" || errno=$?
	eq "status onto a full disk" "$errno" 1
	has "what it says" "$(cat "$T/err")" "cannot write to standard output: No space left on device"
done
"$LKLFS" umount "$odd" </dev/null
eq "daemons" "$(daemons)" ""
