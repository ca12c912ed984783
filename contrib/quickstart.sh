#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# From a fresh Debian 12 or 13 machine to lklfs at work:
#
#   contrib/quickstart.sh             the small build in contrib/demo, without and with lklfs
#   contrib/quickstart.sh LKL_TREE    the build of the Linux Kernel Library in that tree, on lklfs
#
# Installs what is missing (as root or through sudo), builds lklfs into build/, and runs. Exits with an
# error if anything does not come out as promised.

set -euo pipefail

packages=(gcc libc6-dev make meson ninja-build pkg-config libfuse3-dev libglib2.0-dev fuse3)
lkl_packages=(bc bison flex libelf-dev libarchive-dev libfuse-dev)

say() { printf '\n== %s\n' "$*"; }

die() {
	echo "quickstart: $*" >&2
	exit 1
}

case ${1:-} in
-h | --help)
	sed -n '3,9s/^# \?//p' "$0"
	exit 0
	;;
esac
(($# <= 1)) || die "one tree at most; see --help"
tree=
if (($# == 1)); then
	tree=$(realpath -e -- "$1") || exit 1
	[[ -f "$tree/tools/lkl/Makefile" ]] || die "$tree is no LKL tree: it has no tools/lkl/Makefile"
fi
top=$(realpath -e -- "${BASH_SOURCE[0]%/*}/..")
build=$top/build
lklfs=$build/lklfs
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# quietly WHAT COMMAND...: its output shows only if it fails
quietly() {
	local what=$1
	shift
	if ! "$@" >"$scratch/log" 2>&1 </dev/null; then
		cat "$scratch/log" >&2
		die "$what failed"
	fi
}

# ---- packages ----

install_missing() {
	local package missing=() as_root=()
	for package in "$@"; do
		[[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] ||
			missing+=("$package")
	done
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null || die "these packages of Debian 12 or 13 are needed: ${missing[*]}"
	say "Installing ${missing[*]}"
	if ((EUID != 0)); then
		command -v sudo >/dev/null || die "root, or sudo, is needed to install: ${missing[*]}"
		as_root=(sudo)
	fi
	as_root+=(env DEBIAN_FRONTEND=noninteractive)
	quietly "apt-get update" "${as_root[@]}" apt-get -q update
	quietly "apt-get install" "${as_root[@]}" apt-get -q -y --no-install-recommends install "${missing[@]}"
}

[[ -z "$tree" ]] || packages+=("${lkl_packages[@]}")
[[ -z "$tree" ]] || command -v python >/dev/null || packages+=(python-is-python3)
install_missing "${packages[@]}"

# ---- lklfs ----

say "Building lklfs"
[[ -f "$build/build.ninja" ]] || quietly "meson setup" meson setup "$build" "$top"
quietly "building lklfs" ninja -C "$build"
"$lklfs" --version

# ---- the Linux Kernel Library ----

if [[ -n "$tree" ]]; then
	say "Building LKL in $tree"
	cd "$tree"
	LKLFS=$lklfs "$top/contrib/lkl/lkl-make" -j"$(nproc)"
	[[ -s tools/lkl/lib/lkl.o && -s tools/lkl/liblkl.a ]] || die "the build made no library"
	say "LKL is built: tools/lkl/lib/lkl.o, tools/lkl/liblkl.a"
	echo "Run the same again after a change to the kernel:"
	echo "  $top/contrib/lkl/lkl-make -j$(nproc)"
	exit 0
fi

# ---- the demonstration ----

forced=$'CP lib/core.o\nGEN include/demo/config.h\nINSTALL include/demo/core.h\nINSTALL include/demo/util.h'

# steps_of FILE: what ran, sorted, as STEP TARGET
steps_of() { awk 'NF == 2 && $1 ~ /^[A-Z]+$/ { print $1, $2 }' "$1" | LC_ALL=C sort; }

# build_demo HOW RUN [COMMAND...]: runs the build in $scratch/HOW, by COMMAND if there is one
build_demo() {
	local how=$1 run=$2 r=0
	shift 2
	say "The demo $how lklfs, run $run"
	(cd "$scratch/$how" && "$@" make --no-print-directory) >"$scratch/$how.$run" 2>&1 || r=$?
	cat "$scratch/$how.$run"
	((r == 0)) || die "the build $how lklfs failed ($r)"
	steps_of "$scratch/$how.$run" >"$scratch/$how.$run.steps"
}

for how in without with; do
	cp -R "$top/contrib/demo" "$scratch/$how"
	command=()
	[[ "$how" == without ]] || command=("$lklfs" run --mkdir lib include --)
	build_demo "$how" 1 "${command[@]}"
	build_demo "$how" 2 "${command[@]}"
done

n_without=$(wc -l <"$scratch/without.2.steps")
n_with=$(wc -l <"$scratch/with.2.steps")
say "Nothing had changed before the second runs"
echo "Without lklfs the second run took $n_without steps, with it $n_with. It was spared these:"
LC_ALL=C comm -23 "$scratch/without.2.steps" "$scratch/with.2.steps" | sed 's/ /\t/; s/^/  /' | expand -t 10

cmp -s "$scratch/without.1.steps" "$scratch/with.1.steps" || die "the first runs differ in their steps"
[[ "$(cat "$scratch/with.2.steps")" == "$forced" ]] ||
	die "with lklfs the second run should take the steps that are forced, and no others"
for step in CC AR LD; do
	grep -q "^$step " "$scratch/without.2.steps" || die "without lklfs the second run should take $step steps"
done
for dir in lib include; do
	diff -r "$scratch/without/$dir" "$scratch/with/$dir" >&2 || die "the outputs in $dir differ"
done
"$scratch/with/lib/count" >/dev/null || die "a program that was built does not run"
echo "The outputs are the same, byte for byte."
