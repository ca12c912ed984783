#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: nosuid and nodev by default: neither a set-user-ID program nor a file capability nor a device works in the
# mount, until root asks for it.
. "${0%/*}/lib.sh"
need setpriv setcap mount

ln -s "$LKLFS" "$T/mount.fuse.lklfs"
cp "$(command -v id)" "$B/suid"
chmod 4755 "$B/suid"
cp "$(command -v id)" "$B/sgid"
chmod 2755 "$B/sgid"
cp "$(command -v cat)" "$B/capable"
setcap cap_dac_read_search+ep "$B/capable"
echo secret >"$W/secret"
chmod 600 "$W/secret"
mknod "$B/null" c 1 3
chmod 666 "$B/null"
as() { "${who[@]}" "$@" 2>&1 </dev/null; }
who=(setpriv --reuid=1003 --regid=2003 --clear-groups --)
gains() { echo "$(as "$B/suid" -u) $(as "$B/sgid" -g) $(as "$B/capable" "$W/secret" | tail -c 7) $(as "$TOOL" open 0 "$B/null" rw)"; }
options() { findmnt -n -t fuse.lklfs -o OPTIONS; }
no="1003 2003 denied EACCES"
eq "without a mount" "$(gains)" "0 0 secret "
mnt -o allow_other
eq "by default" "$(gains)" "$no"
has "by default: options" "$(options)" nosuid,nodev
# what is made in the mount, too
mknod "$B/made" c 1 3
chmod 666 "$B/made"
eq "a device that is made in it" "$(as "$TOOL" open 0 "$B/made" r)" EACCES
rm "$B/made"
umnt
mnt -o allow_other,suid,dev
eq "asked for by root" "$(gains)" "0 0 secret "
umnt
"$T/mount.fuse.lklfs" none "$B" -o allow_other,rw
eq "mount.fuse.lklfs" "$(gains)" "$no"
umnt
"$T/mount.fuse.lklfs" none "$B" -o allow_other,suid,dev
eq "mount.fuse.lklfs, asked for" "$(gains)" "0 0 secret "
umnt
# an ordinary user asks in vain
echo user_allow_other >"$W/fuse.conf"
mount --bind "$W/fuse.conf" /etc/fuse.conf
chown "$TEST_UID" "$B"
for way in "$LKLFS -o allow_other,suid,dev" "$T/mount.fuse.lklfs none -o allow_other,suid,dev"; do
	# shellcheck disable=SC2086
	setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups -- $way "$B" </dev/null || fail "$way"
	eq "a user's: $way" "$(gains)" "$no"
	has "a user's: options" "$(options)" nosuid,nodev
	setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups -- "$LKLFS" umount "$B" </dev/null
done
