#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every error is one sentence. The sources have the list of them: each one is provoked here from outside and comes out
# in one line, or stands below among those that only a defect of the machine can bring about.
# AXES: root ext4
# TIMEOUT: 120
. "${0%/*}/lib.sh"
need python3 setpriv prlimit strace

cat >"$T/unprovoked" <<'EOF'
cannot set the mode of %s back to %o, chmod it by hand
COMMAND ended before it was started
cannot create an event descriptor
cannot write the journal %s
cannot keep the journal for --report
cannot receive signals
cannot leave the working directory
cannot take %s over
the mount over %s is not in the mount table: is something else mounted there?
cannot signal an event
cannot unmount %s
cannot wait for the kernel
a mount ended before it was ready: somebody unmounted it, or the kernel's FUSE is too old
%s did not answer before it was unmounted
EOF

user=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups --)
: >"$T/said"
says() { # STATUS COMMAND...: exits so, and says lines that are sentences
	local want=$1
	shift
	eq "status of $*" "$(status_of "$@") $(cat "$T/err")" "$want $(cat "$T/err")"
	one_line_each "$*"
}
one_line_each() { # of $T/err
	[[ -s "$T/err" ]] || fail "$1 says nothing"
	! grep -v '^lklfs: ' "$T/err" || fail "$1 says what is no sentence of lklfs"
	cat "$T/err" >>"$T/said"
}
until_said() { grep -q "$1" "$2"; }
serves() { "$LKLFS" status "$1" 2>/dev/null | grep -q ": pid "; }
no_mount() { [[ -z "$(findmnt -n -t fuse.lklfs)" ]]; }
hide() { # FILE: by something of the same kind that is nothing
	if [[ -d "$1" ]]; then mount -t tmpfs -o mode=755 none "$1"; else mount --bind "$W/nothing" "$1"; fi
}

: >"$W/nothing"
mkdir "$B/d" "$B/d/sub" "$B/closed" "$W/user"
: >"$B/file"
chmod 0 "$B/closed"
chown "$TEST_UID:$TEST_UID" "$W/user" "$B"
chmod 1777 "$T"
ln -s "$LKLFS" "$T/mount.fuse.lklfs"
long=$(printf '%300s' '' | tr ' ' x)

# ---- the command line ----

says 2 "$LKLFS"
says 2 "$LKLFS" mount
says 2 "$LKLFS" umount
says 2 "$LKLFS" umuont
says 2 "$LKLFS" --nonsense
says 2 "$LKLFS" umount --timeout=soon "$B"
for list in keep=x keep_bytes=1X always= drivers= drivers=a/b subtype=x entry_timeout=x durable=yes nonsense; do
	says 2 "$LKLFS" -o "$list" "$B/d"
	says 125 "$LKLFS" run -o "$list" "$B/d" -- true
done
says 125 "$LKLFS" run "$B/d"
says 1 "$T/mount.fuse.lklfs" none
says 32 "$T/mount.fuse.lklfs" -N "$T/missing" none "$B/d"
says 32 "$T/mount.fuse.lklfs" none "$B/d" -o remount,ro
says 2 "$LKLFS" -o remount,ro "$B/d"
says 1 "$LKLFS" status "$B/d"
says 1 "$LKLFS" "$B/missing"
says 1 "$LKLFS" "$B/file"
says 1 "$LKLFS" "$B/$long"
says 1 "$LKLFS" --mkdir "$B/file/d"
says 1 "$LKLFS" "$B/d" "$B/d/"
says 1 "$LKLFS" "$B/d" "$B/d/sub"
says 1 "$LKLFS" /
says 1 "$LKLFS" --log="$B/d/log" "$B/d"
says 1 "$LKLFS" --log="$T/missing/log" "$B/d"
says 1 "$LKLFS" umount "$B/$long/d"
says 127 "$LKLFS" run "$B/d" -- "$T/missing"
says 126 "$LKLFS" run "$B/d" -- "$T"
says 1 "${user[@]}" "$LKLFS" "$B/closed"
says 1 "${user[@]}" "$LKLFS" "$W"
says 1 "${user[@]}" "$LKLFS" "$(cd "$W/user" && for ((i = 0; i < 9; i++)); do mkdir "${long:50}" && cd "${long:50}"; done && pwd)"
chown -R "$TEST_UID:$TEST_UID" "$W/user"

# ---- the machine ----

mount --bind "$B/closed" "$B/closed"
mount -o remount,bind,ro "$B/closed"
says 1 "$LKLFS" "$B/closed"
says 1 "$LKLFS" --mkdir "$B/closed/new"
says 0 "$LKLFS" run --or-plain "$B/closed" -- true
umount "$B/closed"

