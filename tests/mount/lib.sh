# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts beside this file share. Sourced first by each of them; tests/run starts them.
#
#   $LKLFS  the program         $B  the directory to mount over    $AXIS_USER  root | user
#   $TOOL   tests/mount/tool.c  $V  its backing, beside it: see v  $AXIS_FS    ext4 | tmpfs, or see tests/run
#   $T      scratch             $W  scratch on the backing's file system
#   $TOP    the source tree
#
# Who is who: a writer's children, and everybody above it, are its family and see what it has staged.
# The shell is above all it starts, so what the shell does itself ([ -e f ], read < f) is family's
# doing, while a command it starts (cat f, stat f) is a stranger to the other commands it started.
# Hence a writer that is watched by strangers is a tool of its own, steered through fifos:
#
#   start w                           a steered tool called w
#   to w open 0 "$B/f" w,trunc        does that and prints the answer
#   ends w                            lets it exit, and waits

set -euo pipefail
set -E

exec 19>>"$CASE/trace"
BASH_XTRACEFD=19
PS4='+ ${BASH_SOURCE##*/}:${LINENO}: '
trap 'echo "${BASH_SOURCE##*/}:$LINENO: failed: $BASH_COMMAND" >&2' ERR
trap 'status=$?; at_exit "$status"' EXIT
umask 022

# Nothing of the shell's may keep the mount busy.
cd "$T"

declare -A STEER_PID STEER_IN STEER_OUT FORK_PID

# ---- outcome ----

fail() {
	local i
	echo "FAIL: $*" >&2
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		echo "  from ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]} ${FUNCNAME[i]}" >&2
	done
	exit 1
}

skip() {
	echo "skip: $*"
	exit 77
}

# eq WHAT GOT WANT
eq() {
	[[ "$2" == "$3" ]] || fail "$1: got '$2', want '$3'"
}

# ne WHAT GOT UNWANTED
ne() {
	[[ "$2" != "$3" ]] || fail "$1: still '$2'"
}

# has WHAT TEXT PATTERN: the pattern (of case) is somewhere in the text
has() {
	# shellcheck disable=SC2053
	[[ "$2" == *$3* ]] || fail "$1: '$2' does not have '$3'"
}

