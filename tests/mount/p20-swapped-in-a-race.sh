#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: a directory that is swapped for a symbolic link to the outside, again and again while builders work in
# it, leads nowhere: root's daemon does nothing for them where they cannot go themselves.
. "${0%/*}/lib.sh"
need setpriv

O=${V%/*}/w # beside the backing, by the same mount
mkdir -p "$B/d/sub" "$O/outside/sub"
for dir in "$B/d" "$O/outside"; do
	for i in {1..40}; do echo "old $i" >"$dir/f$i"; done
	echo old >"$dir/sub/f"
	chmod -R a+rwX "$dir"
done
ln -s "$O/outside" "$B/link"
chmod 777 "$B"
# a builder who follows the link himself is stopped by his own kernel
mkdir -m 777 "$W/open"
mkdir "$W/closed"
mv "$O/outside" "$O/closed/outside"
chmod 700 "$W/closed"
ln -sfn "$O/closed/outside" "$B/link"
state() { (cd "$O/closed/outside" && find . -printf '%p %i %s %T@ %C@ %M %U:%G %n\n' | sort && cat f* sub/f); }
before=$(state)
mnt -o allow_other,entry_timeout=0,negative_timeout=0

cat >"$T/build.py" <<'PY'
import collections, errno, os, random, sys
top, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
held = os.open(f"{top}/d", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
open(sys.argv[4], "w").close()
while not os.path.exists(sys.argv[5]):
    pass
counts = collections.Counter()
def write(name, flags, **at):
    fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | flags, 0o666, **at)
    os.write(fd, b"%d" % random.randrange(3))
    os.close(fd)
def operate(kind, name, at):
    new = os.path.join(os.path.dirname(name), f"new{random.randrange(40)}")
    if kind == "write": write(name, 0, **at)
    elif kind == "truncate": write(name, os.O_TRUNC, **at)
    elif kind == "create": write(new, os.O_CREAT, **at)
    elif kind == "unlink": os.unlink(name, **at)
    elif kind == "mkdir": os.mkdir(new + "d", **at)
    elif kind == "rmdir": os.rmdir(new + "d", **at)
    elif kind == "chmod": os.chmod(name, random.choice((0o666, 0o644)), **at)
    elif kind == "symlink": os.symlink("x", new + "l", **at)
    elif kind == "utime": os.utime(name, (1, 1), **at)
    elif kind == "rename": os.rename(name, new, **({"src_dir_fd": held, "dst_dir_fd": held} if at else {}))
    elif kind == "link": os.link(name, new + "n", **({"src_dir_fd": held, "dst_dir_fd": held} if at else {}))
    elif kind == "list": os.listdir(held if at else os.path.dirname(name))
    elif kind == "xattr": os.setxattr(f"/proc/self/fd/{held}/{name}" if at else name, "user.k", b"v")
kinds = "write truncate create unlink mkdir rmdir chmod symlink utime rename link list xattr".split()
for _ in range(int(sys.argv[3])):
    name = random.choice([f"f{random.randrange(1, 41)}", "sub/f"])
    at = random.choice([{}, {"dir_fd": held}])
    kind = random.choice(kinds)
    try:
        operate(kind, name if at else f"{top}/d/{name}", at)
        counts["OK"] += 1
    except OSError as error:
        counts[errno.errorcode[error.errno]] += 1
print(*(f"{k}={v}" for k, v in sorted(counts.items())))
PY
pids=()
for i in 1 2; do
	setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups -- \
		python3 "$T/build.py" "$B" $i 2000 "$W/open/ready$i" "$W/open/go" >"$T/build$i" &
	pids+=($!)
done
all_ready() { [[ -e "$W/open/ready1" && -e "$W/open/ready2" ]]; }
until_true "the builders' start" all_ready
# the one who swaps is as fast as he can be
start racer
tell racer swap "$V/d" "$V/link" "$T/enough"
touch "$W/open/go"
wait "${pids[@]}"
touch "$T/enough"
swaps=$(answer racer)
ends racer
eq "outside" "$(state)" "$before"
((swaps > 1000)) || fail "swapped only $swaps times"
for i in 1 2; do
	[[ "$(cat "$T/build$i")" =~ OK=([0-9]+) ]] && ((BASH_REMATCH[1] > 20)) || fail "hardly anything was done: $(cat "$T/build$i")"
	[[ ! "$(cat "$T/build$i")" =~ EIO|EBADF|EINVAL|ENOSYS ]] || fail "an odd error: $(cat "$T/build$i")"
done
# what could not be exposed, for its directory was away, is not lost, and is not outside
"$LKLFS" umount --force "$B" </dev/null
until_true "the daemon's end" no_daemon
eq "outside, at the end" "$(state)" "$before"
# nor what could not be removed, which the next mount does
mnt
umnt
eq "outside, after the next mount" "$(state)" "$before"
find "$V" -name '*.lklfs-unsaved*' -delete
