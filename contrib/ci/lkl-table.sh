#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a build of the Linux Kernel Library must do again and what it must not, case by case: without lklfs, and with it.
#
#   contrib/ci/lkl-table.sh [OPTION...] TREE
#
# TREE is an LKL checkout; nothing is changed in it. It is copied twice, and each copy is mounted over TREE where nobody else
# sees it, so that both are built at the same path: the one without lklfs, by a make that is told to enter the kernel's own
# make, the other by contrib/lkl/lkl-make, after the same edits. A TREE that has not been built is built first.
#
#   --row NAME    only this row; may be given again (default: all, in this order)
#   --rounds N    how many builds are interrupted (20)
#   --seed N      of the lots that tell when (default: drawn, and printed)
#   --jobs N      of all builds but the interrupted ones (default: as many as there are processors)
#   --work DIR    where the copies lie; kept, and used again (default: a temporary directory, removed at the end)
#
#   again     nothing has changed
#   comment   a comment in a header of the kernel that LKL installs, which all of tools/lkl includes
#   none      the same in one that nothing includes where bytes are little-endian
#   symbol    a symbol in such a header by which LKL writes other headers otherwise
#   kernel    a kernel source changed in what it does
#   touch     `touch` of all that the kernel is built from (the kernel is built again, twice)
#   lib       a file in tools/lkl/lib changed in what it does
#   sigint    -j16, ended by ^C at a terminal at a moment drawn by lot, then again to the end
#   clean     nothing is done; what is there after all that, against a clean build without lklfs
#   tests     LKL's own tests, those that need no network, in both copies
#
# What is compared: names, kinds, modes and bytes of all files below tools/lkl (make's own .*.cmd and .*.d aside), lkl.o,
# vmlinux and syscall_defs.h. What is counted: the steps CC, LD, AR and LINK of tools/lkl. `needed` are those that make
# itself takes, without lklfs and without being told anything, when precisely the outputs whose bytes have changed are
# touched; no other may be taken with lklfs, and none in the run after that. Headers and lib/lkl.o must have a new mtime or inode if
# their bytes have changed, and otherwise none.
#
# Needs root, what LKL is built with, python3, git, and 2 GB for each copy; `tests` needs file, strings and the mkfs of some
# file systems. A first build, `touch` (twice) and `clean` take as long as the kernel does, the others 2 minutes each, 20
# interrupted builds half an hour; with two cores two hours in all. LKLFS names the program, as for lkl-make.
#
# Before the last line, `N passed, N failed`, comes the table. Exit status: 0 nothing failed, 1 something did, 2 called
# wrongly.

set -euo pipefail

here=$(realpath "${BASH_SOURCE[0]%/*}")
lkl_make=$here/../lkl/lkl-make
# shellcheck source=/dev/null
. "$here/outcome.bash"
export KBUILD_BUILD_VERSION=1 KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026' KBUILD_BUILD_USER=b \
	KBUILD_BUILD_HOST=h LC_ALL=C.UTF-8 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
unset MAKEFLAGS MAKELEVEL O OUTPUT KBUILD_OUTPUT

# ---- the command line ----

all_rows=(again comment none symbol kernel touch lib sigint clean tests)
rows=() rounds=20 seed='' jobs=$(nproc) work='' arguments=("$@")
while (($#)); do
	case $1 in
	-h | --help)
		sed -n '3,/^$/s/^# \?//p' "$0"
		exit 0
		;;
	--row | --rounds | --seed | --jobs | --work)
		[[ -n "${2-}" ]] || die "$1 needs an argument (see --help)"
		case $1 in
		--row)
			[[ " ${all_rows[*]} " == *" $2 "* ]] || die "there is no row $2: ${all_rows[*]}"
			rows+=("$2")
			;;
		--work) work=$(realpath -m -- "$2") ;;
		*)
			[[ "$2" =~ ^[1-9][0-9]{0,8}$ ]] || die "$1 $2: not a number above 0"
			declare "${1#--}=$2"
			;;
		esac
		shift
		;;
	-*) die "what is $1? (see --help)" ;;
	*) break ;;
	esac
	shift
