#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every command that README.md shows does what is said there, and its picture is what the journals of today give.
# AXES: root ext4 plain
# TIMEOUT: 180
. "${0%/*}/lib.sh"
. "$TOP/tests/shown.bash"
need make cc python3 mount

readme=$TOP/README.md
# as after contrib/quickstart.sh, in a directory that may be written
mkdir "$T/top" "$T/top/build" "$T/without"
cp -R "$TOP/contrib" "$T/top/"
ln -s "$LKLFS" "$T/top/build/lklfs"
cd "$T/top"

# runs HEADING: what is shown there, as somebody does who pastes it; what it prints is in $T/out
runs() {
	[[ -s "$T/shown" ]] || fail "README.md shows nothing below '$1'"
	bash -euo pipefail "$T/shown" >"$T/out" 2>"$T/err" </dev/null || fail "$1: $(cat "$T/out" "$T/err")"
}

eq "lines that are shown, and run here" "$(for heading in "two commands" "a session" options; do shown "$readme" "$heading"; done)" \
	"$(shown "$readme")"

# what is built there is $LKLFS already
: >build/build.ninja
printf '#!/bin/sh\nexit 0\n' >"$T/without/ninja"
chmod +x "$T/without/ninja"
shown "$readme" "two commands" >"$T/all"
sed 's/ *#.*//' "$T/all" >"$T/commands"
eq "the two commands" "$(cat "$T/commands")" $'contrib/quickstart.sh\ncontrib/check.sh'
has "what a server runs" "$(cat "$TOP/.ci/run")" "exec contrib/check.sh" # the second one: all of this
head -n 1 "$T/commands" >"$T/shown"
read -ra packages < <(sed -n 's/^packages=(\(.*\))$/\1/p' contrib/quickstart.sh)
if dpkg -s "${packages[@]}" >/dev/null 2>&1; then # or it would install them
	PATH=$T/without:$PATH runs "two commands"
	has "what quickstart.sh ends with" "$(tail -n 1 "$T/out")" "The outputs are the same, byte for byte."
fi

shown "$readme" "a session" >"$T/shown"
runs "a session"
mapfile -t stats < <(grep -E '^20[0-9-]+ [0-9:.]+ [+-][0-9]+ [0-9]+$' "$T/out")
eq "how often its file is looked at" "${#stats[@]}" 4
eq "the same bytes" "${stats[1]}" "${stats[0]}"
ne "other bytes: mtime" "${stats[2]% *}" "${stats[1]% *}"
ne "other bytes: inode" "${stats[2]##* }" "${stats[1]##* }"
eq "removed, and written again" "${stats[3]}" "${stats[2]}"
said=$(sed -n 's/^lklfs status out .*# \.\.\. //p' "$T/shown")
has "what status says" "$(cat "$T/out")" "${said:?}"
mapfile -t steps < <(awk 'NF == 2 && $1 ~ /^[A-Z]+$/ { print $1 }' "$T/out")
sorted() { printf '%s\n' "$@" | sort | xargs; }
eq "the first run of make" "$(sorted "${steps[@]:0:11}")" "AR CC CC CC CC CP GEN INSTALL INSTALL LD LD"
eq "the second, which is forced to four steps" "$(sorted "${steps[@]:11:4}")" "CP GEN INSTALL INSTALL"
forced_and_others="AR CC CC CC CP GEN INSTALL INSTALL LD LD"
eq "the third, with another greeting" "$(sorted "${steps[@]:15:10}")" "$forced_and_others"
eq "the fourth, an audit, with the same greeting" "$(sorted "${steps[@]:25}")" "$forced_and_others"
eq "what is run with a journal" "$(grep -c '^lklfs run .*-o journal=' "$T/shown")" 3
has "what report says of the journal" "$(cat "$T/out")" "3 builds, "
has "what report says of the change" "$(cat "$T/out")" "include/demo/config.h"
counted=$(sed -n 's/.*ten outputs and counts `\(.*\)`: .*/\1/p' "$readme")
has "what the first run counts" "$(grep -m 1 'files written' "$T/err")" "${counted:?}: 0 kept"
has "what the audit would have kept" "$(cat "$T/err")" "4 would have been kept, 6 restored"

# the line of fstab: in this mount namespace there is such a directory, and such a helper
line=$(shown "$readme" options)
read -r _ dir _ <<<"$line"
for name in /sbin /srv; do
	real=$(readlink -f "$name")
	mkdir -p "$W/real$name"
	mount --bind "$real" "$W/real$name"
	mount -t tmpfs -o mode=755 none "$real"
	[[ "$name" == /srv ]] || ln -s "$W/real$name"/* "$real/"
done
ln -s "$LKLFS" /sbin/mount.fuse.lklfs
mkdir -p "$dir"
echo "$line" >"$W/fstab"
mount -T "$W/fstab" "$dir"
eq "the line of fstab" "$(n_mounted "$dir")" 1
echo new >"$dir/f"
umount "$dir"
until_true "the daemon's end" no_daemon
eq "what was written there" "$(cat "$dir/f")" new
cd "$T"

"$TOP/contrib/picture.py" "$LKLFS" | diff "$TOP/docs/build.svg" - >&2 ||
	fail "docs/build.svg is not what contrib/picture.py draws"
