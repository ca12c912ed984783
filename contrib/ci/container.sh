#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The image of contrib/container, built for real and run for real, as root:
#
#   contrib/ci/container.sh [--lkl TREE[:PATH]] [WORK_DIR]
#
# Builds the Containerfile with buildah, on a Debian 12 that mmdebstrap makes where no image of that name is there yet (no
# registry is asked), runs every command that contrib/container/README.md shows as it stands there, and then the image
# that these made: by podman with runc, and unpacked as an OCI bundle by runc alone, with lklfs as process 1; with an init
# in front; as an ordinary user; in a user namespace; and with its directory on an overlayfs. With --lkl the README's build
# of the Linux Kernel Library runs, too, on a copy of TREE; PATH is where TREE was built, if that is elsewhere.
#
# Needs buildah, podman, runc, catatonit, mmdebstrap, python3, a mirror of Debian's packages and some GB where an
# overlayfs can be made. WORK_DIR keeps the images for the next time (default: a temporary directory, removed at the end).
# The engines' own configuration and storage are not touched: they are told to use WORK_DIR, overlayfs, runc, cgroupfs, the
# host's network and modest limits, so that a machine without systemd or a network of its own will do.
#
# A line for each thing that is right. The first that is not ends it. The last line says `N passed, N failed`. Exit status:
# 0 nothing failed, 1 something did, 2 called wrongly or something is missing.

set -euo pipefail

here=$(realpath "${BASH_SOURCE[0]%/*}")
top=$(realpath "$here/../..")
readme=$top/contrib/container/README.md
export LC_ALL=C.UTF-8
unset MAKEFLAGS MAKELEVEL CFLAGS LDFLAGS
# shellcheck source=/dev/null
. "$here/outcome.bash"
umask 022

# ---- outcome ----

passed() {
	echo "ok    $1"
	n_passed=$((n_passed + 1))
}

fail() {
	echo "FAIL  $1"
	[[ ! -s "$log" ]] || tail -n 30 "$log"
	exit 1
}

# eq WHAT GOT WANT
eq() {
	if [[ "$2" == "$3" ]]; then passed "$how: $1"; else fail "$how: $1: got '$2', want '$3'"; fi
}

# has WHAT TEXT PATTERN: the pattern (of case) is somewhere in the text
has() {
	# shellcheck disable=SC2053
	if [[ "$2" == *$3* ]]; then passed "$how: $1"; else fail "$how: $1: '$2' does not have '$3'"; fi
}

# status_of COMMAND...: its exit status; what it prints goes to $log
status_of() {
	local r=0
	"$@" >"$log" 2>&1 </dev/null || r=$?
	echo "$r"
}

# until_true WHAT COMMAND...: looks again and again, half a minute at most
until_true() {
	local what=$1 limit=$((SECONDS + 30))
	shift
	while ! "$@"; do
		((SECONDS < limit)) || fail "$how: never happened: $what"
		read -r -t 0.05 <>"$work/never" || :
	done
}

# ---- the README's commands ----

# shown N: the Nth indented block of the README
shown() {
	awk -v n="$1" '/^    / { if (!inside) i++; inside = 1; if (i == n) print substr($0, 5); next } { inside = 0 }' "$readme"
}

n_shown() { awk '/^    / { if (!inside) i++; inside = 1; next } { inside = 0 } END { print i + 0 }' "$readme"; }

# runs_shown N: as somebody does who pastes it
runs_shown() {
	shown "$1" >"$work/shown"
	[[ -s "$work/shown" ]] && bash -euo pipefail "$work/shown"
}

# steps: which kinds of steps the last container took, sorted, from $log
steps() { awk 'NF == 2 && $1 ~ /^[A-Z]+$/ { print $1 }' "$log" | sort | xargs; }

# ---- a container, by podman or by runc ----
#
# $engine is podman or runc; $variant is plain, init, user, userns or overlay; $how says both. $dir is on the host what /src is in the
# container, and $owner is who the container's root is there.

