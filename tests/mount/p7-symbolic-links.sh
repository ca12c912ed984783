#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: a symbolic link that is made again with the same target has its old times back.
# BACKINGS: all
. "${0%/*}/lib.sh"

mkdir "$B/d"
ln -s target "$B/d/l"
mnt
l=$B/d/l
before=$(mtime "$l")
rm "$l" && ln -s target "$l"
eq "removed and made again" "$(mtime "$l")" "$before"
eq "in the backing" "$(mtime "$V/d/l")" "$before"
eq "its target" "$(readlink "$V/d/l")" target
ln -sf target "$l"
eq "forced" "$(mtime "$l")" "$before"
rm -rf "$B/d" && mkdir "$B/d" && ln -s target "$l"
eq "with its directory" "$(mtime "$l")" "$before"
ln -sf other "$l"
newer "another target" "$(mtime "$l")" "$before"
eq "the other target" "$(readlink "$l")" other
# followed in between by somebody else: it stays new
ln -sfn target "$l"
before=$(mtime "$l")
rm "$l"
ln -s other "$l"
eq "followed" "$(readlink "$l")" other
ln -sfn target "$l"
newer "after somebody followed another one" "$(mtime "$l")" "$before"
# the listed names count always
ln -s target "$B/d/x.stamp"
before=$(mtime "$B/d/x.stamp")
rm "$B/d/x.stamp" && ln -s target "$B/d/x.stamp"
newer "a stamp" "$(mtime "$B/d/x.stamp")" "$before"