# few descriptors, or processes: whatever is wanted first is missing
for ((n = 4; n < 10; n++)); do
	for how in "mount -f" mount; do
		# shellcheck disable=SC2086
		eq "$how with $n descriptors" "$(status_of prlimit "--nofile=$n" -- "$LKLFS" $how "$B/d")" 1
		one_line_each "$how with $n descriptors"
	done
done
for n in 4 6; do
	says 125 prlimit "--nofile=$n" -- "$LKLFS" run "$B/d" -- true
done
# (of a user whom nobody else in here is)
games=(setpriv --reuid=games --regid=games --clear-groups --)
mkdir "$W/games"
chown games "$W/games"
some="1 2 3 4 8"
if [[ "$SANITIZED" == address ]]; then # LeakSanitizer wants a process
	some="3 4 8"
	echo "lklfs: cannot go into the background: Resource temporarily unavailable" >>"$T/said"
fi
for n in $some; do
	says 1 "${games[@]}" prlimit "--nproc=$n" -- "$LKLFS" "$W/games"
	# which the helper needed one more process for
	no_mount || "${games[@]}" "$LKLFS" umount "$W/games" </dev/null
	until_true "the daemon's end" no_daemon
done
chmod 600 /dev/fuse
says 1 "${user[@]}" "$LKLFS" "$W/user"
chmod 666 /dev/fuse
hide "$(command -v fusermount3)"
says 1 "${user[@]}" "$LKLFS" "$W/user"
umount "$(command -v fusermount3)"
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
says 1 "$LKLFS" "$B/d"
mkdir /dev/fuse
says 1 "$LKLFS" "$B/d"
umount /dev
says 1 setpriv --bounding-set=-sys_admin -- "$LKLFS" "$B/d"
if [[ -z "$SANITIZED" ]]; then # which cannot be without /proc
	says 1 unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" status' "$LKLFS"
else
	echo "lklfs: cannot read /proc/self/mountinfo: No such file or directory" >>"$T/said"
fi
mkdir -p "$B/.lklfs-stage-99999999-1-1/d"
"$LKLFS" "$B" </dev/null 2>"$T/err"
one_line_each "mounting over what cannot be swept"
"$LKLFS" umount "$B" </dev/null
rm -r "$B/.lklfs-stage-99999999-1-1"

# ---- what is mounted already ----

cd "$B/d"
"$LKLFS" "$B/d" </dev/null 2>"$T/err"
one_line_each "mounting over the working directory"
cd "$T"
says 1 "$LKLFS" "$B/d"
says 1 "$LKLFS" "$B/d/sub"
says 1 "$LKLFS" "$B"
says 0 "$LKLFS" run --or-plain "$B/d" -- true
has "what --or-plain says then" "$(cat "$T/err")" "running COMMAND without a mount of its own"
says 1 "${user[@]}" "$LKLFS" umount "$B/d"
says 32 "${user[@]}" "$T/mount.fuse.lklfs" none "$B/d" -o remount,ro
start w
to w open 0 "$B/d" r,dir
says 1 "$LKLFS" umount "$B/d"
ends w
mount -t tmpfs none "$B/d"
says 1 "$LKLFS" umount "$B/d"
umount "$B/d"
kill -STOP "$(daemons)"
says 1 "$LKLFS" umount "$B/d"
kill -CONT "$(daemons)"
until_true "it answers" serves "$B/d"
# a copy of the mount in another namespace keeps the daemon
mkfifo "$T/hold"
unshare -m --propagation private sh -c 'echo >"$0"; read -r _ <"$0"' "$T/hold" &
read -r _ <"$T/hold"
says 1 "$LKLFS" umount --timeout=0 "$B/d"
echo >"$T/hold"
wait
until_true "the daemon's end" no_daemon

# somebody's own, dead, where the helper is missing
"${user[@]}" "$LKLFS" "$W/user" </dev/null
hide "$(command -v fusermount3)"
says 1 "${user[@]}" "$LKLFS" umount "$W/user"
kill_daemon
says 1 "${user[@]}" "$LKLFS" umount "$W/user"
says 1 "${user[@]}" "$LKLFS" "$W/user"
umount "$(command -v fusermount3)"
"${user[@]}" "$LKLFS" umount "$W/user" </dev/null