# contain NAME WORD...: in the foreground, with WORDs as the arguments of the image's entrypoint; 124 if that takes for ever
contain() {
	local name=$1 flags=()
	shift
	if [[ "$engine" == podman ]]; then
		case $variant in
		init) flags=(--init) ;;
		user) flags=(--user "$owner:$owner") ;;
		userns) flags=(--uidmap 0:100000:65536 --gidmap 0:100000:65536) ;;
		esac
		timeout -k 10 100 podman run --rm --name "$name" --device /dev/fuse --cap-add SYS_ADMIN "${flags[@]}" \
			-v "$dir:/src" -w /src lkl-build "$@"
	else
		bundle "$name" "$@"
		timeout -k 10 100 runc --root "$work/runc" run --no-new-keyring --bundle "$bundles/$name" "$name"
	fi
}

# bundle NAME WORD...: what an engine makes of the image for runc. The root is the image itself, read-only.
bundle() {
	local name=$1
	shift
	mkdir -p "$bundles/$name"
	podman image inspect lkl-build >"$work/image.json"
	python3 - "$bundles/$name/config.json" "$work/image.json" "$rootfs" "$dir" "$variant" "container.sh-$$-$name" "$@" <<'END'
import json, sys
path, image, rootfs, directory, variant, group, *words = sys.argv[1:]
image = json.load(open(image))[0]["Config"]
caps = ["CAP_" + name for name in ("SYS_ADMIN CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP "
                                   "SETUID SYS_CHROOT").split()]
bind = lambda source, target, *options: {"destination": target, "type": "bind", "source": source, "options": ["rbind", *options]}
mounts = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
    bind(directory, "/src"),
]
namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]
linux = {"namespaces": namespaces, "cgroupsPath": "/" + group, "resources": {"devices": [{"allow": False, "access": "rwm"},
         {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"}]},
         "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666}]}
entry = image["Entrypoint"]
if variant == "init":
    mounts.append(bind("/usr/bin/catatonit", "/usr/bin/catatonit", "ro"))
    entry = ["/usr/bin/catatonit", "--", *entry]
if variant == "userns":
    namespaces.append({"type": "user"})
    for kind in ("uidMappings", "gidMappings"):
        linux[kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    del linux["devices"]
    mounts.append(bind("/dev/fuse", "/dev/fuse"))
json.dump({
    "ociVersion": "1.0.2", "hostname": "container", "root": {"path": rootfs, "readonly": True}, "mounts": mounts, "linux": linux,
    "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": entry + words, "cwd": "/src", "env": image["Env"],
                "noNewPrivileges": True, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
                "capabilities": {kind: caps for kind in ("bounding", "effective", "permitted")}},
}, open(path, "w"))
END
}

# signal NAME SIGNAL
signal() {
	if [[ "$engine" == podman ]]; then podman kill -s "$2" "$1" >/dev/null; else runc --root "$work/runc" kill "$1" "$2"; fi
}

# pid_of NAME: its process 1, as the host sees it
pid_of() {
	if [[ "$engine" == podman ]]; then
		podman inspect -f '{{.State.Pid}}' "$1"
	else
		runc --root "$work/runc" state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
	fi
}

no_container() { [[ -z "$(podman ps -aq)$(runc --root "$work/runc" list -q)" ]]; }

# What a check that has failed leaves running.
end_containers() {
	local id
	podman rm --all --force --time 0 >/dev/null 2>&1
	for id in $(runc --root "$work/runc" list -q); do runc --root "$work/runc" delete --force "$id"; done
	wait
}

is_gone() { [[ ! -e "/proc/$1" ]]; }

# Mounts of lklfs at or below $dir that the host sees.
n_mounted() { awk -v dir="$dir" 'index($5, dir) == 1 && / - fuse\.lklfs / { n++ } END { print n + 0 }' /proc/self/mountinfo; }

# nothing_stays: no container, no mount, no name of lklfs's own
nothing_stays() {
	until_true "the container has gone" no_container
	eq "nothing is mounted" "$(n_mounted)" 0
	eq "no name is left behind" "$(find "$dir" -name '*lklfs*')" ""
}

# ready: the container has come to where it writes to /src/ready
ready() { read -r -t 60 <>"$dir/ready" || fail "$how: the container does not come to what it is waited for"; }

# names_and_owners: of the outputs, as the host sees them
names_and_owners() { (cd "$dir" && find lib include -printf '%p %y %m %U %G\n' | sort); }

# ---- what is promised ----

# a directory for the next containers: contrib/demo
directory() {
	clear_directory
	dir=$work/dir
	if [[ "$variant" == overlay ]]; then
		mkdir -p "$work"/layers/{lower,upper,work}
		cp -R "$top/contrib/demo/." "$work/layers/lower"
		mkdir "$dir"
		mount -t overlay overlay -o "lowerdir=$work/layers/lower,upperdir=$work/layers/upper,workdir=$work/layers/work" "$dir"
	else
		cp -R "$top/contrib/demo" "$dir"
	fi
	mkfifo "$dir/ready" "$dir/never"
	chown -R "$owner:$owner" "$dir"
}

clear_directory() {
	! mountpoint -q "$work/dir" || umount "$work/dir"
	rm -rf "$work/dir" "$work/layers" "$bundles"
}

forced='CP GEN INSTALL INSTALL'
first='AR CC CC CC CC CP GEN INSTALL INSTALL LD LD'

builds_twice() {
	local before
	eq "the first build" "$(status_of contain first --mkdir lib include -- make)" 0
	eq "its steps" "$(steps)" "$first"
	eq "the outputs are those of a build without lklfs" "$(diff -r "$dir/lib" "$reference/lib" && diff -r "$dir/include" "$reference/include")" ""
	eq "names, modes and owners, too" "$(names_and_owners)" "$(sed "s/ 0 0$/ $owner $owner/" "$reference.names")"
	before=$(cd "$dir" && stat -c '%n %i %.9Y %.9Z' lib/* include/demo/*)
	eq "the second build" "$(status_of contain second --mkdir lib include -- make)" 0
	eq "it takes the steps that are forced and no other" "$(steps)" "$forced"
	eq "and leaves no trace" "$(cd "$dir" && stat -c '%n %i %.9Y %.9Z' lib/* include/demo/*)" "$before"
	nothing_stays
}

passes_statuses_on() {
	local status
	for status in 1 42 126; do
		eq "exit status $status" "$(status_of contain "exits$status" lib -- sh -c "exit $status")" "$status"
	done
	# shellcheck disable=SC2016
	eq "128+9 for a build that is killed" "$(status_of contain killed lib -- sh -c 'kill -KILL $$')" 137
	eq "127 without a command" "$(status_of contain not-found lib -- no-such-command)" 127
	eq "125 if lklfs fails" "$(status_of contain missing no-such-directory -- true)" 125
	has "and why" "$(cat "$log")" "lklfs: "
}

# $pid is the client's, $first_pid the container's
starts() { # NAME WORD...
	contain "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	ready
	first_pid=$(pid_of "$1")
}

ended() {
	local r=0
	wait "$pid" || r=$?
	eq "exit status after $1" "$r" "$2"
	until_true "the end of process 1" is_gone "$first_pid"
}

forwards_signals() {
	echo old >"$dir/lib/written"
	chown "$owner:$owner" "$dir/lib/written"
	starts signalled lib -- sh -c "trap 'echo late >&3; exit 9' TERM; exec 3>lib/written; echo new >&3
		echo >ready; read x <>never"
	eq "process 1" "$(cat "/proc/$first_pid/comm")" "$first_name"
	eq "what the host sees meanwhile" "$(cat "$dir/lib/written")" old
	eq "the host has no mount meanwhile" "$(n_mounted)" 0
	signal signalled TERM
	ended SIGTERM 9
	eq "what the build did upon SIGTERM" "$(cat "$dir/lib/written")" "new
late"
	nothing_stays
}

# Orphans, and a process in the background that holds a file in the mount open and writes to it when it is told to end.
cleans_up_behind() {
	# shellcheck disable=SC2016
	eq "status with orphans" "$(status_of contain orphans lib -- sh -c '
		for i in 1 2 3 4 5; do (sh -c "echo $i >>lib/orphans; exit $i" &); done
		until [ "$(wc -l 2>/dev/null <lib/orphans)" = 5 ]; do :; done
		while cat /proc/[0-9]*/stat 2>/dev/null | grep -q ") Z "; do :; done')" 0
	passed "$how: zombies are reaped while the build runs"
	# shellcheck disable=SC2016
	eq "status with a process in the background" "$(status_of contain background lib -- sh -c '
		sh -c "trap \"echo last >lib/last; exit\" TERM; exec 3>lib/left; echo written >&3; echo >ready; read x <>never" &
		read x <ready; exit 5')" 5
	eq "what that has written" "$(cat "$dir/lib/left" "$dir/lib/last")" "written
last"
	nothing_stays
}

# Whoever an engine's exec has brought in is no child of process 1.
ends_who_entered() {
	local entered command=(sh -c 'exec 3>lib/entered; echo written >&3; echo >never; read x <>ready')
	starts entered lib -- sh -c 'echo >ready; read x <never; exit 4'
	if [[ "$engine" == podman ]]; then
		podman exec entered "${command[@]}" </dev/null >/dev/null &
	else
		runc --root "$work/runc" exec entered "${command[@]}" </dev/null >/dev/null &
	fi
	entered=$!
	ended "a process was brought in" 4
	wait "$entered" || :
	eq "what that has written" "$(cat "$dir/lib/entered")" written
	nothing_stays
}

survives_a_kill() {
	seq 20000 >"$work/large"
	echo old >"$dir/lib/old"
	cp "$work/large" "$dir/lib/large"
	chown -R "$owner:$owner" "$dir/lib"
	starts killed lib -- sh -c "cd lib; exec 3>old 4>large 5>new; echo other >&3; echo short >&4; echo half >&5; echo >../ready; read x <>../never"
	signal killed KILL
	ended SIGKILL 137
	until_true "the container has gone" no_container
	eq "nothing is mounted" "$(n_mounted)" 0
	eq "an old file is whole" "$(cat "$dir/lib/old")" old
	eq "a large one, too" "$(cmp "$dir/lib/large" "$work/large" 2>&1)" ""
	eq "there is no half of a new one" "$(find "$dir/lib" -name new)" ""
	eq "the next build" "$(status_of contain again --mkdir lib include -- make)" 0
	eq "takes up what there was" "$(steps)" "$forced"
	nothing_stays
}

all_of() { # ENGINE VARIANT OWNER PROMISE...
	local promise first_name=lklfs
	engine=$1 variant=$2 owner=$3 how="$1, $2"
	case $variant,$engine in
	init,podman) first_name=podman-init ;;
	init,runc) first_name=catatonit ;;
	esac
	shift 3
	directory
	for promise in "$@"; do "$promise"; done
	clear_directory
}

# What a container without the flags of the README says.
says_what_is_missing() {
	how="podman, a flag missing"
	engine=podman variant=plain owner=0
	directory
	mkdir "$dir/lib"
	eq "status without the device" "$(status_of podman run --rm --cap-add SYS_ADMIN -v "$dir:/src" -w /src lkl-build lib -- true)" 125
	has "what it says" "$(cat "$log")" "lklfs: *fuse"
	eq "status without the capability" "$(status_of podman run --rm --device /dev/fuse -v "$dir:/src" -w /src lkl-build lib -- true)" 125
	has "what it says" "$(cat "$log")" "lklfs: *mount"
	clear_directory
}

# ---- images ----

# can_overlay: whether there may be an overlayfs in WORK_DIR
can_overlay() {
	local dir=$work/try r=0
	mkdir -p "$dir"/{lower,upper,work,merged}
	mount -t overlay overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/merged" 2>/dev/null &&
		umount "$dir/merged" || r=1
	rm -rf "$dir"
	return "$r"
}

configure_engines() {
	cat >"$work/containers.conf" <<END
[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "$work/tmp"
END
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/storage" "$work/run" >"$work/storage.conf"
	export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
}

make_base() {
	mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar" && podman import -q "$work/base.tar" "$base" && rm "$work/base.tar"
}

build_images() {
	how="images"
	cd "$top"
	podman image exists "$base" || eq "a Debian 12" "$(status_of make_base)" 0
	eq "buildah builds the Containerfile" \
		"$(status_of buildah build --layers -t lklfs -f contrib/container/Containerfile .)" 0
	how="the README's commands"
	eq "the image" "$(status_of runs_shown 1)" 0
	eq "it has the version" "$(podman run --rm lklfs --version)" "lklfs $(sed -n "s/.* version: '\([^']*\)'.*/\1/p" meson.build | head -n 1)"
	eq "the image with build tools" "$(status_of runs_shown 2)" 0
	directory
	(cd "$dir" && rm -r ready never)
	cd "$dir"
	for steps in "$first" "$forced"; do
		eq "the build" "$(status_of runs_shown 3)" 0
		eq "its steps" "$(steps)" "$steps"
	done
	cd "$work"
	clear_directory
}

# What the outputs should be, and the second build without lklfs.
build_reference() {
	local name
	how="podman, without lklfs"
	directory
	for name in first second; do
		eq "the $name build" "$(status_of podman run --rm --entrypoint make -v "$dir:/src" -w /src lkl-build)" 0
	done
	eq "its steps" "$(steps)" "AR CC CC CC CP GEN INSTALL INSTALL LD LD"
	rm -rf "$reference"
	mkdir "$reference"
	cp -a "$dir/lib" "$dir/include" "$reference"
	names_and_owners >"$reference.names"
	clear_directory
}

unpack_image() {
	local id
	rm -rf "$rootfs"
	mkdir "$rootfs"
	id=$(podman create lkl-build) && podman export "$id" | tar -x -C "$rootfs" && podman rm "$id" && mkdir -p "$rootfs/src" &&
		: >"$rootfs/usr/bin/catatonit"
}

# ---- the Linux Kernel Library ----

# lkl_steps: of tools/lkl, the kernel's own left out
lkl_steps() {
	awk '/^  (CC|LD|AR|LINK) / && /\/tools\/lkl\// { n[$1]++ }
		END { printf "%d CC, %d LD, %d AR, %d LINK\n", n["CC"], n["LD"], n["AR"], n["LINK"] }' "$log"
}

# In a namespace of its own, where the copy is at PATH.
# shellcheck disable=SC2016
lkl_runs() {
	unshare -m bash -euo pipefail -c 'mkdir -p "$2"; mount --bind "$1" "$2"; cd "$2"; . "$3"' - "$work/lkl" "$lkl_path" "$work/shown"
}

build_lkl() {
	local run
	how="LKL"
	echo "      copying $lkl_tree"
	rm -rf "$work/lkl"
	cp -a --reflink=auto "$lkl_tree" "$work/lkl"
	shown 4 >"$work/shown"
	sed -E 's/ lkl-build .* -- make / --entrypoint make lkl-build /' "$work/shown" >"$work/shown.without"
	for run in first second; do
		eq "the $run build with lklfs" "$(status_of lkl_runs)" 0
		echo "      $(lkl_steps); $(grep '^lklfs: ' "$log")"
	done
	eq "the second one's steps" "$(lkl_steps)" "0 CC, 0 LD, 0 AR, 0 LINK"
	mv "$work/shown.without" "$work/shown"
	eq "a build without lklfs" "$(status_of lkl_runs)" 0
	echo "      $(lkl_steps)"
	has "it builds tools/lkl again" "$(lkl_steps)" "[1-9]* CC, *"
	rm -rf "$work/lkl"
}

# ---- main ----

# A mount namespace of our own is what the containers have for a host. It is shared, as systemd makes the host's, so that a
# mount that gets out of a container is seen; and /dev/fuse is everybody's there, as udev makes it.
if [[ -z "${IN_CONTAINER_SH-}" && $EUID == 0 ]]; then
	IN_CONTAINER_SH=yes exec unshare -m --propagation private "$0" "$@"
fi

host_as_usual() {
	mount --make-rshared /
	[[ "$(stat -c %a /dev/fuse)" != 666 ]] || return 0
	mkdir -p "$work/dev"
	mount -t tmpfs -o mode=755 tmpfs "$work/dev"
	mknod -m 666 "$work/dev/fuse" c 10 229
	mount --bind "$work/dev/fuse" /dev/fuse
}

at_exit() {
	local n_failed=$(($1 == 0 ? 0 : 1))
	set +e
	cd /
	end_containers
	clear_directory
	! mountpoint -q "$work/dev" || umount /dev/fuse "$work/dev"
	[[ -n "$keep" ]] || rm -rf "$work"
	echo "$n_passed passed, $n_failed failed"
	exit "$n_failed"
}

lkl_tree='' lkl_path='' work=''
while (($#)); do
	case $1 in
	-h | --help)
		sed -n '3,/^$/s/^# \?//p' "$0"
		exit 0
		;;
	--lkl)
		[[ -n "${2-}" ]] || die "--lkl needs a tree"
		lkl_tree=$(realpath -e "${2%%:*}") || exit 2
		lkl_path=$lkl_tree
		[[ "$2" != *:* ]] || lkl_path=${2#*:}
		[[ -f "$lkl_tree/tools/lkl/Makefile" && "$lkl_path" == /* ]] || die "no LKL tree, or no absolute path: $2"
		shift
		;;
	-*) die "unknown option $1" ;;
	*)
		[[ -z "$work" ]] || die "one WORK_DIR at most"
		work=$(realpath -m "$1")
		;;
	esac
	shift
done
((EUID == 0)) || die "must be root"
for program in buildah podman runc catatonit mmdebstrap python3; do
	command -v "$program" >/dev/null || die "$program is not installed"
done
[[ -c /dev/fuse ]] || die "there is no /dev/fuse"
keep=$work
[[ -n "$work" ]] || work=$(mktemp -d)
mkdir -p "$work"
if ! can_overlay; then
	[[ -n "$keep" ]] || rmdir "$work"
	die "no overlayfs in $work"
fi
base=docker.io/library/debian:12
log=$work/log bundles=$work/bundles rootfs=$work/rootfs reference=$work/reference
engine=podman variant=plain owner=0 dir=''
: >"$log"
rm -f "$work/never"
mkfifo "$work/never"
trap 'at_exit $?' EXIT
cd "$work"

host_as_usual
configure_engines
build_images
build_reference
how=images
eq "unpacked as the root of a bundle" "$(status_of unpack_image)" 0
says_what_is_missing
all_of podman user 1000 builds_twice
for engine in podman runc; do
	all_of "$engine" plain 0 builds_twice passes_statuses_on forwards_signals cleans_up_behind ends_who_entered survives_a_kill
	all_of "$engine" init 0 builds_twice forwards_signals cleans_up_behind
	all_of "$engine" userns 100000 builds_twice forwards_signals ends_who_entered survives_a_kill
	all_of "$engine" overlay 0 builds_twice forwards_signals survives_a_kill
done
if [[ -n "$lkl_tree" ]]; then build_lkl; else echo "      LKL is left out, without --lkl"; fi
how="the README's commands"
eq "there are no others" "$(n_shown)" 4
