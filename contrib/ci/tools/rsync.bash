# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC1091,SC2034,SC2154
# rsync, out of a mount: what is sent counts, too
. "${BASH_SOURCE[0]%/*}/greeting.bash"
tools=(rsync make gcc ar)
outputs=(out mirror)
sources() { greeting_make; }
before() {
	mkdir -p project/mirror
	find project/mirror -type f -printf '%f %i %C@\n' | sort >mirrored
}
more() {
	made
	find project/mirror -type f -printf '%f %i %C@\n' | sort | comm -13 mirrored - | sed 's/^/sent /'
}
