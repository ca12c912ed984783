#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Under make -j, COMMAND is one of make's jobs: an inner make takes its tokens from the outer one's jobserver
# and gives all back, also if it is killed; lklfs itself holds none of that.
# AXES: root ext4
. "${0%/*}/lib.sh"
need make

mkdir "$B/one" "$B/two" "$W/meet"
cd "$W"
mkfifo meet/one1 meet/one2 meet/two1 meet/two2 meet/killed1 meet/killed2 meet/four-1 meet/four-2 meet/four-3
# Jobs meet at a fifo: whoever opens it waits for the other one, so both have to run at once.
cat >Makefile <<EOF
all: one two
one two:
	+@$LKLFS run $B/\$@ -- \$(MAKE) -f inner.mk MEET=meet/\$@ DIR=$B/\$@
killed:
	+-@$LKLFS run $B/one -- \$(MAKE) -f inner.mk killed
after: killed
	@\$(MAKE) -f inner.mk four
EOF
cat >inner.mk <<'EOF'
.PHONY: flags killed four
all: meet-a meet-b flags
meet-a:
	@echo a >$(MEET)1; cat $(MEET)2
meet-b:
	@cat $(MEET)1; echo b >$(MEET)2
flags:
	+@echo "$$MAKEFLAGS" >>flags; ./holders >>holds; echo made >$(DIR)/output
killed: victim killer
victim:
	@echo >meet/killed1; exec cat meet/killed2
killer:
	@cat meet/killed1; read -r _ _ _ run _ </proc/$$PPID/stat; kill -TERM $$run; exec cat meet/killed2
four: four-1 four-2 four-3 four-4
four-1 four-2 four-3:
	@echo $@ >meet/$@
four-4:
	@cat meet/four-1 meet/four-2 meet/four-3
EOF
# which process of lklfs holds what MAKEFLAGS says the jobserver is
cat >holders <<'EOF'
#!/bin/bash
auth=${MAKEFLAGS#*--jobserver-auth=}
auth=${auth%% *}
[[ "$auth" == @(*,*|fifo:*) && "$MAKEFLAGS" == *--jobserver-auth=* ]] || echo "no jobserver in $MAKEFLAGS"
pipe=${auth#fifo:}
[[ "$auth" == fifo:* ]] || pipe=$(readlink "/proc/self/fd/${auth%,*}")
[[ "$pipe" == pipe:* || -p "$pipe" ]] || echo "no pipe but $pipe"
for comm in /proc/[0-9]*/comm; do
	{ read -r name <"$comm"; } 2>/dev/null
	[[ "$name" == lklfs ]] || continue
	n=$((n + 1))
	for fd in "${comm%/comm}"/fd/*; do
		[[ "$(readlink "$fd")" != "$pipe" ]] || echo "${comm%/comm} holds $pipe"
	done
done
((n > 0)) || echo "no lklfs"
EOF
chmod +x holders

# under OPTION...: of make's
under() {
	rm -f flags holds
	# two at once, whose jobs have to run two at once
	timeout 50 make "$@" -j4 >"$T/out" 2>"$T/err" </dev/null || fail "make $* -j4: $(cat "$T/out" "$T/err")"
	eq "jobs that met" "$(grep -x '[ab]' "$T/out" | sort | tr -d '\n')" aabb
	eq "said" "$(grep -v '^lklfs: 1 file written:' "$T/err" || :)" ""
	eq "held by lklfs" "$(cat holds)" ""
	eq "MAKEFLAGS within" "$(grep -cE -- "-j4 .*--jobserver-auth=([0-9]+,[0-9]+|fifo:)" flags)" 2
	eq "outputs" "$(cat "$B/one/output" "$B/two/output")" $'made\nmade'
	eq "mounts" "$(findmnt -n -t fuse.lklfs)" ""

	# killed in the middle: the tokens that the inner make had are there for four others (make 4.4 takes them along, also
	# where there is no lklfs)
	[[ "$(make --version | head -n 1)" != "GNU Make 4.4"* ]] || return 0
	timeout 50 make "$@" -j4 after >"$T/out" 2>"$T/err" </dev/null || fail "make $* -j4 after: $(cat "$T/out" "$T/err")"
	eq "jobs after one was killed" "$(grep -c '^four-' "$T/out")" 3
	has "said of the one that was killed" "$(cat "$T/err")" "lklfs: 0 files written"
	! grep -E 'INTERNAL|jobserver' "$T/err" || fail "tokens were lost"
	eq "mounts" "$(findmnt -n -t fuse.lklfs)" ""
}
under
# make 4.4 has a fifo, unless it is told otherwise
if make --help | grep -q -e --jobserver-style; then
	rm -f "$B"/*/output
	under --jobserver-style=pipe
fi

# a jobserver that is a fifo (make 4.4) is a name, and stays one
mkfifo tokens
exec {tokens}<>tokens
echo -n ++ >&"$tokens"
flags=" -j3 --jobserver-auth=fifo:$W/tokens"
# shellcheck disable=SC2016
takes='[[ "$MAKEFLAGS" == "$1" ]] || echo "not $1 but $MAKEFLAGS"; exec {fd}<>"${MAKEFLAGS##*:}"; read -r -n 1 -u $fd token; echo -n "$token" >&$fd'
eq "MAKEFLAGS with a fifo" "$(MAKEFLAGS=$flags "$LKLFS" run "$B/one" -- bash -c "$takes" bash "$flags" 2>"$T/err" {tokens}>&-)" ""
read -r -n 2 -t 10 -u "$tokens" token
eq "tokens left" "$token" ++

# over the same directory once more
eq "run in run: status" "$(status_of "$LKLFS" run "$B/one" -- "$LKLFS" run "$B/one" -- touch "$W/ran")" 125
has "run in run: what is said" "$(cat "$T/err")" "$B/one is mounted with lklfs already"
eq "run in run: lines said, with the totals" "$(wc -l <"$T/err")" 2
[[ ! -e "$W/ran" ]] || fail "COMMAND ran"
