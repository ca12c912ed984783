#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P17: a daemon that may have 64 descriptors only, and more files than that open at once: open, write or close tell those
# for whom there is none left, all others get what they wrote, nothing hangs, and when some are closed all goes on.
# AXES: root ext4
. "${0%/*}/lib.sh"
need python3 prlimit

for ((i = 0; i < 100; i++)); do echo "old $i" >"$B/f$i"; done
(ulimit -n 64 && mnt --log="$T/log")
cat >"$T/crowd" <<'END'
import errno, os, sys
directory, view = sys.argv[1:]
told, good, files = {}, set(), {}

def does(i, function, *args):
    try:
        return function(*args)
    except OSError as error:
        told[i] = error.errno
        return None

names = [f"f{i}" for i in range(100)] + [f"new{i}" for i in range(100)]
for name in names:
    fd = does(name, os.open, f"{directory}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    if fd is not None:
        files[name] = fd
for name, fd in files.items():
    does(name, os.write, fd, b"written " + name.encode())
# every other one first, so that there is room for those that remain
for name, fd in [*files.items()][::2] + [*files.items()][1::2]:
    does(name, os.close, fd)
    if name not in told:
        good.add(name)
for number in set(told.values()):
    print(errno.errorcode[number])
print(len(good), "good", file=sys.stderr)
with open(sys.argv[0] + ".good", "w") as out:
    out.writelines(f"{name}\n" for name in sorted(good))
END
timeout 50 python3 "$T/crowd" "$B" "$V" | sort -u >"$T/told" || fail "it hangs, or fails"
# (close tells of what could not be stored, and knows only two errors)
eq "errors told" "$(grep -v -e EMFILE -e EIO "$T/told")" ""
has "errors told" "$(cat "$T/told")" EMFILE
(($(wc -l <"$T/crowd.good") >= 10)) || fail "only $(wc -l <"$T/crowd.good") of 200 files could be written"
try_again
eq "failed" "$(status_value failed_paths)" "[]"
while read -r name; do
	eq "$name" "$(cat "$B/$name")" "written $name"
	eq "$name in the backing" "$(cat "$V/$name")" "written $name"
done <"$T/crowd.good"
for ((i = 0; i < 100; i++)); do
	grep -qx "f$i" "$T/crowd.good" || eq "f$i, whose writer was told" "$(cat "$B/f$i" "$V/f$i")" "old $i"$'\n'"old $i"
	grep -qx "new$i" "$T/crowd.good" || [[ ! -e "$V/new$i" ]] || fail "new$i is there, whose writer was told"
done
eq "staged" "$(status_value staged)" 0
for ((i = 0; i < 100; i += 9)); do
	echo "again $i" >"$B/f$i"
	eq "f$i, then" "$(cat "$B/f$i")" "again $i"
done
rm -f "$V"/*.lklfs-unsaved*
umnt
