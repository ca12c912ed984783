#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: ext4
# P20: names that are lklfs's own cannot be made, listed or reached; what had such a name before stays as it is.
. "${0%/*}/lib.sh"

H=.lklfs-stage-
start_of() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }
living=$H$$-$(start_of $$)-1

# ---- there before: somebody's own, and another daemon's ----
mkdir -p "$B/sub/only" "$B/.lklfs/deep" "$B/${H}dir" "$B/empty"
for name in "${H}own" "$living" "${H}1-1-1x" "sub/${H}own" "sub/only/${H}own" "${H}dir/f" .lklfs/mine .lklfs/deep/f .lklfs/status; do
	echo "$name" >"$B/$name"
done
echo f >"$B/f"
mine() { (cd "$V" && find . -path '*/.lklfs*' -type f -printf '%p %i %s %T@ %C@ ' -exec cat {} \;); }
before=$(mine)
(($(wc -l <<<"$before") == 9)) || fail "what is there before: $before"
mnt

# ---- not listed ----
eq "the root" "$(ls -A "$B" | tr '\n' ' ')" "empty f sub "
eq "all" "$(cd "$B" && find . | sort | tr '\n' ' ')" ". ./empty ./f ./sub ./sub/only "
has "the root, with what is never left out" " $(tool list "$B") " " . "
# in many pieces, with telldir and seekdir, among many names
for i in {1..300}; do : >"$B/sub/$(printf 'n%0100d' "$i")"; done
n=$(python3 - "$B/sub" <<'PY'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = libc.readdir64.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
libc.readdir64.argtypes = libc.telldir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
stream = libc.opendir(sys.argv[1].encode())
names = []
while entry := libc.readdir64(stream):
    names.append(ctypes.string_at(entry + 19).decode())
    libc.seekdir(stream, libc.telldir(stream))
print(len(names), *[name for name in names if "lklfs" in name])
PY
)
eq "listed with seekdir" "$n" 303
rm -f "$B"/sub/n*

# ---- not reached ----
cd "$B"
tool link f sub/f
start t
to t cd "$B"
for dir in . sub "$B" sub/.. sub/only/../.. ; do
	for name in "${H}own" "$living" "$H" "${H}none" "${H}dir"; do
		for command in stat "open 0 @ r" "open 0 @ rw" "truncate @ 0" unlink rmdir readlink "chmod @ 600" "times @" \
			"setxattr @ user.k v" "rename @ sub/there" "link @ sub/there" "list"; do
			[[ $command == *@* ]] || command+=" @"
			# shellcheck disable=SC2086
			eq "$command $dir/$name" "$(to_errno t ${command//@/$dir/$name})" ENOENT
		done
	done
done
exec 7<"$B"
for way in /proc/self/fd/7 /proc/self/cwd; do
	eq "by $way" "$(to_errno t stat "$way/${H}own")" ENOENT
done
exec 7<&-

# ---- not made, not replaced ----
to t open 1 . rw,tmpfile
for dir in . sub; do
	for name in "${H}own" "$living" "$H" "${H}none"; do
		for command in "open 0 @ rw,creat" "open 0 @ rw,creat,excl" mkdir "symlink f @" "link f @" "linkat 1 @" mkfifo "mknod @ file" \
			"rename f @" "rename f @ noreplace" "rename empty @"; do
			[[ $command == *@* ]] || command+=" @"
			# shellcheck disable=SC2086
			eq "$command $dir/$name" "$(to_errno t ${command//@/$dir/$name})" EPERM
		done
		eq "exchanged with $dir/$name" "$(to_errno t rename f "$dir/$name" exchange)" ENOENT
	done
done
to t close 1
eq "f" "$(cat f)" f

# ---- our own directory: found, not listed, in the root alone ----
has "the status" "$(cat .lklfs/status)" '"lklfs"'
eq "what is in it" "$(tool list .lklfs | tr ' ' '\n' | grep -cvx '\.*')" 2
eq "what lies under it" "$(to_errno t stat .lklfs/mine)" ENOENT
for command in "mkdir .lklfs EEXIST" "mkfifo .lklfs EEXIST" "symlink f .lklfs EEXIST" "link f .lklfs EEXIST" \
	"rename empty .lklfs EPERM" "rename .lklfs x EPERM" "rmdir .lklfs EPERM" "unlink .lklfs EISDIR" \
	"mkdir .lklfs/x EPERM:EACCES" "unlink .lklfs/status EPERM:EACCES" "rename f .lklfs/f EPERM:EACCES" \
	"rename .lklfs/status f EPERM:EACCES" "link .lklfs/status x EPERM:EACCES" "chmod .lklfs/status 666 EPERM" \
	"truncate .lklfs/status 0 EPERM:EACCES" "times .lklfs/status 1 1 EPERM" "setxattr .lklfs/status user.k v EPERM:EACCES"; do
	# shellcheck disable=SC2086
	got=$(to_errno t ${command% *})
	[[ ":${command##* }:" == *":$got:"* ]] || fail "$command: $got"
done
mkdir sub/.lklfs
echo ordinary >sub/.lklfs/status
eq "in a subdirectory it is an ordinary name" "$(ls -A sub | tr '\n' ' ')$(cat sub/.lklfs/status)" ".lklfs f only ordinary"
rm -r sub/.lklfs

# ---- a directory that has nothing else ----
eq "what looks empty, with somebody's own in it" "$(to_errno t rmdir sub/only)" ENOTEMPTY
eq "the same, replaced" "$(to_errno t rename empty sub/only)" ENOTEMPTY
# ours are gone with the file
start w
mkdir d
echo old >d/old
to w open 0 "$B/d/old" rw
to w write 0 0 new
to w open 1 "$B/d/fresh" rw,creat
to w write 1 0 fresh
eq "with a new file that is being written" "$(to_errno t rmdir d)" ENOTEMPTY
rm d/fresh d/old
rmdir d
to w write 0 1 x
to w write 1 1 x
to w close 0
to w close 1
ends w
eq "removed with its sessions" "$(to_errno t stat d)" ENOENT

cd "$T"
ends t
rm "$B/sub/f"
umnt
eq "all that was there before" "$(mine)" "$before"
rm -r "$V/.lklfs" "$V/$H"* "$V/sub/${H}own" "$V/sub/only/${H}own"
