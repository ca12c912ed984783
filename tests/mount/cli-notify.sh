#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the foreground lklfs tells a service manager when all mounts are live, and when they are about to end, through
# the socket of NOTIFY_SOCKET. In the background, and where mounting fails, it tells nothing.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3

# listen ADDRESS: what arrives there is a line of $T/told each
listen() {
	: >"$T/told"
	python3 - "$1" >"$T/told" <<'END' &
import os, socket, sys
address = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + address[1:] if address[0] == "@" else address)
print("listening", flush=True)
while (text := listener.recv(1000).decode()) != "END":
    # at that very moment
    live = sum(os.path.exists(os.path.join(directory, ".lklfs/status")) for directory in os.environ["DIRS"].split(":"))
    print(text, live if text == "READY=1" else "", flush=True)
END
	listener=$!
	until_true "the listener" told listening
}
told() { grep -q "$1" "$T/told"; }
# has_told WHAT LINE...: these and no others have arrived
has_told() {
	local what=$1
	shift
	python3 -c 'import socket, sys
a = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"END", "\0" + a[1:] if a[0] == "@" else a)' "$NOTIFY_SOCKET"
	wait "$listener"
	eq "$what" "$(cat "$T/told")" "$(printf '%s\n' listening "$@")"
	[[ "$NOTIFY_SOCKET" == @* ]] || rm "$NOTIFY_SOCKET"
}
ended() {
	local r=0
	wait "$1" || r=$?
	eq "status" "$r" 0
	until_true "the daemon's end" no_daemon
}

mkdir "$B/a" "$B/b"
export DIRS=$B/a:$B/b
for NOTIFY_SOCKET in "$T/socket" "@$T/abstract"; do
	export NOTIFY_SOCKET
	listen "$NOTIFY_SOCKET"
	"$LKLFS" -f "$B/a" "$B/b" </dev/null 2>"$T/err" &
	pid=$!
	until_true "the readiness" told READY
	kill -TERM "$pid"
	ended "$pid"
	eq "$NOTIFY_SOCKET: lines said" "$(cat "$T/err")" ""
	has_told "$NOTIFY_SOCKET" "READY=1 2" "STOPPING=1 "
done

# others unmount it
NOTIFY_SOCKET=$T/socket
listen "$NOTIFY_SOCKET"
"$LKLFS" -f "$B/a" "$B/b" </dev/null &
pid=$!
until_true "the readiness" told READY
"$LKLFS" umount "$B/a" "$B/b" </dev/null
ended "$pid"
has_told "unmounted by others" "READY=1 2" "STOPPING=1 "

# in vain, and in the background
listen "$NOTIFY_SOCKET"
eq "in vain: status" "$(status_of "$LKLFS" -f "$B/a" "$B/missing")" 1
"$LKLFS" "$B/a" </dev/null
"$LKLFS" umount "$B/a" </dev/null
"$LKLFS" run "$B/a" -- true 2>/dev/null
has_told "others than -f"

# an address that leads nowhere is said, and no more: the mount is there
for NOTIFY_SOCKET in "$T/missing" socket; do
	"$LKLFS" -f "$B/a" </dev/null 2>"$T/err" &
	pid=$!
	until_true "a live mount" test -e "$B/a/.lklfs/status"
	"$LKLFS" umount "$B/a" </dev/null
	ended "$pid"
	eq "$NOTIFY_SOCKET: lines said" "$(grep -c "^lklfs: warning: NOTIFY_SOCKET=$NOTIFY_SOCKET: " "$T/err")" 1
done
