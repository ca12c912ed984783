#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the packages, and uses them: the tarball of `meson dist`, a Debian package of contrib/debian, an RPM of
# contrib/rpm/lklfs.spec.
#
#   contrib/ci/packages.sh [--keep DIR] [dist|deb|rpm]...
#
#   dist   the tarball of what is committed is built by itself, and passes its unit tests
#   deb    dpkg-buildpackage builds the package of the tarball, lintian has nothing to say, and in a minimal Debian 12 it is
#          installed, used (as a command, by mount(8), from fstab, as a service of systemd) and removed, and nothing is left
#   rpm    rpmbuild builds the package of the tarball, rpmlint finds no errors, and what is in it is what the other has
#
# The default is all. Needs root, git, debhelper, dpkg-dev, lintian, rpm, rpmlint, mmdebstrap, and for the minimal Debian a mirror
# (MIRROR, if not http://deb.debian.org/debian); a quarter of an hour. DIR keeps what was made, and its logs.
#
# The last line is `N passed, N failed, N skipped`. Exit status: 0 nothing failed, 1 something did, 2 called wrongly or a
# program is missing.

set -euo pipefail

top=$(realpath "${BASH_SOURCE[0]%/*}/../..")
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/outcome.bash"
release=bookworm
export LC_ALL=C.UTF-8
umask 022

# ---- in the minimal Debian, in namespaces of its own ----

