#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P5: make stats its target on an interrupt and deletes it only if the mtime moved; without the family's
# sight a half-written target survives as up to date.
. "${0%/*}/lib.sh"
need make

mkfifo "$T/ready" "$T/go"
cat >"$W/Makefile" <<EOF
$B/target: $W/in
	$TOOL open 0 \$@ w,creat,trunc -- write 0 - half -- spawn 'echo >$T/ready; read x <$T/go'
$B/idle: $W/in
	echo >$T/ready; read x <$T/go
EOF
echo in >"$W/in"
old_targets() {
	echo old >"$B/target"
	echo old >"$B/idle"
	touch -d 2001-01-01 "$B/target" "$B/idle"
}
old_targets
mnt

started() {
	setsid env --default-signal=INT make -f "$W/Makefile" "$B/$1" >"$T/make.log" 2>&1 </dev/null &
	make=$!
	read -r <>"$T/ready"
}
ended() {
	local r=0
	wait "$make" || r=$?
	ne "exit status of make" "$r" 0
	until_true "the end of what make started" no_group "$make"
}
no_group() { ! kill -0 -- "-$1" 2>/dev/null; }
says_deleting() { grep -q Deleting "$T/make.log"; }
is_deleted() {
	! ls "$B/$1" 2>/dev/null || fail "$2 survived"
	[[ ! -e "$(v "$1")" ]] || fail "$2 survived in the backing"
}

# Only make is told, so the recipe still holds its target open when make looks.
alone() {
	started "$1"
	kill -INT "$make"
	[[ $1 == idle ]] || until_true "make deletes its target" says_deleting
	echo >"$T/go"
	ended
}
# As ^C at a terminal does: make and all it started at once.
together() {
	started "$1"
	kill -INT -- "-$make"
	ended
}

for how in alone together; do
	old_targets
	"$how" target
	is_deleted target "the half-written target"
	# one that was not there before
	"$how" target
	is_deleted target "the half-written new target"
	# one that was not touched stays
	"$how" idle
	eq "the untouched target" "$(cat "$B/idle")" old
done
