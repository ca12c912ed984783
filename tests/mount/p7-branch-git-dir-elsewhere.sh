#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P7: another branch and back puts all mtimes back as well where what git knows is outside of the mount, and where the
# mount is a directory of the working tree only.
# AXES: root user ext4
. "${0%/*}/lib.sh"
. "${0%/*}/branches.bash"

there_and_back() { git checkout -q other && git checkout -q -; }

repository --separate
mnt
cd "$B"
begin
back "elsewhere" there_and_back
back "once more" there_and_back
cd "$T"
umnt

rm -rf "$W/git" "$W/out"
find "$B" -mindepth 1 -delete
repository --above
mnt
cd "$B"
begin
back "above" there_and_back
cd "${B%/*}"
back "from above" there_and_back
eq "what git knows of" "$(git ls-files | cut -d/ -f1 | sort -u)" "${B##*/}"
cd "$T"
