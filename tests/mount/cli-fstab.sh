#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mount.fuse.lklfs serves mount(8) and fstab: SOURCE is what the mount table shows, fstab's own options
# are dropped, dev and suid must be asked for; findmnt finds the mount, and umount ends it. remount changes what the kernel keeps.
# AXES: root
. "${0%/*}/lib.sh"
need mount umount findmnt setpriv

# private DIR: its names are symbolic links now, in this mount namespace, so that others can be added
private() {
	local real="$W/${1##*/}.real"
	mkdir "$real"
	mount --bind "$1" "$real"
	mount -t tmpfs -o mode=755 none "$1"
	ln -s "$real"/* "$1/"
}
sbin=$(readlink -f /sbin)
private "$sbin"
private /etc
# mount(8) notes there what it has mounted
mount -t tmpfs -o mode=755 none /run
ln -s "$LKLFS" "$sbin/mount.fuse.lklfs"
ln -s "$LKLFS" "$sbin/mount.lklfs"
helper=/sbin/mount.fuse.lklfs

# shows COLUMNS: of the one mount of lklfs
shows() { findmnt -n -t fuse.lklfs -o "$1" | tr -s ' '; }
ends_with() { # WHAT COMMAND...
	local what=$1
	shift
	"$@"
	eq "$what: mounts afterwards" "$(n_mounted "$B")" 0
	until_true "$what: the daemon's end" no_daemon
	eq "$what: what was written" "$(cat "$B/f")" "$what"
}
option() { # WHAT PRESENT ABSENT
	has "$1: options" ",$(shows OPTIONS)," ",$2,"
	[[ ",$(shows OPTIONS)," != *,$3,* ]] || fail "$1: $3 is an option"
}

mount -t fuse.lklfs none "$B"
eq "mount -t: what is shown" "$(shows TARGET,SOURCE,FSTYPE)" "$B none fuse.lklfs"
option "mount -t" nosuid suid
option "mount -t" nodev dev
option "mount -t" rw ro
echo "mount -t" >"$B/f"
eq "mount -t: daemons" "$(daemons | wc -l)" 1
ends_with "mount -t" umount "$B"

mount -t lklfs "a source" "$B" -o noexec,keep=7,fsname=given -o always=x
eq "with options: what is shown" "$(shows SOURCE)" given
option "with options" noexec exec
echo "with options" >"$B/f"
ends_with "with options" "$LKLFS" umount "$B"
mount -t fuse.lklfs 'odd,so\urce' "$B"
eq "an odd source" "$(shows SOURCE)" 'odd,so\urce'
echo "an odd source" >"$B/f"
ends_with "an odd source" umount "$B"

# refusals arrive
eq "a missing directory: status" "$(status_of mount -t fuse.lklfs none "$B/missing" -o rw)" 32
eq "an unknown option: status" "$(status_of mount -t fuse.lklfs none "$B" -o no_such_option)" 1
has "an unknown option: what is said" "$(cat "$T/err")" no_such_option
mount -t fuse.lklfs none "$B" -o ro
eq "twice: status" "$(status_of mount -t fuse.lklfs none "$B")" 32
has "twice: what is said" "$(cat "$T/err")" "mounted with lklfs already"
option "read-only" ro rw
umount "$B"
until_true "the daemon's end" no_daemon

# fstab
useless=defaults,auto,noauto,nofail,_netdev,x-systemd.automount,x-a.b=c,comment=d,relatime,norelatime,strictatime,nostrictatime
useless+=,diratime,nodiratime,lazytime,nolazytime,nouser,noiversion,silent
cat >"$W/fstab" <<EOT
outputs $B fuse.lklfs $useless,allow_other,entry_timeout=1 0 0
EOT
mount -T "$W/fstab" "$B"
eq "fstab: what is shown" "$(shows TARGET,SOURCE,FSTYPE)" "$B outputs fuse.lklfs"
option "fstab" nodev dev
option "fstab" allow_other noexec
option "fstab" nosuid suid
echo fstab >"$B/f"
ends_with fstab umount "$B"

# who knows these gives them to lklfs itself, and both ways what is mounted is the same
for atime in atime noatime; do
	"$LKLFS" -o "$useless,user=somebody,users,owner,group,$atime,sync,dirsync,noexec" "$B" </dev/null
	option "lklfs itself, $atime" noexec exec
	option "lklfs itself, $atime" "$([[ $atime == noatime ]] && echo noatime || echo relatime)" nonsense
	echo "lklfs itself" >"$B/f"
	ends_with "lklfs itself" umount "$B"
done

# remount: what is written meanwhile is exposed all the same, what else there is stays
mount -T "$W/fstab" "$B" -o keep=7
mount -T "$W/fstab" -o remount,ro "$B"
option "remount,ro" ro rw
option "remount,ro" nosuid suid
option "remount,ro" allow_other exec
eq "a read-only mount: writing" "$(errno_of open 0 "$B/f" w)" EROFS
mount -o remount,rw,noexec "$B"
option "remount,rw" rw ro
option "remount,rw" noexec dev
start w
to w open 0 "$B/f" w,trunc
to w write 0 - remounted
eq "remount,ro in a session: status" "$(status_of mount -o remount,ro "$B")" 32
has "remount,ro in a session: what is said" "$(cat "$T/err")" "cannot change the mount on $B: "
ends w
mount -o remount,ro "$B"
eq "daemons" "$(daemons | wc -l)" 1
ends_with remounted umount "$B"
eq "remount of nothing: status" "$(status_of "$helper" none "$B" -o remount,ro)" 32
has "remount of nothing: what is said" "$(cat "$T/err")" "$B is not mounted with lklfs"
eq "remount by lklfs itself: status" "$(status_of "$LKLFS" -o remount,ro "$B")" 2
has "remount by lklfs itself: what is said" "$(cat "$T/err")" "mount -o remount,ro DIR"

# mount(8) hands dev and suid on only beside user: that is asking
echo "outputs $B fuse.lklfs user,noauto,dev,suid,exec 0 0" >"$W/fstab"
mount -T "$W/fstab" "$B"
option "dev and suid" rw nodev
option "dev and suid" rw nosuid
option "dev and suid" rw noexec
echo "dev and suid" >"$B/f"
ends_with "dev and suid" umount "$B"

# an ordinary user's: user permits it
chown "$TEST_UID:$TEST_UID" "$B" "$B/f"
chmod 1777 "$T"
user=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups --)
rm -f /etc/fstab
echo "outputs $B fuse.lklfs user,noauto,exec 0 0" >/etc/fstab
eq "a user's: status" "$(status_of "${user[@]}" mount "$B")" 0
eq "a user's: what is shown" "$(shows TARGET,SOURCE,FSTYPE)" "$B outputs fuse.lklfs"
option "a user's" "user_id=$TEST_UID" noexec
"${user[@]}" sh -c "echo \"a user's\" >'$B/f'"
ends_with "a user's" "${user[@]}" umount "$B"

# what mount(8) may add
"$helper" none "$B" -n -s -v -t fuse.lklfs -o rw,users,owner
echo flags >"$B/f"
ends_with flags umount "$B"
"$helper" -snv -orw none "$B"
echo together >"$B/f"
ends_with together umount "$B"
"$helper" none "$B" -f -o rw
eq "-f: mounts" "$(n_mounted "$B")" 0
eq "-h: status" "$(status_of "$helper" -h)" 0
has "-h" "$(cat "$T/out")" "SOURCE DIR"
eq "-V: status" "$(status_of "$helper" -V)" 0
for arguments in "" none "none $B more" "none $B -x"; do
	# shellcheck disable=SC2086
	eq "helper $arguments: status" "$(status_of "$helper" $arguments)" 1
	eq "helper $arguments: lines said" "$(wc -l <"$T/err")" 1
done

# in another mount namespace
mkfifo "$T/ready"
unshare --mount --propagation private sh -c "echo >'$T/ready'; read x <>'$T/never'" &
pid=$!
read -r <>"$T/ready"
for how in "$helper" "mount -t fuse.lklfs"; do
	# shellcheck disable=SC2086
	$how none "$B" -N "/proc/$pid/ns/mnt"
	eq "$how -N: mounts here" "$(n_mounted "$B")" 0
	eq "$how -N: mounts there" "$(grep -c ' fuse.lklfs ' "/proc/$pid/mountinfo")" 1
	nsenter --mount="/proc/$pid/ns/mnt" "$LKLFS" umount "$B"
	eq "$how -N: daemons" "$(daemons)" ""
done
kill -KILL "$pid"
wait "$pid" 2>/dev/null || :
until_true "the daemon's end" no_daemon
eq "-N, no such namespace: status" "$(status_of "$helper" none "$B" -N "$W/missing")" 32
