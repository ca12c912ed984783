#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P6: nobody has read older bytes of a new name, so its mtime is that of its last write.
# BACKINGS: all
. "${0%/*}/lib.sh"

mnt
start w
begin=$(marker begin)
to w open 0 "$B/new" w,creat
to w write 0 0 bytes
between=$(marker between)
to w close 0
not_newer "the last write against what came before" "$begin" "$(mtime "$B/new")"
not_newer "the last write against what came after" "$(mtime "$B/new")" "$between"
not_newer "the same in the backing" "$(mtime "$(v new)")" "$between"
ends w
