#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `lklfs run --progress` shows one live line in the last row of the terminal, whatever COMMAND prints there, and gives the
# terminal back as it was: at the end, after ^C, and when it is stopped. Nothing is shown without a terminal.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3

cat >"$W/terminal.py" <<'EOF'
"""terminal.py ROWS COLUMNS STEP...: a terminal, in which lklfs runs as a job of a shell. Steps: until TEXT is on the screen,
file FILE is made, resize ROWS COLUMNS, keys TEXT, stopped (waits for that, and shows the screen), continue. In the end it
prints the screen, with the rows that scrolled out, and exits as the job does."""
import fcntl, os, pty, re, signal, struct, sys, termios, time

class Row(list):
    goes_on = False

class Screen:
    """As much of a terminal as is used here; anything else is an error."""
    def __init__(self, rows, columns):
        self.rows, self.columns, self.cells = rows, columns, [Row() for _ in range(rows)]
        self.gone, self.row, self.column, self.saved, self.bottom = [], 0, 0, (0, 0), rows - 1

    def resize(self, rows, columns):
        while len(self.cells) > rows:
            self.gone.append(self.cells.pop(0)); self.row = max(0, self.row - 1)
        self.cells += [Row() for _ in range(rows - len(self.cells))]
        self.rows, self.columns, self.bottom = rows, columns, rows - 1

    def down(self):
        if self.row == self.bottom:
            self.gone.append(self.cells.pop(0))
            self.cells.insert(self.bottom, Row())
        elif self.row < self.rows - 1:
            self.row += 1

    def put(self, c):
        if self.column == self.columns:
            assert self.row <= self.bottom, "the line is too long"
            self.cells[self.row].goes_on = True
            self.column = 0
            self.down()
        row = self.cells[self.row]
        row += " " * (self.column + 1 - len(row))
        row[self.column] = c
        self.column += 1

    def take(self, text):
        while text:
            if m := re.match(r"\033\[([0-9;]*)([A-Za-z])", text):
                n = [int(x) for x in m[1].split(";") if x]
                if m[2] == "r":
                    self.bottom = (n[1] if n else self.rows) - 1
                    self.row = self.column = 0
                elif m[2] == "H":
                    self.row, self.column = n[0] - 1, n[1] - 1
                elif m[2] == "K":
                    del self.cells[self.row][self.column:]
                else:
                    assert m[2] == "m", m[0]
            elif m := re.match(r"\033([78DM])", text):
                if m[1] == "7":
                    self.saved = self.row, self.column
                elif m[1] == "8":
                    self.row, self.column = self.saved
                elif m[1] == "D":
                    self.down()
                else:
                    assert self.row > 0
                    self.row -= 1
            elif m := re.match(r"[\r\n]", text):
                if m[0] == "\r":
                    self.column = 0
                else:
                    self.down()
            elif m := re.match(r"[ -~\u00a0-\uffff]", text):
                self.put(m[0])
            elif re.match(r"\033(\[[0-9;]*)?$", text):
                return text
            else:
                raise AssertionError(f"what is this: {text[:20]!r}")
            text = text[m.end():]
        return ""

    def text(self):
        rows = self.gone + self.cells
        return "".join("".join(r) if r.goes_on else "".join(r).rstrip() + "\n" for r in rows).rstrip("\n")

    def last(self):
        return "".join(self.cells[-1])