# connections that cannot be cut, and mounts that do not end when their daemon is asked to
hide /sys/fs/fuse/connections
"${user[@]}" "$LKLFS" "$W/user" </dev/null
start w "${user[@]}"
to w open 0 "$W/user" r,dir
status_of "${user[@]}" "$LKLFS" umount --force --timeout=0 "$W/user" >/dev/null
one_line_each "cutting off what cannot be cut"
ends w
until_true "the daemon's end" no_daemon
"${user[@]}" "$LKLFS" -f "$W/user" </dev/null 2>"$T/err" &
until_true "the mount" serves "$W/user"
start w "${user[@]}"
to w open 0 "$W/user" r,dir
kill -TERM "$(daemons)"
until_true "the first" until_said "it is detached" "$T/err"
kill -TERM "$(daemons)"
until_true "the second" until_said "cannot cut" "$T/err"
one_line_each "asking a daemon to end"
ends w
wait
umount /sys/fs/fuse/connections
"$LKLFS" -f "$B/d" </dev/null 2>"$T/err" &
until_true "the mount" serves "$B/d"
mount -t tmpfs none "$B/d"
kill -TERM "$(daemons)"
until_true "what is said" until_said "over it" "$T/err"
one_line_each "asking a daemon whose mount is hidden to end"
umount "$B/d"
"$LKLFS" umount "$B/d" </dev/null
wait

# ---- whoever supervises ----

NOTIFY_SOCKET=socket says 1 "$LKLFS" -f "$B/missing"
NOTIFY_SOCKET=$T/missing says 1 "$LKLFS" -f "$B/missing"
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while s.recv(100) != b"READY=1": pass' "$T/socket" &
listener=$!
until_true "the listener" test -e "$T/socket"
NOTIFY_SOCKET=$T/socket "$LKLFS" -f "$B/d" </dev/null 2>"$T/err" &
wait "$listener"
kill -TERM "$(daemons)"
wait
one_line_each "telling who has gone"

# ---- run ----

mkdir "$W/user/in"
chown "$TEST_UID:$TEST_UID" "$W/user/in"
cd "$W/user/in"
chmod 0 .
says 125 "${user[@]}" "$LKLFS" run "$W/user" -- true
cd "$T"
says 0 "$LKLFS" run "$B/d" -- "$LKLFS" umount "$B/d"

# ---- what cannot be exposed ----

log_says() { # LINES: what the log has from there on, without stamps
	sed -n "$1,\$s/^[^ ]* lklfs\[[0-9]*\]: /lklfs: /p" "$T/log" >"$T/err"
	eq "lines of the log" "$(wc -l <"$T/err")" "$(sed -n "$1,\$p" "$T/log" | wc -l)"
	one_line_each "the log"
}
echo old >"$B/d/f"
"$LKLFS" --log="$T/log" "$B/d" </dev/null
(chattr +i "$V/d/f" && echo new) >"$B/d/f"
says 1 "$LKLFS" umount "$B/d"
says 0 "$LKLFS" umount --force "$B/d"
until_true "the daemon's end" no_daemon
chattr -i "$B/d/f"
eq "what was saved" "$(cat "$B/d/f" "$B/d/f.lklfs-unsaved")" $'old\nnew'
rm "$B/d/f.lklfs-unsaved"
log_says 1
n_lines=$(wc -l <"$T/log")
"$LKLFS" --log="$T/log" "$B/d" </dev/null
start w
to w open 0 "$B/d/f" w
to w write 0 0 new
sync -f "$B/d/f" # the kernel hands over what it has
chattr +i "$V/d/f" "$V/d"
eq "fsync" "$(to_errno w fsync 0)" EPERM
ends w
says 1 "$LKLFS" umount "$B/d"
"$LKLFS" umount --force "$B/d" </dev/null
until_true "the daemon's end" no_daemon
chattr -i "$V/d" "$V/d/f"
log_says "$((n_lines + 1))"
# nor saved anywhere
n_lines=$(wc -l <"$T/log")
mount -t tmpfs -o ro none /var/tmp
TMPDIR=/var/tmp "$LKLFS" --log="$T/log" "$B/d" </dev/null
(echo new && sync -f "$B/d/f" && chattr +i "$V/d/f" "$V/d") >"$B/d/f"
says 1 "$LKLFS" umount --force "$B/d"
umount /var/tmp
chattr -i "$V/d" "$V/d/f"
log_says "$((n_lines + 1))"
# nor in time
"$LKLFS" -o durable "$B/d" </dev/null
inject fsync:delay_enter=600s
echo new >"$B/d/f"
says 1 "$LKLFS" umount --timeout=0 "$B/d"
inject_end
"$LKLFS" umount "$B/d" </dev/null
eq "that" "$(cat "$B/d/f")" new
echo old >"$B/d/f"

# ---- the journal ----

