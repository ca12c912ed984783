# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Containers as an engine makes them: an OCI bundle, run by runc. Sourced by container-*.sh after lib.sh.
#
#   bundle NAME WORDS...   $W/NAME is a bundle whose process 1 is WORDS; $LKLFS, $B, $W and $T are where they are
#                          outside. With CONTAINER_USERNS in the environment it has a user namespace of its own
#   contain NAME           runs it in the foreground; its exit status
#   begins NAME            runs it in the background until it has written a line to $W/ready
#   ends_by SIGNAL NAME STATUS   sends the signal to its process 1; that is the exit status then

# The root of a container: the programs of this machine, nothing else of it.
container_root() { # DIR
	local root=$1 name
	mkdir -p "$root"/{usr,etc,proc,dev,tmp,run,sys} "$root$CASE"
	for name in bin sbin lib lib32 lib64; do
		[[ ! -L "/$name" ]] || ln -s "$(readlink "/$name")" "$root/$name"
	done
}

bundle() {
	local name=$1
	shift
	mkdir "$W/$name"
	container_root "$W/$name/rootfs"
	python3 - "$W/$name/config.json" "$CASE" "$@" <<'EOF'
import json, os, pathlib, sys
path, case, *words = sys.argv[1:]
caps = ["CAP_SYS_ADMIN", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETUID", "CAP_SETGID"]
bind = lambda source, *options: {"destination": source, "type": "bind", "source": source, "options": ["rbind", *options]}
mounts = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
    bind("/usr", "ro"), bind("/etc", "ro"), bind(case),
]
namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]
# Control groups are the machine's: somebody else's case may have a container of this name at the same time.
group = "-".join([*pathlib.Path(case).parts[-2:], pathlib.Path(path).parts[-2]])
linux = {"namespaces": namespaces, "cgroupsPath": "/" + group, "resources": {"devices": [{"allow": True, "access": "rwm"}]},
         "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666}]}
if os.environ.get("CONTAINER_USERNS"):
    namespaces.append({"type": "user"})
    for kind in ("uidMappings", "gidMappings"):
        linux[kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    del linux["devices"]
    mounts.append(bind("/dev/fuse"))
keep = ("PATH", "HOME", "LC_ALL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "G_SLICE", "B", "W", "T", "TOOL", "LKLFS")
config = {
    "ociVersion": "1.0.2", "hostname": "container", "root": {"path": "rootfs"}, "mounts": mounts, "linux": linux,
    "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": words, "cwd": "/", "noNewPrivileges": True,
                "env": [f"{name}={os.environ[name]}" for name in keep if name in os.environ],
                "capabilities": {kind: caps for kind in ("bounding", "effective", "permitted")}},
}
json.dump(config, open(path, "w"))
EOF
}

contain() { runc --root "$T/runc" run --no-new-keyring --bundle "$W/$1" "$1" </dev/null; }

begins() {
	mkfifo "$W/ready"
	contain "$1" >"$T/out" 2>"$T/err" &
	CONTAINER_PID=$!
	read -r -t 30 <>"$W/ready" || fail "$1 does not get ready: $(cat "$T/err")"
	rm "$W/ready"
}

ends_by() {
	local r=0
	runc --root "$T/runc" kill "$2" "$1"
	wait "$CONTAINER_PID" || r=$?
	eq "status after SIG$1" "$r" "$3"
	until_true "the end of $2" no_container
}

no_container() { [[ -z "$(runc --root "$T/runc" list -q)" ]]; }
