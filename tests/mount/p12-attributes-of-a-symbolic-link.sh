#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: extended attributes of a symbolic link are its own; a link that has some does not come back for one without (P7),
# nor does it stay when one is renamed over it (P8).
# AXES: root ext4
. "${0%/*}/lib.sh"
need setfattr getfattr

attributes() { getfattr -h --absolute-names -d -m trusted "$1" | grep '^trusted' || :; }
echo bytes >"$B/f"
ln -s f "$B/l"
mnt
setfattr -h -n trusted.k -v one "$B/l"
eq "set" "$(attributes "$B/l")" 'trusted.k="one"'
eq "in the backing" "$(attributes "$V/l")" 'trusted.k="one"'
eq "what it leads to" "$(attributes "$B/f")" ""
setfattr -h -n trusted.k -v two "$V/l"
eq "changed behind" "$(attributes "$B/l")" 'trusted.k="two"'
eq "user.*" "$(status_of setfattr -h -n user.k -v v "$B/l") $(sed 's/.*: //' "$T/err")" "1 Operation not permitted"

rm "$B/l"
ln -s f "$B/l"
eq "made again" "$(attributes "$V/l")" ""
setfattr -h -n trusted.k -v three "$B/l"
ln -s f "$B/l2"
mv "$B/l2" "$B/l"
eq "replaced by a rename" "$(attributes "$V/l")" ""
ln -s f "$B/l2"
setfattr -h -n trusted.k -v four "$B/l2"
mv "$B/l2" "$B/l"
eq "replaced by one that has some" "$(attributes "$V/l")" 'trusted.k="four"'
setfattr -h -x trusted.k "$B/l"
eq "removed" "$(attributes "$V/l")" ""
