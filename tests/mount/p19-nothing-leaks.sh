#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: after tens of thousands of operations on files that are gone, and when the kernel has forgotten them, the daemon is where
# it began: names, contents, handles, sessions, descriptors, memory, and files in the backing. Nor do names that have been
# looked at cost anything then, and directories that are open cost little.
# contrib/ci/conformance/leaks.sh is the long form.
# AXES: root ext4
# TIMEOUT: 120
. "${0%/*}/lib.sh"
need python3

# forgotten: the kernel remembers nothing of the mount, and has said so
forgotten() {
	LIBMOUNT_FORCE_MOUNT2=always mount -i -o remount "$B" # see p19-stress-leaves-nothing.sh
	[[ "$(status_value handles) $(status_value staged) $(status_value held)" == "0 0 $n_held" ]] &&
		(($(status_value nodes) <= n_names))
}
churn() { # OPERATIONS
	(($("$TOP/tests/mount/churn.py" "$B" "$1") >= $1)) || fail "too few operations"
	until_true "the end of all names, handles and sessions" forgotten
}
remember() { # KEY...: what the status says of it now
	local key
	for key; do
		declare -g "before_$key=$(status_value "$key")"
	done
}
grew() { # KEY MAX
	local before=before_$1
	local more=$(($(status_value "$1") - ${!before}))
	((more <= $2)) || fail "$1: $more more"
}
# Of a sanitizer's memory nothing can be said.
grew_memory() {
	[[ -n "$SANITIZED" ]] || grew "$@"
}

mkdir "$B/many" "$B/d"
: >"$B/many/0"
(cd "$B/many" && python3 -c 'import os; [os.link("0", str(i)) for i in range(1, 20001)]')

# Sixteen versions are remembered, so that forgetting them is part of it. They have names, and directories above these.
mnt -o keep=16
n_names=$((4 + 3 * 16)) n_held=0
churn 10000 # the journal keeps as much as it ever will
remember versions descriptors memory_bytes heap_bytes
n_files=$(find "$V" | wc -l)
churn 20000
eq "left in the mount" "$(ls -A "$B" | tr '\n' ' ')" "d many "
# The daemon remembers 64 processes, with two descriptors each.
grew descriptors 128
grew versions 0
grew_memory heap_bytes $((512 << 10))
grew_memory memory_bytes $((2 << 20))
(($(find "$V" | wc -l) <= n_files)) || fail "more files in the backing: $(find "$V")"
eq "failed" "$(status_value failed)" 0

# files whose mtime was held back are remembered, but not those that are replaced, renamed over or removed
echo same | tee "$B/d/"{1..100} >"$T/out"
echo same | tee "$B/d/"{1..100} >"$T/out"
until_true "the verdicts" eval '(($(status_value held) == 100))'
echo other | tee "$B/d/"{1..25} >"$T/out"
echo same >"$B/t"
for i in {26..50}; do
	cp "$B/t" "$B/u"
	mv "$B/u" "$B/d/$i"
done
rm "$B/d/"{26..50}
rm "$B/d/"{51..75}
n_held=25 n_names=$((n_names + 60)) # of new files the times are remembered that were told of them
until_true "the end of those that are gone" forgotten

# names that somebody holds, so that the kernel cannot forget them yet
remember memory_bytes
mkfifo "$T/held" "$T/go"
# of eight processes: nobody may have that many descriptors
python3 -c 'import os, sys
names = sorted(entry.path for entry in os.scandir(sys.argv[1]))
for i in range(7):
    if os.fork() == 0:
        break
else:
    i = 7
fds = [os.open(name, os.O_PATH) for name in names[i::8]]
print(len(fds), flush=True)
sys.stdin.read()' "$B/many" <"$T/go" >"$T/held" &
exec 7>"$T/go" 8<"$T/held"
for _ in 0 1 2 3 4 5 6 7; do
	read -r -t 60 n <&8 || fail "nobody holds them"
	n_all=$((${n_all:-0} + n))
done
eq "names that are held" "$n_all" 20001
(($(status_value nodes) > 20000)) || fail "they are not remembered: $(status_value nodes)"
exec 7>&- 8<&-
wait $! # the others have the same to do
until_true "the kernel's forgetting" forgotten
grew_memory memory_bytes $((7 << 20)) # of 9; what the kernel forgets comes in buffers of a MiB

# open directories
remember memory_bytes
(
	ulimit -n 4096
	for ((i = 0; i < 1000; i++)); do
		exec {fd}<"$B/d"
	done
	eq "open directories" "$(status_value handles)" 1000
	grew_memory memory_bytes $((4 << 20))
)

# where no former versions are kept, what is removed goes another way
rm -r "$B/d" "$B/many"
remount -o keep=0
echo same | tee "$B/"{1..20} >"$T/out"
echo same | tee "$B/"{1..20} >"$T/out"
until_true "the verdicts" eval '(($(status_value held) == 20))'
rm "$B/"*
n_held=0
until_true "the end of those that are gone" forgotten
