#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Exit status of run: COMMAND's, 128+n if signal n ended it, 125 if lklfs itself failed, 126 if
# COMMAND cannot be executed, 127 if it is not found. Afterwards nothing is mounted and nobody is left.
. "${0%/*}/lib.sh"

run() { # WHAT STATUS ARGS...
	local what=$1 status=$2
	shift 2
	eq "$what" "$(status_of "$LKLFS" run "$@")" "$status"
	eq "$what: mounts" "$(n_mounted "$B")" 0
	eq "$what: daemons" "$(daemons)" ""
}
: >"$W/not-executable"
printf '#!/missing/interpreter\n' >"$W/no-interpreter"
chmod +x "$W/no-interpreter"

run "success" 0 "$B" -- true
run "failure" 1 "$B" -- false
run "another status" 42 "$B" -- sh -c 'exit 42'
run "status 125 of its own" 125 "$B" -- sh -c 'exit 125'
# shellcheck disable=SC2016
for signal in TERM KILL INT USR1; do
	run "SIG$signal" $((128 + $(kill -l $signal))) "$B" -- sh -c "kill -$signal \$\$"
done
run "not found" 127 "$B" -- no-such-command-anywhere
[[ -s "$T/err" ]] || fail "nothing was said about a command that was not found"
run "not found, with a path" 127 "$B" -- "$W/missing"
run "no interpreter" 127 "$B" -- "$W/no-interpreter"
run "not executable" 126 "$B" -- "$W/not-executable"
[[ -s "$T/err" ]] || fail "nothing was said about a command that cannot be executed"
run "a directory" 126 "$B" -- "$W"
run "no such directory" 125 "$W/missing" -- touch "$W/ran"
run "no command" 125 "$B" --
run "no separator" 125 "$B"
run "unknown option" 125 --no-such-option "$B" -- touch "$W/ran"
[[ ! -e "$W/ran" ]] || fail "the command was run although nothing was mounted"

# the command works in the mount, and what it wrote is there afterwards
# shellcheck disable=SC2016
run "writing" 0 "$B" -- sh -c 'stat -f -c %T "$1" >"$2" && echo bytes >"$1/f"' sh "$B" "$W/type"
has "type of file system" "$(cat "$W/type")" fuse
eq "bytes" "$(cat "$B/f")" bytes
# options of the command are its own
run "options after --" 0 "$B" -- test -d "$B"