# enter ROOT COMMAND...: ROOT becomes /, as in versions.sh; cgroups are those of our own namespace
enter() {
	local root=$1
	shift
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/run"
	cd "$root"
	pivot_root . mnt
	umount -l /mnt
	cd /
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# all_files: what there is, but for what dpkg, apt and the library caches write themselves
all_files() {
	find / -xdev \( -path /tmp -o -path /proc -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /var/lib/apt \
		-o -path /root \) -prune -o -print | sort
}

# uses WHAT COMMAND...: says whether it did as it should
uses() {
	local what=$1
	shift
	if "$@"; then echo "ok: $what"; else echo "FAIL: $what" && false; fi
}

# quietly COMMAND...: what it prints is of interest only if it fails
quietly() {
	"$@" >/tmp/printed 2>&1 || { cat /tmp/printed && return 1; }
}

keeps_mtime() { # DIR: a file in it that is written again
	local before
	echo bytes >"$1/f"
	before=$(stat -c %.9Y "$1/f")
	echo bytes >"$1/f"
	[[ "$(stat -c %.9Y "$1/f")" == "$before" ]]
}
is_over() { [[ "$(findmnt -n -o FSTYPE --mountpoint "$1")" == fuse.lklfs ]]; }
is_ended() { [[ -z "$(findmnt -n -t fuse.lklfs)" && "$(cat "$1/f")" == bytes ]]; }

by_command() {
	lklfs --version | grep -qx "lklfs $1" || return
	lklfs --mkdir /srv/a && is_over /srv/a && keeps_mtime /srv/a && lklfs umount /srv/a && is_ended /srv/a
}
by_user() {
	install -d -o nobody /srv/nobody && setpriv --reuid=nobody --regid=nogroup --clear-groups \
		lklfs run /srv/nobody -- sh -c 'echo bytes >/srv/nobody/f' && is_ended /srv/nobody
}
by_mount() {
	mkdir /srv/m && mount -t fuse.lklfs outputs /srv/m -o keep=7 && is_over /srv/m && keeps_mtime /srv/m && umount /srv/m &&
		until_true is_ended /srv/m
}
by_fstab() {
	local fstab=/usr/share/doc/lklfs/examples/fstab.example dirs dir
	mapfile -t dirs < <(awk '/^[^#]/ { print $2 }' "$fstab")
	((${#dirs[@]} > 0)) || return
	for dir in "${dirs[@]}"; do
		mkdir -p "$dir" && mount -T "$fstab" "$dir" && is_over "$dir" && keeps_mtime "$dir" && umount "$dir" &&
			until_true is_ended "$dir" || return
	done
}
until_true() {
	local limit=$((SECONDS + 30))
	while ! "$@"; do
		((SECONDS < limit)) || return
		read -r -t 0.05 <>/tmp/never || :
	done
}

# by_service: a user's manager of systemd starts it, and it is ready when the mount is there
by_service() {
	local unit manager
	mkdir -p "/srv/a b" /run/systemd/system /run/user/0
	export XDG_RUNTIME_DIR=/run/user/0
	unit=$(systemd-escape --path --template=lklfs@.service "/srv/a b") && systemd-analyze verify --man=no "$unit" || return
	/lib/systemd/systemd --user --log-target=console 2>/tmp/manager.log &
	manager=$!
	until_true test -S /run/user/0/systemd/private && systemctl --user start "$unit" && is_over "/srv/a b" &&
		keeps_mtime "/srv/a b" && systemctl --user stop "$unit" && is_ended "/srv/a b" &&
		[[ "$(systemctl --user show --value -p Result "$unit")" == success ]] || return
	# a daemon that is killed leaves a dead mount, which goes
	systemctl --user start "$unit" && systemctl --user kill --signal=KILL "$unit" && until_true is_ended "/srv/a b" || return
	kill "$manager"
	wait "$manager" || :
}
has_files() {
	local file
	for file in /sbin/mount.fuse.lklfs /usr/share/man/man1/lklfs.1.gz /usr/share/man/man8/mount.fuse.lklfs.8.gz \
		/usr/share/bash-completion/completions/lklfs.bash /usr/share/zsh/vendor-completions/_lklfs \
		/usr/share/fish/vendor_completions.d/lklfs.fish /usr/share/doc/lklfs/copyright; do
		[[ -s "$file" ]] || { echo "$file is missing" && return 1; }
	done
	bash -c '. /usr/share/bash-completion/completions/lklfs.bash && complete -p lklfs' >/dev/null &&
		zcat /usr/share/man/man1/lklfs.1.gz | grep -q "overlay file system"
}

inside() { # VERSION
	local r=0
	export DEBIAN_FRONTEND=noninteractive
	mkfifo /tmp/never
	uses "the mirror is reached" apt-get -qq update || return
	all_files >/tmp/before
	uses "it is installed" quietly apt-get -qq install -y --no-install-recommends /tmp/lklfs.deb || return
	uses "its files are there" has_files || r=1
	uses "as a command" by_command "$1" || r=1
	uses "by an ordinary user" by_user || r=1
	uses "by mount(8)" by_mount || r=1
	uses "from fstab" by_fstab || r=1
	uses "as a service" by_service || { r=1 && cat /tmp/manager.log; }
	rm -r /srv/*
	uses "it is removed" quietly apt-get -qq purge -y --autoremove lklfs || r=1
	all_files >/tmp/after
	uses "nothing is left" diff /tmp/before /tmp/after || r=1
	return "$r"
}

# ---- outside ----

# check WHAT COMMAND...: the same, but its output is a log, shown if it fails
check() {
	local what=$1 log=$dir/log-$((n_passed + n_failed + 1))
	shift
	if ("$@") >"$log" 2>&1; then
		echo "ok: $what"
		n_passed=$((n_passed + 1))
	else
		grep -E "^ *[0-9]+/[0-9]+ .* (FAIL|TIMEOUT|ERROR) |^not ok|^# ERROR|^\*\*.*ERROR" "$log" || :
		tail -n 40 "$log"
		echo "FAIL: $what"
		n_failed=$((n_failed + 1))
		return 1
	fi
}

need() {
	local program
	for program; do
		command -v "$program" >/dev/null || die "$program is not installed"
	done
}

# make_tarball: of what is committed, with `meson dist`, once
tarball=
make_tarball() {
	[[ -z "$tarball" ]] || return 0
	check "meson dist" in_order meson setup "$dir/build" "$top" -- meson dist -C "$dir/build" --allow-dirty --no-tests || return
	tarball=$dir/build/meson-dist/lklfs-$version.tar.xz
	[[ -s "$tarball" ]]
}

# in_order COMMAND... [-- COMMAND...]...
in_order() {
	local command=() word
	for word in "$@" --; do
		if [[ "$word" == -- ]]; then
			"${command[@]}" || return
			command=()
		else
			command+=("$word")
		fi
	done
}

unpack() { # DIR
	rm -rf "$1" && mkdir -p "$1" && tar -C "$1" -xf "$tarball"
}

do_dist() {
	local tree=$dir/dist/lklfs-$version
	make_tarball || return 0
	check "the tarball is whole" unpack "$dir/dist" || return 0
	check "the tarball is built" in_order meson setup --werror "$tree/build" "$tree" -- ninja -C "$tree/build" || return 0
	check "its unit tests" meson test -C "$tree/build" --no-rebuild --suite unit || :
}

build_deb() {
	unpack "$dir/deb" && cp "$tarball" "$dir/deb/lklfs_$version.orig.tar.xz" && cd "$dir/deb/lklfs-$version" &&
		cp -r contrib/debian debian && DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage -us -uc
}

run_lintian() {
	local out
	out=$(lintian --fail-on error,warning --display-level '>=warning' --show-overrides "$dir"/deb/*.changes 2>&1 | grep -v '^running with root') || :
	echo "$out"
	[[ -z "$out" ]]
}

use_deb() {
	local root=$dir/root cgroups own r=0
	[[ -d "$root" ]] || mmdebstrap --quiet --variant=minbase --include=apt,fuse3,systemd "$release" "$root" \
		"${MIRROR:-http://deb.debian.org/debian}" || return
	ln -sfn ../proc/self/mounts "$root/etc/mtab" # which fusermount3 reads; an installed Debian has it
	rm -rf "$root/tmp" && mkdir -m 1777 "$root/tmp"
	cp "$dir/deb/lklfs_$version-"*_"$(dpkg --print-architecture)".deb "$root/tmp/lklfs.deb"
	cp "$0" "$root/tmp/packages.sh"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || :
	cgroups=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
	own=$cgroups/lklfs-packages-$$
	mkdir "$own"
	echo "$BASHPID" >"$own/cgroup.procs"
	unshare --mount --pid --fork --kill-child --cgroup --propagation private -- "$top/contrib/ci/packages.sh" --enter "$root" \
		bash /tmp/packages.sh --inside "$version" </dev/null || r=1
	echo "$BASHPID" >"$cgroups/cgroup.procs"
	find "$own" -depth -type d -exec rmdir {} +
	return "$r"
}

do_deb() {
	need dpkg-buildpackage dh lintian mmdebstrap findmnt
	make_tarball || return 0
	check "dpkg-buildpackage" build_deb || return 0
	check "lintian" run_lintian || :
	check "the package in a minimal $release" use_deb || :
	grep -h -E '^(ok|FAIL): ' "$dir/log-$((n_passed + n_failed))" | sed 's/^/  /' || :
}

build_rpm() {
	mkdir -p "$dir/rpm/SOURCES" && cp "$tarball" "$dir/rpm/SOURCES/" || return
	# the machine's own database knows nothing of what is installed
	rpmbuild -ba --nodeps --define "_topdir $dir/rpm" "$top/contrib/rpm/lklfs.spec"
}

# The files that both kinds have, by the names that the other one calls them.
rpm_files() {
	rpm -qlp "$dir"/rpm/RPMS/*/lklfs-"$version"-*.rpm | sed -e 's,\.gz$,,' -e '/\/doc\//d' -e '/licenses/d' -e '/build-id/d' -e '/debug/d' | sort
}
deb_files() {
	dpkg -c "$dir/deb/lklfs_$version-"*_"$(dpkg --print-architecture)".deb | awk '!/\/$/ { print substr($6, 2) }' |
		sed -e 's,\.gz$,,' -e '/\/doc\//d' -e 's,vendor-completions,site-functions,' | sort
}
same_files() { diff <(rpm_files) <(deb_files); }

do_rpm() {
	need rpmbuild rpmlint
	make_tarball || return 0
	check "rpmbuild" build_rpm || return 0
	check "rpmlint" rpmlint "$top/contrib/rpm/lklfs.spec" || :
	[[ ! -d "$dir/deb" ]] || check "both packages have the same files" same_files || :
}

case ${1-} in
--enter) shift && enter "$@" ;;
--inside) inside "$2" || exit 1; exit ;;
-h | --help) sed -n '3,/^$/s/^# \?//p' "$0" && exit 0 ;;
esac
version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$top/meson.build")
dir=
if [[ "${1-}" == --keep ]]; then
	(($# > 1)) || die "--keep needs a directory"
	mkdir -p "$2"
	dir=$(realpath "$2")
	shift 2
fi
(($#)) || set -- dist deb rpm
for part; do
	[[ "$part" == dist || "$part" == deb || "$part" == rpm ]] || die "there is no part $part"
done
((EUID == 0)) || die "must be root"
need git meson ninja
if [[ -z "$dir" ]]; then
	dir=$(mktemp -d)
	trap 'rm -rf --one-file-system "$dir"' EXIT
fi
chmod 755 "$dir"
for part; do
	"do_$part"
done
outcome
