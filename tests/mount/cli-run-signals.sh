#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Issue 2, item 2: run forwards SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2; a ^C from the terminal
# reaches COMMAND once.
. "${0%/*}/lib.sh"
need python3

mkfifo "$T/ready"
cat >"$W/command.py" <<'EOF'
import signal, sys
wanted = getattr(signal, "SIG" + sys.argv[2])
signal.pthread_sigmask(signal.SIG_BLOCK, [wanted])
open(sys.argv[1], "w").write("ready\n")
print(signal.Signals(signal.sigwait([wanted])).name, flush=True)
sys.exit(7)
EOF
for signal in INT TERM HUP QUIT USR1 USR2; do
	env --default-signal "$LKLFS" run "$B" -- python3 "$W/command.py" "$T/ready" "$signal" >"$T/out" 2>/dev/null &
	pid=$!
	read -r <>"$T/ready"
	kill "-$signal" "$pid"
	r=0
	wait "$pid" || r=$?
	eq "SIG$signal: status" "$r" 7
	eq "SIG$signal: what the command got" "$(cat "$T/out")" "SIG$signal"
done
# without a handler it ends the command, and run says so
env --default-signal "$LKLFS" run "$B" -- sh -c "echo ready >$T/ready; read x <>$T/never" 2>/dev/null &
pid=$!
read -r <>"$T/ready"
kill -TERM "$pid"
r=0
wait "$pid" || r=$?
eq "status after SIGTERM" "$r" 143

# at a terminal
mkfifo "$T/noted"
cat >"$W/terminal.py" <<'EOF'
import os, pty, signal, sys
ready, noted, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
open(ready).readline()
os.write(terminal, b"\x03")
open(noted).readline()
# a second INT, forwarded, would be noted before USR1 ends the command
os.kill(pid, signal.SIGUSR1)
out = b""
try:
    while data := os.read(terminal, 4096):
        out += data
except OSError:
    pass
sys.stdout.buffer.write(out)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
cat >"$W/note.py" <<'EOF'
import signal, sys
signals = [signal.SIGINT, signal.SIGUSR1]
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
open(sys.argv[1], "w").write("ready\n")
got = []
while "SIGUSR1" not in got:
    got.append(signal.Signals(signal.sigwait(signals)).name)
    if len(got) == 1:
        open(sys.argv[2], "w").write("noted\n")
print("got", *got, "end", flush=True)
EOF
python3 "$W/terminal.py" "$T/ready" "$T/noted" "$LKLFS" run "$B" -- python3 "$W/note.py" "$T/ready" "$T/noted" >"$T/out"
has "what the command got at a terminal" "$(cat "$T/out")" "got SIGINT SIGUSR1 end"
eq "mounts" "$(n_mounted "$B")" 0
