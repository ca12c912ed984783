# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The commands that a document shows: its indented lines.

# shown FILE [HEADING]: those below that heading (in small letters) only, up to the next; each without its indent
shown() {
	awk -v want="${2-}" '
		/^#/ { heading = tolower($0); sub(/^#+ +/, "", heading) }
		/^    / && (want == "" || heading == want) { print substr($0, 5) }' "$1"
}
