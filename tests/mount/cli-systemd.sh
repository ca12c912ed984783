#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The service, the mount unit and the lines of fstab in contrib/systemd are ones that systemd and mount(8) accept, and what they start
# lklfs with mounts. (contrib/ci/packages.sh has systemd do it.)
# AXES: root ext4 plain
. "${0%/*}/lib.sh"
need systemd-analyze systemd-escape findmnt

systemd=$TOP/contrib/systemd
export SYSTEMD_LOG_LEVEL=warning XDG_RUNTIME_DIR=$T

# verified UNIT...: nothing is said of them
verified() {
	local how
	for how in --system --user; do
		[[ $how == --system || "$*" != *mount* ]] || continue
		eq "systemd-analyze $how verify $*" "$(status_of systemd-analyze "$how" verify --man=no "$@"; cat "$T/err")" 0
	done
}

# ---- the service ----

mkdir "$B/a b" "$T/units"
sed "s,@bindir@/lklfs,$LKLFS," "$systemd/lklfs@.service.in" >"$T/units/lklfs@.service"
! grep '@[a-z]' "$T/units/lklfs@.service" || fail "what is that"
unit=$(systemd-escape --path --template=lklfs@.service "$B/a b")
# (others of this name may be installed)
export SYSTEMD_UNIT_PATH=$T/units:
verified "$T/units/$unit"
sed 's/^ExecStart=/&nonsense/' "$T/units/lklfs@.service" >"$T/units/broken@.service"
ne "a broken one: status" "$(status_of systemd-analyze verify --man=no "$T/units/broken@x.service")" 0

# exec_of KEY: what it executes for "$B/a b", into $words
exec_of() {
	local line
	line=$(sed -n "s/^$1=//p" "$T/units/lklfs@.service")
	read -r -a words <<<"${line/\$LKLFS_OPTIONS/-o noexec}"
	words=("${words[@]/%%f/$B/a b}")
}
exec_of ExecStart
"${words[@]}" </dev/null &
until_true "a mount" test -e "$B/a b/.lklfs/status"
has "its options" "$(findmnt -n -o OPTIONS "$B/a b")" noexec
kill_daemon
wait || :
eq "the dead mount" "$(findmnt -n -t fuse.lklfs -o FSTYPE)" fuse.lklfs
exec_of ExecStopPost
"${words[@]}"
eq "dead mounts, then" "$(findmnt -n -t fuse.lklfs)" ""

# ---- the mount unit ----

mount=$systemd/srv-build-out.mount
where=$(sed -n 's/^Where=//p' "$mount")
eq "its name" "$(systemd-escape --path --suffix=mount "$where")" "${mount##*/}"
verified "$mount"
"$LKLFS" -o "$(sed -n 's/^Options=//p' "$mount")" "$B" </dev/null
umnt

# ---- fstab ----

fstab=$systemd/fstab.example
n_lines=0
while read -r what dir type options dump pass; do
	[[ "$what" != \#* && -n "$what" ]] || continue
	eq "a line of fstab" "$what ${dir%/*} $type $dump $pass" "outputs /srv/build fuse.lklfs 0 0"
	"$LKLFS" -o "$options" "$B" </dev/null
	umnt
	n_lines=$((n_lines + 1))
done <"$fstab"
eq "lines of fstab" "$n_lines" 3
has "findmnt --verify" "$(findmnt --verify --tab-file "$fstab" 2>&1 || :)" "0 parse errors"
generator=/usr/lib/systemd/system-generators/systemd-fstab-generator
[[ -x "$generator" ]] || generator=/lib/systemd/system-generators/systemd-fstab-generator
mkdir "$T/generated"
SYSTEMD_FSTAB=$fstab "$generator" "$T/generated" "$T/generated" "$T/generated"
eq "units made of fstab" "$(cd "$T/generated" && echo *mount)" \
	"srv-build-auto.automount srv-build-auto.mount srv-build-boot.mount srv-build-out.mount"
verified "$T/generated"/*mount
