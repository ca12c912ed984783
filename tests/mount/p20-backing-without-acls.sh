#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AXES: root ext4
# P20: where the backing has no ACLs, permissions are those of the modes.
. "${0%/*}/lib.sh"
need setpriv setfacl getfacl

mount -t ramfs none "$W"
trap 'umount -l "$W"; at_exit 1' EXIT
chmod 755 "$W"
eq "ramfs has no ACLs" "$(errno_of getxattr "$W" system.posix_acl_access)" EOPNOTSUPP
mkdir -m 775 "$W/b" "$W/b/dir"
chgrp 2003 "$W/b/dir"
echo read >"$W/b/dir/read"
chmod 644 "$W/b/dir/read"
echo write >"$W/b/dir/write"
chmod 664 "$W/b/dir/write"
chgrp 2003 "$W/b/dir/write"
echo none >"$W/b/dir/none"
chmod 660 "$W/b/dir/none"
"$LKLFS" -o allow_other "$W/b" </dev/null
start eve setpriv --reuid=1003 --regid=2003 --clear-groups --
to eve cd "$W/b/dir"
eq "what everybody may read" "$(to eve open 0 read r && to eve read 0 0 10)" 'read\n'
eq "but not write" "$(to_errno eve open 0 read w)" EACCES
to eve open 0 write rw
to eve write 0 0 WRITE
to eve close 0
to eve open 0 new w,creat
to eve close 0
eq "what nobody else may read" "$(to_errno eve open 0 none r)" EACCES
eq "no ACL can be set" "$(status_of setfacl -m u:1003:rw "$W/b/dir/none")" 1
has "and why" "$(cat "$T/err")" "Operation not supported"
eq "the mode shows as one" "$(getfacl -cp "$W/b/dir/write" | tr '\n' ' ')" "user::rw- group::rw- other::r--  "
ends eve
"$LKLFS" umount "$W/b" </dev/null
eq "what was written" "$(cat "$W/b/dir/write" "$W/b/dir/new")" WRITE
umount "$W"
trap 'status=$?; at_exit "$status"' EXIT