# Nanoseconds of a stamp SECONDS.FRACTION, in $ns.
ns_of() {
	ns=${1#*.}000000000
	ns=$((10#${1%.*}${ns:0:9}))
}

# newer WHAT A B: stamp A is later than stamp B (or, where stamps come in ticks, no earlier)
newer() {
	local ns a
	ns_of "$2"
	a=$ns
	ns_of "$3"
	((a > ns)) && return
	((a == ns)) && ! fine_stamps && return
	fail "$1: $2 is not later than $3"
}

not_newer() {
	local ns a
	ns_of "$2"
	a=$ns
	ns_of "$3"
	((a <= ns)) || fail "$1: $2 is later than $3"
}

# over FS...: whether the backing is one of these
over() { [[ " $* " == *" $AXIS_FS "* ]]; }

# not_over FS WHY: what the case is about cannot be had there; docs/ARCHITECTURE.md has a list
not_over() { if over "$1"; then skip "$1 $2"; fi; }

# status_of COMMAND...: its exit status, for those that should fail; output goes to $T/out and $T/err
status_of() {
	local r=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || r=$?
	echo "$r"
}

# errno_of COMMAND ARGS: OK, or the name of the error tool had
errno_of() {
	local out
	if out=$("$TOOL" "$@"); then echo OK; else echo "$out"; fi
}

# until_true WHAT COMMAND...: looks again and again, half a minute at most
until_true() {
	local what=$1 limit=$((SECONDS + 30))
	shift
	while ! "$@"; do
		((SECONDS < limit)) || fail "never happened: $what"
		read -r -t 0.01 <>"$T/never" || :
	done
}
mkfifo "$T/never"

# Needs a program that may be missing: a skip that says so.
need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# ---- looking: always a process of its own ----

tool() { "$TOOL" "$@"; }
mtime() { stat -c %.9Y "$1"; }
ctime() { stat -c %.9Z "$1"; }
ino() { stat -c %i "$1"; }

# All of a file that must not move when it is left alone.
trace() {
	stat -c 'ino=%i size=%s mtime=%.9Y ctime=%.9Z blocks=%b mode=%a uid=%u gid=%g nlink=%h' "$1"
}

# The same but for the blocks, which the mount need not know.
seen() {
	stat -c 'ino=%i size=%s mtime=%.9Y ctime=%.9Z mode=%a uid=%u gid=%g nlink=%h' "$1"
}

# v NAME: the file under this name in the backing, once the verdict on it is in. A close hands its verdict
# to everyone who looks through the mount (P4), but nobody who looks beside it is waited for.
v() {
	ls -lR "$B/$1" >/dev/null 2>&1 || :
	echo "$V/$1"
}

sum() { sha256sum <"$1" | cut -d' ' -f1; }

# pattern SIZE SEED: bytes that repeat nowhere nearby, the same for the same arguments
pattern() {
	awk -v n="$1" -v seed="$2" 'BEGIN {
		for (i = 0; n > 0; i++) {
			line = sprintf("%7d %s\n", i, seed)
			printf "%s", substr(line, 1, n)
			n -= length(line)
		}
	}'
}

# Do two neighbouring stamps of this file system differ? (Kernels before 6.13 count in ticks.)
fine_stamps() {
	local i last='' now
	for i in 1 2 3 4 5 6; do
		: >"$W/stamp$i"
		now=$(mtime "$W/stamp$i")
		[[ "$now" != "$last" ]] || return 1
		last=$now
	done
}

# marker NAME: makes a file beside the mount; its stamp says when
marker() {
	: >"$W/$1"
	mtime "$W/$1"
}

# ---- mounting ----

# How often lklfs is mounted on DIR.
n_mounted() {
	awk -v dir="$1" '$5 == dir && / - fuse\.lklfs / { n++ } END { print n + 0 }' /proc/self/mountinfo
}

# Process ids of every lklfs in this namespace that has not ended.
daemons() {
	local dir comm state
	local -a tasks
	for dir in /proc/[0-9]*; do
		{ read -r comm <"$dir/comm"; } 2>/dev/null || continue
		[[ "$comm" == "${LKLFS##*/}" ]] || continue
		state=$(sed -e 's/.*) //' -e 's/ .*//' "$dir/stat" 2>/dev/null) || continue
		tasks=("$dir"/task/*)
		# the first thread of one that was killed may have ended before the others
		[[ "$state" == [ZX] && ${#tasks[@]} == 1 ]] || echo "${dir#/proc/}"
	done
}

no_daemon() { [[ -z "$(daemons)" ]]; }

# What lies in an overlayfs so far becomes its lower layer, as in a container's image: from now on it is copied up by
# whoever changes it. Once, by root. Not if there are hard links, for those overlayfs breaks as it copies up, nor if
# somebody is in there. Directories can be renamed then; backing-overlayfs.sh has the rest.
freeze() {
	local lower=$CASE/layers/upper:$CASE/layers/lower
	[[ "$AXIS_FS" == overlayfs && "$AXIS_USER" == root && ! -e "$CASE/layers/upper2" ]] || return 0
	[[ -z "$(find "$B" ! -type d -links +1)" ]] || return 0
	umount "$CASE/view"
	if umount "$CASE/fs" 2>/dev/null; then
		mkdir "$CASE/layers/upper2" "$CASE/layers/work2"
		mount -t overlay -o "redirect_dir=on,lowerdir=$lower,upperdir=$CASE/layers/upper2,workdir=$CASE/layers/work2" \
			overlay "$CASE/fs"
	fi
	mount --bind "$CASE/fs" "$CASE/view"
}

# is_live: $B is mounted once, and answers
is_live() { (($(n_mounted "$B") == 1)) && ls "$B/.lklfs/status" >/dev/null 2>&1; }

# mnt [OPTION...]: over $B
mnt() {
	freeze
	"$LKLFS" "$@" "$B" </dev/null || fail "mounting failed: lklfs $* $B"
	eq "mounts on \$B" "$(n_mounted "$B")" 1
}

umnt() {
	"$LKLFS" umount "$B" </dev/null || fail "umount failed"
	eq "mounts on \$B after umount" "$(n_mounted "$B")" 0
	eq "daemons after umount" "$(daemons)" ""
}

remount() {
	umnt
	mnt "$@"
}

# The daemon dies as it would under the kernel's out-of-memory killer; nobody cleans up.
kill_daemon() {
	local pid
	pid=$(daemons)
	[[ -n "$pid" ]] || fail "no daemon to kill"
	# shellcheck disable=SC2086
	kill -KILL $pid
	until_true "the daemon's death" no_daemon
}

# ---- system calls that fail ----

is_traced() {
	local status
	for status in "/proc/$1"/task/*/status; do
		! grep -q '^TracerPid:[[:space:]]*0$' "$status" || return 1
	done
}

# is_injecting: strace has attached, or has given up
is_injecting() {
	is_traced "$1" || ! kill -0 "$STRACE_PID" 2>/dev/null
}

# inject EXPRESSION...: from now on these system calls of the daemon do as strace's -e inject= says
inject() {
	local pid expression
	local -a args=()
	local calls=
	need strace
	pid=$(daemons)
	for expression in "$@"; do
		calls+=,${expression%%:*}
		args+=(-e "inject=$expression")
	done
	strace -f -o "$T/strace" -p "$pid" -e "trace=${calls#,}" "${args[@]}" 2>"$T/strace.err" &
	STRACE_PID=$!
	until_true "strace's attaching" is_injecting "$pid"
	is_traced "$pid" || skip "strace cannot attach: $(cat "$T/strace.err")"
}

# Before mnt: the daemon is going to end while its system calls fail. LeakSanitizer cannot look at what is traced.
ends_traced() { export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"; }

# From now on they work again.
inject_end() {
	kill -TERM "$STRACE_PID"
	wait "$STRACE_PID" || :
}

# Exposing is tried again at once.
try_again() { sync "$B/.lklfs/status"; }

# status_value KEY: what the status of the mount says of it, as JSON
status_value() {
	local line
	read -r line <"$B/.lklfs/status"
	[[ "$line" =~ \"$1\":(\[[^]]*\]|\"[^\"]*\"|-?[0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# so_many_failed N: files that could not be exposed. Nobody who asks for the status waits for a verdict.
these_failed() { [[ "$(status_value failed_paths)" == "$1" ]]; }
so_many_failed() { [[ "$(status_value failed)" == "$1" ]]; }

# Names in the backing that no program asked for.
strange_names() {
	(cd "$V" && find . -mindepth 1 -name '*lklfs*')
}

at_exit() {
	local status=$1 id
	trap - EXIT ERR
	set +e
	for id in "${!STEER_PID[@]}"; do
		kill -KILL "${STEER_PID[$id]}" 2>/dev/null
		wait "${STEER_PID[$id]}" 2>/dev/null
	done
	if ((status == 0)); then
		if (($(n_mounted "$B") > 0)); then
			# umount exposes what is open, so it is part of the test
			"$LKLFS" umount "$B" </dev/null || { echo "FAIL: umount at the end" >&2; status=1; }
		fi
		if [[ -n "$(strange_names)" ]]; then
			echo "FAIL: left in the backing: $(strange_names)" >&2
			status=1
		fi
	fi
	exit "$status"
}

# ---- steered tools ----

# fifos NAME: both ends stay open here, so that neither side waits for the other to come
fifos() {
	local in out
	if [[ -n "${STEER_IN[$1]:-}" ]]; then
		in=${STEER_IN[$1]} out=${STEER_OUT[$1]}
		exec {in}>&- {out}>&-
		rm "$T/$1.in" "$T/$1.out"
	fi
	mkfifo "$T/$1.in" "$T/$1.out"
	exec {in}<>"$T/$1.in" {out}<>"$T/$1.out"
	STEER_IN[$1]=$in
	STEER_OUT[$1]=$out
}

# start NAME [COMMAND...]: COMMAND (env, setpriv, ...) is put in front of the tool
start() {
	local name=$1
	shift
	fifos "$name"
	"$@" "$TOOL" steer <"$T/$name.in" >"$T/$name.out" &
	STEER_PID[$name]=$!
}

# forks NAME CHILD: the steered tool goes on as a second one, with all its descriptors
forks() {
	fifos "$2"
	to "$1" fork "$T/$2.in" "$T/$2.out" >/dev/null
	FORK_PID[$2]=$(answer "$2")
}

# leaves CHILD: it exits, and is gone
leaves() {
	tell "$1" exit
	until_true "the end of $1" is_gone "${FORK_PID[$1]}"
}

# A zombie has gone: its descriptors have, unless another of its threads (a sanitizer has one) is still on its way.
is_gone() { ! grep -q -e '^State:.*[^ZX] (' -e '^Threads:[[:space:]]*\([2-9]\|1[0-9]\)' "/proc/$1/status" 2>/dev/null; }

# tell NAME COMMAND...: sends a command and does not wait
tell() {
	local fd=${STEER_IN[$1]}
	shift
	echo "$*" >&"$fd"
}

# answer NAME: waits for what is due and prints it; an error is a failure
answer() {
	local line
	IFS= read -r -t 30 -u "${STEER_OUT[$1]}" line || fail "$1 does not answer"
	case $line in
	"ok ") ;;
	"ok "*) echo "${line#ok }" ;;
	*) fail "$1 answers: $line" ;;
	esac
}

# to NAME COMMAND...
to() {
	tell "$@"
	answer "$1"
}

# to_errno NAME COMMAND...: the name of the error, or OK
to_errno() {
	local line
	tell "$@"
	IFS= read -r -t 30 -u "${STEER_OUT[$1]}" line || fail "$1 does not answer"
	case $line in
	ok*) echo OK ;;
	*) echo "${line##* }" ;;
	esac
}

# is_silent NAME: no answer has come yet
is_silent() {
	! read -r -t 0 -u "${STEER_OUT[$1]}"
}

# ends NAME [STATUS]: exits, and has exited
ends() {
	tell "$1" exit "${2:-0}"
	wait "${STEER_PID[$1]}" || eq "exit status of $1" $? "${2:-0}"
	unset "STEER_PID[$1]"
}

# dies NAME: killed, and gone
dies() {
	kill -KILL "${STEER_PID[$1]}"
	wait "${STEER_PID[$1]}" 2>/dev/null || :
	unset "STEER_PID[$1]"
}

set -x
