# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# meson
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(meson ninja gcc ar)
left_out=('.ninja_*' meson-logs '*.dat*')
sources() {
	greeting
	cat >meson.build <<'END'
project('greeting', 'c')
config = custom_target(input: 'config.in', output: 'config.h',
  command: ['sh', '-c', 'cd "$1" && sh gen.sh >"$OLDPWD/$2" && echo gen >>made', '-', meson.source_root(), '@OUTPUT@'])
text = static_library('text', 'text.c', config)
executable('prog', 'main.c', config, link_with: text)
END
}
