#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 4: a daemon in the background without --log speaks to syslog, as lklfs of the facility daemon.
# AXES: root
. "${0%/*}/lib.sh"
need python3

# a /dev with a log of our own
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/fuse c 10 229
cat >"$T/listen.py" <<'EOP'
import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
print("ready", flush=True)
log.settimeout(30)
print(log.recv(4096).decode(), flush=True)
EOP
mkfifo "$T/heard"
python3 "$T/listen.py" >"$T/heard" &
exec 6<"$T/heard"
read -r -u 6 word
eq "the listener" "$word" ready

echo bytes >"$B/f"
mnt
exec 5<"$B/f"
kill -TERM "$(daemons)"
read -r -u 6 -t 30 text || fail "nothing came to syslog"
exec 5<&-
until_true "the daemon's end" no_daemon
wait
# 28: daemon, warning
[[ "$text" =~ ^\<28\>.*\ lklfs\[[0-9]+\]:\ warning:\  ]] || fail "syslog got: $text"
has "what is said" "$text" "$B is in use"
exec 6<&-
umount /dev
