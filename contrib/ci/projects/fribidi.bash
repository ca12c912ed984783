# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2209
# fribidi: meson and ninja, beside its sources. Programs that are built first make the tables that the library includes.
tools=(meson ninja gcc)
driver=ninja
left_out=('.ninja_*' meson-logs '*.dat*') # times, and what meson keeps for itself

get() { [[ -e "$(echo fribidi_*.orig.tar.bz2)" ]] || apt-get source --download-only fribidi; }
unpack() { tar xf fribidi_*.orig.tar.bz2 -C "$src" --strip-components=1; }
configure() {
	if [[ -e "$out/build.ninja" ]]; then
		meson setup --reconfigure "$out" "$src"
	else
		meson setup "$out" "$src" -Ddocs=false
	fi
}
build() { ninja -C "$out" -j2; }
tests() { meson test -C "$out" --no-rebuild; }
described() { touch "$src/meson.build"; }
touched() { touch "$src"/*/*.[ch]; }
comment() { echo '/* a comment */' >>"$src/lib/fribidi-common.h"; }
change() { sed -i '/MAX_NESTED_BRACKET_PAIRS/s/63/62/' "$src/lib/fribidi-unicode.h"; }
