# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# bear, and clangd with what it writes
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(bear clangd make gcc ar)
outputs=(out commands)
left_out=(compile_commands.json) # whose order is by chance
after() { tr -d , <project/out/compile_commands.json | sort >project/commands || :; }
sources() { greeting_make; }
