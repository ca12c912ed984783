#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12 and P20: owner, group and mode of what is made in the mount are what the backing would have made them:
# umask and set-gid directories included.
# BACKINGS: all
. "${0%/*}/lib.sh"
if [[ $AXIS_USER == root ]]; then
	need setpriv
	as=(setpriv "--reuid=$TEST_UID" --regid=1234 --groups=4321 --)
	options=(-o allow_other)
else
	as=()
	options=()
fi
prepare() {
	mkdir "$1/plain" "$1/setgid"
	chmod 777 "$1/plain"
	[[ $AXIS_USER == user ]] || chgrp 4321 "$1/setgid"
	chmod 2777 "$1/setgid"
}
prepare "$B"
prepare "$W"
mnt "${options[@]}"
# shellcheck disable=SC2016
make='
for d in plain setgid; do
	cd "$1/$d"
	for mask in 022 077 002; do
		umask $mask
		echo x >f$mask
		mkdir d$mask
		mkfifo p$mask
		ln -s x l$mask
		"$2" open 0 w$mask w,creat 666 -- write 0 0 x -- close 0
		echo y >f$mask
	done
done'
"${as[@]}" sh -c "$make" sh "$W" "$TOOL"
"${as[@]}" sh -c "$make" sh "$B" "$TOOL"
made() {
	(cd "$1" && find plain setgid -mindepth 1 -printf '%p %M %U:%G\n' | sort)
}
(($(made "$W" | wc -l) >= 30)) || fail "too little was made"
made "$W" >"$T/want"
made "$B" | diff -u "$T/want" - >&2 || fail "through the mount it differs from what a plain directory has"
made "$(v .)" | diff -u "$T/want" - >&2 || fail "in the backing it differs from what a plain directory has"
if [[ $AXIS_USER == root ]]; then
	echo secret >"$B/secret"
	chmod 600 "$B/secret"
	eq "root's secret" "$("${as[@]}" "$TOOL" open 0 "$B/secret" r || :)" EACCES
fi
