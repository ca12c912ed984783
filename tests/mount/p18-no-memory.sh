#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P18: where there is no memory to be had the daemon is not started, with one sentence, or does all that it should;
# one that gets none later on ends as if it had been killed: what was exposed is there, the rest is as it was.
# AXES: root ext4
. "${0%/*}/lib.sh"
need prlimit

if [[ -z "$SANITIZED" ]]; then # whose address spaces are vast
	some_work=0 some_do_not=0
	# What its libraries take differs.
	loaded=4
	until prlimit --as=$((loaded << 20)) -- "$LKLFS" --version >/dev/null 2>&1; do
		loaded=$((loaded + 1))
		((loaded < 60)) || fail "it does not even start in $loaded MiB"
	done
	for mib in $((loaded + 3)) 60 100 300 500; do
		r=$(status_of prlimit --as=$((mib << 20)) -- "$LKLFS" "$B")
		if ((r == 0)); then
			some_work=1
			echo "in $mib MiB" >"$B/f"
			eq "in $mib MiB" "$(cat "$B/f")" "in $mib MiB"
			umnt
			eq "in $mib MiB, in the backing" "$(cat "$B/f")" "in $mib MiB"
		else
			some_do_not=1
			eq "$mib MiB: status" "$r" 1
			eq "$mib MiB: what is said" "$(cat "$T/err")" "lklfs: cannot serve $B: Resource temporarily unavailable"
			eq "$mib MiB: mounts" "$(n_mounted "$B")" 0
			until_true "the daemon's end" no_daemon
		fi
	done
	eq "some work, some do not" "$some_work $some_do_not" "1 1"
fi

# Names take memory; what the heap has already may last for many.
n_names=0
uses_up_what_it_has() {
	local i
	for ((i = 0; i < 200; i++)); do
		{ : >"$B/x$n_names"; } 2>/dev/null || break
		n_names=$((n_names + 1))
	done
	no_daemon
}

rm -f "$B/f"
pattern 1000000 old >"$T/old"
pattern 1000000 new >"$T/new"
for f in done open large; do cp "$T/old" "$B/$f"; done
MALLOC_ARENA_MAX=1 mnt --log="$T/log"
cp "$T/new" "$B/done"
cmp "$B/done" "$T/new"
start w
to w open 0 "$B/open" w,trunc
to w fill 0 0 50000 x
if [[ -z "$SANITIZED" ]]; then
	prlimit --pid "$(daemons)" --as=4096
	cp "$T/new" "$B/large" || : # what is compared takes a buffer
	until_true "the daemon's death" uses_up_what_it_has
else
	kill_daemon
fi
eq "a look at the dead mount" "$(errno_of stat "$B/done")" ENOTCONN
ends w
cmp "$V/done" "$T/new"
cmp "$V/open" "$T/old"
cmp -s "$V/large" "$T/old" || cmp "$V/large" "$T/new"
mnt
cmp "$B/done" "$T/new"
cmp "$B/open" "$T/old"
cp "$T/new" "$B/open"
umnt
cmp "$B/open" "$T/new"
rm -f "$B/x"*
eq "names" "$(ls -A "$B" | tr "\n" " ")" "done large open "
