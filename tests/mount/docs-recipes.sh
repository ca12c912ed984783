#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Recipes of docs/RECIPES.md, those whose tools are small; contrib/ci/tools.sh has all of them. Each tool has a recipe, and a row.
# AXES: root ext4 plain
# TIMEOUT: 180
. "${0%/*}/lib.sh"
need make gcc ar ninja git rsync

headings=$(sed -n 's/^## //p' "$TOP/docs/RECIPES.md" | tr '[:upper:]' '[:lower:]' | sort)
rows=$(sed -n '/^| tool /,/^$/s/^| \([^|]*\) |.*/\1/p' "$TOP/docs/RECIPES.md" | tail -n +3 | tr '[:upper:]' '[:lower:]' | sort)
files=$(cd "$TOP/contrib/ci/tools" && printf '%s\n' *.bash | sed -e /^greeting/d -e 's/\.bash$//' | sort)
eq "recipes" "$headings" "$files"
eq "rows" "$rows" "$files"

mkdir "$W/tools"
"$TOP/contrib/ci/tools.sh" "$LKLFS" "$W/tools" make ninja git rsync >"$T/out" 2>&1 || fail "$(cat "$T/out")"
has "the last line" "$(tail -n 1 "$T/out")" " 0 failed, 0 skipped"
