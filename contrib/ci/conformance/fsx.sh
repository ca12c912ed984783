#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fsx and fsstress, as xfstests has them, in a mount over an ext4: fsx by itself makes sure of every byte that it reads; of
# both, what the mount showed last has to be what the backing holds after unmounting, and what a new mount shows.
#
#   contrib/ci/conformance/fsx.sh LKLFS XFSTESTS_DIR [OPERATIONS [SEED]]
#
# XFSTESTS_DIR is a checkout of github.com/kdave/xfstests, built there (make; Debian packages: see its README); it is not
# written to. OPERATIONS is how many each fsx makes (default 20000; fsstress as many with each of four processes); seeds are
# SEED (default 1) and the two after it. Needs root and the package attr. Takes five minutes.
#
# The last line is `N passed, N failed, N skipped`; exit status: 0 nothing failed, 1 something did, 2 called wrongly.

. "${0%/*}/common.bash" "$@"

[[ -x "${2-}/ltp/fsx" && -x "$2/ltp/fsstress" ]] || die "no xfstests, built: ${2-}"
ltp=$(realpath "$2/ltp")
n=${3:-20000} seed=${4:-1}
[[ "$n$seed" =~ ^[0-9]+$ ]] || die "no number: $n $seed"
backing "$work/fs" 4G
mkdir "$work/fs/mount"

# At each close with -c fsx has the machine drop all its caches, which takes long and is not what is tested.
mount --bind /dev/null /proc/sys/vm/drop_caches

fsx() { # NAME SEED OPTION...
	local name=$1 seed=$2
	shift 2
	"$ltp/fsx" -q -N "$n" -S "$seed" -P "$work" "$@" "$work/fs/mount/$name" >"$work/log" 2>&1 || { tail -n 30 "$work/log" && return 1; }
}

# fsx_again NAME SEED: upon what is there, with other sessions of the same file in between
fsx_again() {
	fsx "$1" "$2" -k && fsx "$1" "$2" -k -c 10
}

fsstress() { # SEED
	mkdir "$work/fs/mount/stress$1"
	"$ltp/fsstress" -d "$work/fs/mount/stress$1" -n "$n" -p 4 -s "$1" >"$work/log" 2>&1 || { tail -n 30 "$work/log" && return 1; }
}

"$lklfs" -o allow_other,suid,dev "$work/fs/mount"
for ((i = seed; i < seed + 3; i++)); do
	# Mapped reads and writes, holes, zeroed and copied ranges are in all of them but the direct one.
	check "fsx, seed $i" fsx "plain$i" "$i"
	check "fsx again on what it left, seed $i" fsx_again "plain$i" "$((i + 100))"
	check "fsx with a close at every tenth operation, seed $i" fsx "closes$i" "$i" -c 10
	check "fsx with the cache dropped, seed $i" fsx "flushed$i" "$i" -f
	check "fsx that syncs, seed $i" fsx "synced$i" "$i" -y
	check "fsx with O_DIRECT, seed $i" fsx "direct$i" "$i" -Z -R -W -r 4096 -w 4096 -t 4096
	check "fsx with aio, seed $i" fsx "aio$i" "$i" -A
	check "fsx with aio and O_DIRECT, seed $i" fsx "aiodirect$i" "$i" -A -Z -R -W -r 4096 -w 4096 -t 4096
	check "fsx with large operations, seed $i" fsx "large$i" "$i" -l 8000000 -o 1000000 -N "$((n / 10))"
	check "fsstress, seed $i" fsstress "$i"
done
check "the backing is what the mount showed" ends_as_shown "$work/fs/mount"
"$lklfs" -o allow_other,suid,dev "$work/fs/mount"
check "so is a new mount" ends_as_shown "$work/fs/mount"
outcome
