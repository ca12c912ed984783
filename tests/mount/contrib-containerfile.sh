#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# contrib/container/Containerfile copies all that meson and ninja need there: with those files alone lklfs is set up as it
# says, and there is a rule for everything. Nothing is compiled here; contrib/ci/container.sh builds the image itself.
# AXES: root tmpfs plain
. "${0%/*}/lib.sh"
need meson ninja cc

file=$TOP/contrib/container/Containerfile
n=0
while read -r _ from to; do
	# as COPY does: of a directory what is in it
	mkdir -p "$T$to"
	if [[ -d "$TOP/$from" ]]; then cp -R "$TOP/$from/." "$T$to"; else cp "$TOP/$from" "$T$to"; fi
	n=$((n + 1))
done < <(grep '^COPY [^-]' "$file")
((n > 0)) || fail "nothing is copied"
has "how it is set up" "$(cat "$file")" "meson setup --buildtype=release --prefix=/usr/local /lklfs/build /lklfs "
works() { eq "$1: $(tail -n 3 "$T/out" "$T/err")" "$2" 0; }
works "meson setup" "$(status_of meson setup --buildtype=release --prefix=/usr/local "$T/lklfs/build" "$T/lklfs")"
works "what would be built" "$(status_of ninja -n -C "$T/lklfs/build" lklfs)"