done
(($# == 1)) || die "name one LKL checkout (see --help)"
tree=$(realpath -e -- "$1" 2>/dev/null) || die "there is no directory $1"
[[ -e "$tree/tools/lkl/Makefile" && -e "$tree/arch/lkl" ]] || die "$tree is no LKL tree"
((EUID == 0)) || die "must be root"
((${#rows[@]})) || rows=("${all_rows[@]}")
seed=${seed:-$((SRANDOM % 1000000 + 1))}

# In a mount namespace of its own, so that copies can be mounted over TREE.
if [[ -z "${LKL_TABLE_INSIDE-}" ]]; then
	LKL_TABLE_INSIDE=1 exec unshare --mount --propagation private -- "$0" "${arguments[@]}"
fi
unset LKL_TABLE_INSIDE
exec </dev/null
if [[ -z "$work" ]]; then
	work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
	trap 'cd /; umount -R "$tree" 2>/dev/null; rm -rf "$work"' EXIT
fi
[[ "$work/" != "$tree/"* ]] || die "--work $work lies in TREE"
mkdir -p "$work/kept"

# ---- outcome ----

row_failed=''
table=("row|without|needed|with|the next|of the headers and lib/lkl.o|")

check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@"; then
		echo "ok    $what"
		n_passed=$((n_passed + 1))
	else
		echo "FAIL  $what"
		n_failed=$((n_failed + 1)) row_failed=yes
	fi
}

# nothing WHAT-IS-THERE: fails, and prints it, if it is anything
nothing() { [[ -z "$1" ]] || { head -n 20 <<<"$1" | sed 's/^/      /' && return 1; }; }

# ---- the copies ----

# at HOW: the copy for builds `without` lklfs or `with` it is at TREE from now on
at() {
	cd /
	[[ -z "${mounted-}" ]] || umount "$tree"
	mount --bind "$work/$1" "$tree"
	mounted=$1
}

# Where there is no need to force, nothing is added; see lkl-make, which tells by itself.
make_plain() { make -C "$tree/tools/lkl" "-j$jobs" "$@"; }
make_forced() {
	local force=()
	if grep -q '^[^#]*lib/lkl\.o: *bin/stat *$' "$tree/tools/lkl/Makefile"; then force=(-W bin/stat); fi
	make_plain ${force[@]+"${force[@]}"}
}

# logged NAME COMMAND...: its output goes to kept/NAME.log, and the end of that to us if it fails
logged() {
	local log=$work/kept/$1.log
	shift
	"$@" >"$log" 2>&1 || { tail -n 20 "$log" && return 1; }
}

prepare() {
	[[ ! -d "$work/with" || ! -d "$work/without" ]] || return 0
	rm -rf "$work/with" "$work/without"
	cp -a "$tree" "$work/without"
	at without
	if [[ ! -e "$tree/lkl.o" ]]; then logged first make_plain; fi
	# What was copied from another place is built here once, so that each side begins alike.
	logged first make_forced
	cp -a "$work/without" "$work/with"
}

# ---- what is there ----

# outputs: kind, mode, name, and the target of links, of everything that is built; then the bytes
outputs() {
	(
		cd "$tree"
		find tools/lkl lkl.o vmlinux arch/lkl/include/generated/uapi ! -name '.*.cmd' ! -name '.*.d' \
			-printf '%y %m %p %l\n' | sort
		find tools/lkl lkl.o vmlinux arch/lkl/include/generated/uapi -type f ! -name '.*.cmd' ! -name '.*.d' -print0 |
			sort -z | xargs -0 sha256sum
	)
}

# identities: mtime and inode of what the kernel installs; installed: the bytes of that
identities() { (cd "$tree/tools/lkl" && find include/lkl lib/lkl.o -type f -printf '%p %T@ %i\n' | sort); }
installed() { (cd "$tree/tools/lkl" && find include/lkl lib/lkl.o -type f -print0 | sort -z | xargs -0 sha256sum); }

# differing A B: names whose lines differ, the name being the $3rd word
differing() { diff "$1" "$2" | awk -v n="$3" '/^[<>]/ { print $(n + 1) }' | sort -u || :; }

# left: mounts, and what a daemon may leave
left() {
	grep ' - fuse\.lklfs ' /proc/self/mountinfo || :
	find "$tree/tools/lkl" "$tree/arch/lkl" -name '*.lklfs-*' -o -name '.lklfs*' -o -name '.fuse_hidden*'
}

# steps LOG: those of tools/lkl, sorted
steps() { sed -nE 's,\r$,,; s,//+,/,g; s,^  (CC|LD|AR|LINK) +/.*/(tools/lkl/.*)$,\1 \2,p' "$1" | sort; }
count() { awk '{ n[$1]++ } END { printf "%d CC, %d LD, %d AR, %d LINK\n", n["CC"], n["LD"], n["AR"], n["LINK"] }' <<<"$1"; }

# ---- edits, done at TREE, alike in both copies ----

nonce=$EPOCHSECONDS
function_into() {
	local name=${1##*/}
	name=lkl_table_${name%.c}_$nonce
	echo "int $name(void); int $name(void) { return $nonce; }" >>"$tree/$1"
}
# A word in several headers: when some header defines it, all have it prefixed. It may stand where nobody's compiler
# comes to. A word that a former run has used has no effect any more.
symbol_into() {
	local word
	for word in opcode metric proto nexthop traffic cookie; do
		grep -rqE "define lkl_$word\\b" "$tree/tools/lkl/include/lkl" || break
	done
	printf '#ifdef LKL_TABLE\n#define %s 1\n#endif\n' "$word" >>"$tree/$1"
}

edit_again() { :; }
comment_into() { echo "/* a comment: $nonce */" >>"$tree/$1"; }
edit_comment() { comment_into include/uapi/linux/virtio_blk.h; }
edit_none() { comment_into include/uapi/linux/byteorder/big_endian.h; }
edit_symbol() { symbol_into include/uapi/linux/virtio_net.h; }
edit_kernel() { function_into arch/lkl/kernel/setup.c; }
edit_lib() { function_into tools/lkl/lib/utils.c; }
# All that git knows and the kernel's own .cmd files name.
edit_touch() {
	(
		cd "$tree"
		find . -path ./tools -prune -o -name '.*.cmd' -print0 | xargs -0 cat |
			tr -s ' \\()' '\n' | sed 's|^\./||' | sort -u >"$work/kept/named"
		git ls-files | sort | comm -12 - "$work/kept/named" | grep '\.[chS]$' >"$work/kept/touched"
		xargs touch <"$work/kept/touched"
		wc -l <"$work/kept/touched"
	)
}
# Sources of tools/lkl that an edit has changed, beside what comes from the kernel.
sources_of() { [[ "$1" != lib ]] || echo "$tree/tools/lkl/lib/utils.c"; }

# ---- rows ----

# one_row NAME WHAT
one_row() {
	local name=$1 what=$2 kept=$work/kept without needed with next changed moved left
	nonce=$((nonce + 1)) row_failed=''
	echo "---- $name: $what"

	at without
	installed >"$kept/before"
	"edit_$name"
	check "$name: a build without lklfs" logged "$name-without" make_forced
	without=$(steps "$kept/$name-without.log")
	installed >"$kept/after"
	outputs >"$kept/outputs-without"
	changed=$(differing "$kept/before" "$kept/after" 2)
	(cd "$tree/tools/lkl" && xargs -r touch <<<"$changed" && xargs -r touch <<<"$(sources_of "$name")")
	check "$name: what make itself takes for needed" logged "$name-needed" make_plain
	needed=$(steps "$kept/$name-needed.log")

	at with
	identities >"$kept/before"
	"edit_$name"
	check "$name: a build with lklfs" logged "$name-with" "$lkl_make" -C "$tree" "-j$jobs"
	left=$(left)
	with=$(steps "$kept/$name-with.log")
	identities >"$kept/after"
	outputs >"$kept/outputs-with"
	moved=$(differing "$kept/before" "$kept/after" 1)
	check "$name: the next one" logged "$name-next" "$lkl_make" -C "$tree" "-j$jobs"
	next=$(steps "$kept/$name-next.log")

	check "$name: nothing is left" nothing "$left"
	check "$name: the same outputs" nothing "$(diff "$kept/outputs-without" "$kept/outputs-with")"
	check "$name: no step that is not needed" nothing "$(comm -13 <(echo "$needed") <(echo "$with"))"
	check "$name: no step in the next" nothing "$next"
	check "$name: new mtime or inode precisely where bytes have changed" \
		nothing "$(diff <(echo "$changed") <(echo "$moved"))"
	differing "$kept/after" <(identities) 1 >"$kept/later"
	check "$name: nothing moves in the next" nothing "$(cat "$kept/later")"
	[[ "$name" != symbol ]] || check "$name: other headers differ, too" test "$(wc -l <<<"$changed")" -gt 2
	changed=$(grep -c . <<<"$changed") || :
	moved=$(grep -c . <<<"$moved") || :
	table+=("$name|$(count "$without")|$(count "$needed")|$(count "$with")|$(count "$next")|$changed changed, $moved \
moved|${row_failed:+failed}")
}

# ---- ^C ----

# at_terminal SECONDS LOG COMMAND...: runs it at a terminal of its own, presses ^C after so long, waits until nobody has the
# terminal open, and exits with its status; what it had printed last before that goes to LOG.last
at_terminal() {
	python3 - "$@" <<'END'
import os, pty, select, signal, sys, time
seconds, log, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in what a script starts in the background
    os.execvp(command[0], command)
end, pressed, last = time.monotonic() + seconds, False, b""
with open(log, "wb") as out:
    while True:
        if not pressed and time.monotonic() >= end:
            os.write(terminal, b"\x03")
            pressed = True
            open(log + ".last", "wb").write(last.strip().rpartition(b"\n")[2])
        if not select.select([terminal], [], [], None if pressed else max(0, end - time.monotonic()))[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # nobody has it open any more
            break
        out.write(data)
        last = (last + data)[-1000:]
if not pressed:
    open(log + ".last", "wb").write(b"(over before that)")
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
END
}

# The sources of two states: `one` as they are, `other` changed so that headers, lkl.o, and objects, libraries and
# programs of the host are made again, but little of the kernel.
states=(arch/lkl/kernel/setup.c include/uapi/linux/virtio_blk.h include/uapi/linux/virtio_net.h
	tools/lkl/lib/utils.c tools/lkl/lib/virtio.h tools/lkl/tests/boot.c)
keep_states() {
	local file
	for file in "${states[@]}"; do
		mkdir -p "$work/kept/one/${file%/*}" "$work/kept/other/${file%/*}"
		cp "$tree/$file" "$work/kept/one/$file"
	done
	for file in "${states[@]}"; do
		case $file in
		*.c) function_into "$file" ;;
		*virtio_net.h) symbol_into "$file" ;;
		*) sed -i "\$i #define LKL_TABLE_$nonce 1" "$tree/$file" ;;
		esac
	done
	for file in "${states[@]}"; do cp "$tree/$file" "$work/kept/other/$file"; done
}
# state NAME: those sources, as of now
state() {
	local file
	for file in "${states[@]}"; do cp "$work/kept/$1/$file" "$tree/$file"; done
}

# a_round N STATE SECONDS: interrupted after that time, then built to the end
a_round() {
	local name=sigint-$1 kept=$work/kept status=0 row_failed=''
	state "$2"
	at_terminal "$3" "$kept/$name-cut.log" "$lkl_make" -C "$tree" -j16 || status=$?
	echo "      $1: ^C after $3 s, status $status, at: $(cat "$kept/$name-cut.log.last")"
	check "sigint $1: nothing is left" nothing "$(left)"
	check "sigint $1: then to the end" logged "$name" "$lkl_make" -C "$tree" -j16
	check "sigint $1: nothing is left after that" nothing "$(left)"
	check "sigint $1: the outputs" nothing "$(diff "$kept/outputs-$2" <(outputs))"
	cut=$((cut + (status != 0)))
	[[ -n "$row_failed" ]] || good=$((good + 1))
}

row_sigint() {
	local kept=$work/kept begin length i moment cut=0 good=0
	nonce=$((nonce + 1))
	echo "---- sigint: -j16, ^C, and again, $rounds times, --seed $seed"
	at without
	keep_states
	state one
	check "sigint: the one state without lklfs" logged sigint-one make_forced
	outputs >"$kept/outputs-one"
	state other
	check "sigint: the other state without lklfs" logged sigint-other make_forced
	outputs >"$kept/outputs-other"
	at with
	state other
	begin=${EPOCHREALTIME/./}
	check "sigint: how long it takes" logged sigint-length "$lkl_make" -C "$tree" -j16
	length=$((${EPOCHREALTIME/./} - begin))
	check "sigint: the outputs" nothing "$(diff "$kept/outputs-other" <(outputs))"
	RANDOM=$((seed % 32768))
	for ((i = 1; i <= rounds; i++)); do
		moment=$(((RANDOM * 32768 + RANDOM) % length))
		a_round "$i" "$( ((i % 2)) && echo one || echo other)" \
			"$((moment / 1000000)).$(printf %06d $((moment % 1000000)))"
	done
	check "sigint: the next one" logged sigint-next "$lkl_make" -C "$tree" "-j$jobs"
	check "sigint: no step in the next" nothing "$(steps "$kept/sigint-next.log")"
	# Both copies have the same sources again.
	at without
	state "$( ((rounds % 2)) && echo one || echo other)"
	check "sigint: without lklfs, at the end" logged sigint-without make_forced
	check "sigint: some were cut" test "$cut" -gt $((rounds / 2))
	table+=("sigint||||$rounds rounds, $cut cut|$good as they must be|$([[ $good -eq $rounds ]] || echo failed)")
}

# ---- what it comes to ----

row_clean() {
	row_failed=''
	echo "---- clean: against a clean build"
	at with
	outputs >"$work/kept/outputs-with"
	at without
	git -C "$tree" clean -dxfq
	check "clean: a clean build without lklfs" logged clean make_plain
	outputs >"$work/kept/outputs-without"
	check "clean: the outputs" nothing "$(diff "$work/kept/outputs-without" "$work/kept/outputs-with")"
	table+=("clean||||$(grep -cE '^[0-9a-f]{64} ' "$work/kept/outputs-with") files|the same|${row_failed:+failed}")
}

# test_results: a line for each of LKL's tests, without times and what they log, with the file systems that the kernel has
# (lklfuse ends with the others, sooner or later, and what its tests say depends on when). mkfs.xfs makes file systems as
# small as they want them for those who say that they test it.
test_results() {
	local -x TMPDIR=$work/tests TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1
	local one type tests=(boot.sh)
	for type in ext4 btrfs vfat xfs; do
		grep -q "^CONFIG_${type^^}_FS=y" "$tree/.config" || continue
		tests+=("disk.sh -t $type" "lklfuse.sh -t $type")
	done
	rm -rf "$TMPDIR"
	mkdir "$TMPDIR"
	cd "$tree/tools/lkl/tests"
	for one in "${tests[@]}" "net.sh -b loopback"; do
		echo "== $one"
		# shellcheck disable=SC2086
		{ timeout 300 ./$one 2>&1 || :; } | tee -a "$TMPDIR/log" |
			sed -nE "s/ # .*//; s,$TMPDIR/tmp\.[A-Za-z0-9]+,TMP,g; /^(not ok|ok|Bail)/p"
	done
	cd /
}

row_tests() {
	local ok not_ok
	row_failed=''
	echo "---- tests: LKL's own"
	at without
	test_results >"$work/kept/tests-without"
	at with
	test_results >"$work/kept/tests-with"
	ok=$(grep -c '^ok' "$work/kept/tests-with" || :) not_ok=$(grep -c '^not ok' "$work/kept/tests-with" || :)
	check "tests: some ran" test "$ok" -gt 10
	check "tests: the same results" nothing "$(diff "$work/kept/tests-without" "$work/kept/tests-with")"
	table+=("tests||||$ok ok, $not_ok not ok|the same|${row_failed:+failed}")
}

prepare
for row in "${rows[@]}"; do
	case $row in
	again) one_row again "nothing has changed" ;;
	comment) one_row comment "a comment in include/uapi/linux/virtio_blk.h" ;;
	none) one_row none "a comment in include/uapi/linux/byteorder/big_endian.h" ;;
	symbol) one_row symbol "a symbol in include/uapi/linux/virtio_net.h" ;;
	kernel) one_row kernel "arch/lkl/kernel/setup.c changed in what it does" ;;
	touch) one_row touch "touch of all that the kernel is built from" ;;
	lib) one_row lib "tools/lkl/lib/utils.c changed in what it does" ;;
	*) "row_$row" ;;
	esac
done
cd /
echo
printf '%s\n' "${table[@]}" | sed 's/|$/|ok/; 1s/ok$/ /' | column -t -s '|'
echo
outcome