def shell(report, command):
    """Starts the job in the foreground, and tells of its stops."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        for s in (signal.SIGTTOU, signal.SIGINT, signal.SIGTSTP, signal.SIGPIPE):
            signal.signal(s, signal.SIG_DFL)
        os.execvp(command[0], command)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            os._exit(os.waitstatus_to_exitcode(status) & 255)
        os.write(report, b"s")
        signal.sigwait([signal.SIGUSR1])
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)

rows, columns, steps, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split("\n"), sys.argv[4:]
screen, rest, ended = Screen(rows, columns), "", False
told, report = os.pipe()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    shell(report, command)
os.set_blocking(terminal, False)
os.set_blocking(told, False)

def look():
    global rest, ended
    try:
        data = os.read(terminal, 65536)
        ended = ended or not data
        rest = screen.take(rest + data.decode())
    except BlockingIOError:
        time.sleep(0.01)
    except OSError:
        ended = True

def wait(what, is_so):
    limit = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < limit and not ended, f"never: {what}\n{screen.text()}"
        look()

def is_stopped():
    try:
        return os.read(told, 1) == b"s"
    except BlockingIOError:
        return False

for step in filter(None, (s.strip() for s in steps)):
    word, _, text = step.partition(" ")
    if word == "until":
        wait(text, lambda: text in screen.text())
    elif word == "last":
        wait(text, lambda: text in screen.last())
    elif word == "none":
        assert "kept" not in screen.text(), screen.text()
    elif word == "file":
        open(text, "w").close()
    elif word == "resize":
        r, c = map(int, text.split())
        screen.resize(r, c)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", r, c, 0, 0))
    elif word == "keys":
        os.write(terminal, text.encode().decode("unicode_escape").encode())
    elif word == "stopped":
        wait("a stop", is_stopped)
        look()
    elif word == "continue":
        os.kill(pid, signal.SIGUSR1)
    else:
        raise AssertionError(step)
while not ended:
    look()
print(screen.text())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
shows() { # STATUS ROWS COLUMNS STEPS SCRIPT: what is left on the screen is in $T/out, without what lklfs says in the end
	local status
	status=$(status_of env TERM="${TERM_IS:-xterm}" LC_ALL=C.UTF-8 python3 "$W/terminal.py" "$2" "$3" "$4" \
		"$LKLFS" run --progress a b -- bash -c "waits() { until [[ -e \$W/\$1 ]]; do sleep 0.01; done; }; $5")
	[[ "$status" == "$1" ]] || fail "exit status $status, not $1: $(cat "$T/out" "$T/err")"
	rm -f "$W"/go*
	sed -i -E 's/^(.*)(lklfs: [0-9]+ files? written: .*)$/\1\n\2/' "$T/out"
	eq "of the line" "$(grep -c 'kept.* in 0:' "$T/out")" 0
	has "the last line" "$(tail -n 1 "$T/out")" "lklfs: "
	sed -i '$d' "$T/out"
}
export W B ODD=$'\e[2J\r\xff'
mkdir "$B/a" "$B/b"
echo same >"$B/a/same"
cd "$B"

# what COMMAND prints, in pieces and more than fits, is there afterwards; of the line nothing is
shows 7 7 99 "
last lklfs: 1 kept, 0 changed, 1 new in 0:0
last ; a/\\033[2J\\015\\377
until in pieces
file $W/go1
last lklfs: 1 kept, 0 changed, 2 new in 0:0
last ; b/newest-of-all-the-files-that-are-here
resize 5 60
last ; ...
file $W/go2
until no newline
file $W/go3
" 'seq 1 12; printf "in pieces"; echo same >a/same; echo x >"a/$ODD"; waits go1
echo ", ended"; seq 1 3; echo new >b/newest-of-all-the-files-that-are-here; waits go2; printf "no newline"; waits go3; exit 7'
eq "the screen" "$(cat "$T/out")" "$(seq 1 12)
in pieces, ended
$(seq 1 3)
no newline"

# ^C ends COMMAND, and what it says last is on a screen like any other
shows 130 7 99 "
last lklfs: 
keys \\x03
" 'echo begun; echo 1 >b/1; trap "echo interrupted; trap - INT; kill -INT \$\$" INT; waits go1'
eq "the screen after ^C" "$(cat "$T/out")" "begun
^Cinterrupted"

# ^Z gives the terminal back to the shell, for as long as it has it
shows 0 7 99 "
last lklfs: 
keys \\x1a
stopped
none
continue
last lklfs: 
file $W/go1
" 'echo begun; echo 1 >b/2; waits go1; echo ended'
eq "the screen after ^Z" "$(cat "$T/out")" "begun
^Zended"

# a terminal that cannot move its cursor, and no terminal
TERM_IS=dumb shows 0 7 99 "" 'echo x >b/3; until [[ "$(cat b/.lklfs/status)" == *\"new\":1* ]]; do :; done; echo done'
eq "the screen of a dumb terminal" "$(cat "$T/out")" done
eq "no terminal" "$(status_of env TERM=xterm "$LKLFS" run --progress a -- sh -c 'echo x >a/4')" 0
grep -qxE 'lklfs: 1 file written: [^[:cntrl:]]*' "$T/err" || fail "no terminal: $(cat -v "$T/err")"
eq "no terminal, lines" "$(wc -l <"$T/err")" 1

# as process 1
status=$(status_of env TERM=xterm LC_ALL=C python3 "$W/terminal.py" 7 99 "last lklfs: 0 kept, 0 changed, 1 new
file $W/go1" unshare -m -p -f --mount-proc "$LKLFS" run --progress a -- \
	sh -c 'echo x >a/5; until [ -e "$W/go1" ]; do sleep 0.01; done; exit 5')
eq "as process 1: $(cat "$T/err")" "$status" 5
