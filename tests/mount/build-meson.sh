#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A build with meson and ninja: a configured header, a generated source, a library, a program. The outputs are those of a
# build without lklfs; configured again, or after meson.build was touched, nothing is compiled.
# AXES: root ext4
. "${0%/*}/lib.sh"
. "${0%/*}/build.bash"
need meson ninja gcc

small_sources "$W/src" VERSION
cat >"$W/src/meson.build" <<'EOF'
project('small', 'c', version: '1.2')
configure_file(input: 'config.h.in', output: 'config.h', configuration: {'VERSION': meson.project_version()})
table_c = custom_target(input: 'table.in', output: 'table.c', capture: true,
  command: ['sed', 's/.*/int table = &;/', '@INPUT@'])
table = static_library('table', table_c)
executable('prog', 'main.c', link_with: table)
EOF

out=$B/out
configure() { meson setup "$@" "$out" "$W/src" >&2; }
build() { ninja_build; }
left_out=('.ninja_*' meson-logs '*.dat*') # what meson keeps for itself, too
small_project "$W/src/meson.build" configure --reconfigure