says 2 "$LKLFS" -o journal= "$B/d"
says 2 "$LKLFS" report
says 2 "$LKLFS" report --json=1 "$T/journal"
says 2 "$LKLFS" report --html= "$T/journal"
says 2 "$LKLFS" report --json --why="$B/d/f" "$T/journal"
says 2 "$LKLFS" report --html="$T/page" --why="$B/d/f" "$T/journal"
says 1 "$LKLFS" report "$T/missing"
says 1 "$LKLFS" report "$B/d"
echo nonsense >"$T/journal"
says 1 "$LKLFS" report "$T/journal"
echo '{"v":2,"time":1.0,"path":"/f","verdict":"changed"}' >"$T/newer"
says 1 "$LKLFS" report "$T/newer"
has "a journal of another format" "$(cat "$T/err")" "is a journal of format 2, and this lklfs reads 1"
echo '{"v":1,"time":1.5,"verdict":"kept","path":"/f"}' >>"$T/journal"
says 0 "$LKLFS" report "$T/journal"
says 1 "$LKLFS" report --why=/g "$T/journal"
# shellcheck disable=SC2016
says 1 sh -c 'exec "$0" report "$1" >/dev/full' "$LKLFS" "$T/journal"
says 1 "$LKLFS" report --html="$T/missing/page" "$T/journal"
"$LKLFS" "$B/d" </dev/null
daemon=$(daemons)
kill -KILL "$daemon"
until_true "the daemon's end" no_daemon
says 1 "$LKLFS" report "$B/d"
"$LKLFS" umount "$B/d" </dev/null
mkfifo "$T/full"
exec 5<>"$T/full"
dd if=/dev/zero of="$T/full" bs=64K count=1 oflag=nonblock 2>/dev/null
says 0 "$LKLFS" run -o journal="$T/full" "$B/d" -- true
exec 5<&-
says 0 "$LKLFS" run -o journal=/dev/full "$B/d" -- true

# ---- what a dead daemon has left ----

hidden=.lklfs-stage-1-1-1
sweeps() { # WHAT: mounting says something of it
	says 0 "$LKLFS" "$B/d"
	"$LKLFS" umount "$B/d" </dev/null
	chattr -i "$B/d/f"
	rm -f "$B/d/$hidden"*
}
echo forged >"$B/d/$hidden-99"
chown "$TEST_UID" "$B/d/$hidden-99"
sweeps "somebody else's"
echo whole >"$B/d/$hidden-$(ino "$B/d/f")"
chattr +i "$B/d/f"
sweeps "what cannot be written"
echo whole >"$B/d/$hidden-$(ino "$B/d/f")"
touch -d '1 hour' "$B/d/f"
sweeps "what has been written since"
eq "that" "$(cat "$B/d/f")" old
echo whole >"$B/d/$hidden-$(ino "$B/d/f")"
touch "$B/d/f"
sweeps "what is finished"
eq "that, then" "$(cat "$B/d/f")" whole
mkdir -m 0 "$W/user/closed"
"${user[@]}" sh -c 'echo whole >"$1"' sh "$W/user/$hidden-1"
says 0 "${user[@]}" "$LKLFS" "$W/user"
"${user[@]}" "$LKLFS" umount "$W/user" </dev/null

# ---- all of them ----

python3 - "$TOP" "$T/said" "$T/unprovoked" <<'END' || fail "the sentences above"
import glob, re, sys
top, said, unprovoked = sys.argv[1], open(sys.argv[2], errors="replace").read().splitlines(), open(sys.argv[3]).read().splitlines()
said = {line.removeprefix("lklfs: ").removeprefix("warning: ") for line in said}
sentences = {}
for path in glob.glob(top + "/src/*.c"):
    text = open(path).read()
    for match in re.finditer(r"\blog_(errno|error|warning)\(\s*([^;]*?)\);", text):
        # the format is the first run of literals; what is in a condition beside it is an argument
        literals = re.search(r'(?:"(?:[^"\\]|\\.)*"|PRIu64|\s)+', match[2][match[2].find('"'):] if '"' in match[2] else "")
        if literals:
            words = re.findall(r'"((?:[^"\\]|\\.)*)"|(PRIu64)', literals[0])
            format = "".join(literal or "u" for literal, _ in words).replace('\\"', '"')
            sentences[format] = match[1]
assert len(sentences) > 70, f"only {len(sentences)} sentences are found in the sources"
wrong = []
for format, kind in sentences.items():
    pattern = "".join(".*" if part.startswith("%") else re.escape(part) for part in re.split(r"(%[%a-z]+)", format))
    pattern += ": [A-Z].*" if kind == "errno" else ""
    if re.fullmatch(r"(\.\*| )*", pattern.replace("\\", "")) or format in ("%s; %s", "%s"):
        continue
    found = any(re.fullmatch(pattern, line) for line in said)
    if found == (format in unprovoked):
        wrong.append(("provoked after all: " if found else "not provoked: ") + format)
wrong += [f"not in the sources: {format}" for format in unprovoked if format not in sentences]
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
END
