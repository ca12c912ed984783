#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Other versions of libfuse, GLib, the compilers and Python than this machine's: contrib/check.sh in the root of another
# Debian, in namespaces of its own.
#
#   contrib/ci/versions.sh [--root DIR] [NAME[:PART,...]...]
#
# NAME is a release, or a release and another architecture that this kernel runs programs of; PART is one of check.sh's:
#
#   bookworm       Debian 12, libfuse 3.14     plain,clang: all tests of what gcc builds, and of what clang does
#   trixie         Debian 13, libfuse 3.17     the same
#   trixie-i386    32 bits                     unit: built by both, and the unit tests
#
# The default is trixie and trixie-i386, for check.sh is run on Debian 12 anyway. Needs root, mmdebstrap or
# debootstrap, and a mirror (MIRROR, if not http://deb.debian.org/debian); some GB and two hours, most of them the tests.
# DIR keeps the roots, with the builds in them, for the next time (default: a temporary directory, removed at the end).
# The root sees this machine's /dev, /sys and network; what is mounted in it nobody else sees, and nothing outlives it.
#
# The last line is `N passed, N failed, N skipped`, of all check.sh counted. Exit status: 0 nothing failed, 1 something
# did, 2 called wrongly or a program is missing.

set -euo pipefail

top=$(realpath "${BASH_SOURCE[0]%/*}/../..")
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/outcome.bash"
export LC_ALL=C.UTF-8
umask 022

# ---- in the namespaces ----

# enter ROOT PART...: ROOT becomes /. A mere chroot could make no user namespaces, and could mount nothing private.
enter() {
	local root=$1
	shift
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/run"
	cd "$root"
	pivot_root . mnt
	umount -l /mnt
	cd /
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true LKLFS_MUST_RUN="${LKLFS_MUST_RUN-}" \
		CHECK_BUDGET="${CHECK_BUDGET:-4800}" /lklfs/contrib/check.sh "$@"
}

# ---- outside ----

# make_root NAME: a Debian with apt, at $roots/NAME
make_root() {
	local suite=${1%-*} arch='' new=$roots/$1.new
	[[ ! -d "$roots/$1" ]] || return 0
	[[ "$1" != *-* ]] || arch=--arch=${1##*-}
	rm -rf --one-file-system "$new"
	if command -v mmdebstrap >/dev/null; then
		# It runs programs of the other architecture by the kernel, without a look whether that can be emulated.
		mmdebstrap --quiet --variant=apt --skip=check/qemu ${arch:+"$arch"} "$suite" "$new" "$mirror"
	else
		debootstrap --variant=minbase ${arch:+"$arch"} "$suite" "$new" "$mirror" >/dev/null
	fi || return
	mv "$new" "$roots/$1"
}

# copy_tree ROOT: the sources as they are, beside the builds of the last time
copy_tree() {
	mkdir -p "$1/lklfs"
	find "$1/lklfs" -mindepth 1 -maxdepth 1 ! -name 'build*' -exec rm -rf {} +
	tar -C "$top" --exclude-vcs --exclude='./build*' -cf - . | tar -C "$1/lklfs" --no-same-owner -xf -
	ln -sfn ../proc/self/mounts "$1/etc/mtab" # which fusermount3 reads; an installed Debian has it
	[[ ! -e /etc/resolv.conf ]] || cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

# count NAME: the last line that check.sh printed; there is none if it has been ended
count() {
	if [[ "$(tail -n 1 "$log")" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		n_passed=$((n_passed + BASH_REMATCH[1])) n_failed=$((n_failed + BASH_REMATCH[2]))
		n_skipped=$((n_skipped + BASH_REMATCH[3]))
	else
		echo "FAIL: $1: check.sh came to no end"
		n_failed=$((n_failed + 1))
	fi
}

# one NAME PART...: its lines, each with its name in front
one() {
	local name=$1
	shift
	echo "---- $name: $*"
	if ! make_root "$name" || ! copy_tree "$roots/$name"; then
		echo "FAIL: $name: no root of it can be made"
		n_failed=$((n_failed + 1))
		return
	fi
	unshare --mount --pid --fork --kill-child --propagation private -- "$0" --inside "$roots/$name" "$@" \
		</dev/null 2>&1 | tee "$log" |
		sed -u -E -e '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/d' -e "s/^/$name  /" || :
	count "$name"
	# shellcheck disable=SC2016
	dpkg-query --admindir="$roots/$name/var/lib/dpkg" -W -f "$name"'  ${Package} ${Version}\n' \
		libfuse3-dev libglib2.0-dev gcc clang libc6-dev meson python3 || :
}

if [[ "${1-}" == --inside ]]; then
	shift
	enter "$@"
fi
roots='' mirror=${MIRROR:-http://deb.debian.org/debian}
while (($#)); do
	case $1 in
	-h | --help) sed -n '3,/^$/s/^# \?//p' "$0" && exit 0 ;;
	--root) (($# > 1)) || die "--root needs a directory" && roots=$2 && shift 2 ;;
	-*) die "there is no option $1" ;;
	*) break ;;
	esac
done
(($#)) || set -- trixie trixie-i386
for name; do
	[[ "$name" =~ ^[a-z]+(-[a-z0-9]+)?(:[a-z,-]+)?$ ]] || die "no name of a root: $name"
done
((EUID == 0)) || die "must be root"
command -v mmdebstrap >/dev/null || command -v debootstrap >/dev/null || die "neither mmdebstrap nor debootstrap is installed"
if [[ -n "$roots" ]]; then
	mkdir -p "$roots"
	roots=$(realpath "$roots")
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
else
	roots=$(mktemp -d)
	log=$roots/log
	trap 'rm -rf --one-file-system "$roots"' EXIT
fi
chmod 755 "$roots"
for name; do
	case $name in
	*:*) IFS=, read -ra parts <<<"${name#*:}" ;;
	*-*) parts=(unit) ;;
	*) parts=(plain clang) ;;
	esac
	one "${name%%:*}" "${parts[@]}"
done
outcome
