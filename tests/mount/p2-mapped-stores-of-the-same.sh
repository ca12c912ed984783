#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P2: equal bytes stored through a shared mapping leave no trace either.
. "${0%/*}/lib.sh"

printf '0123456789abcdef' >"$B/f"
mnt
before=$(trace "$(v f)")
tool open 0 "$B/f" rw -- mmap 0 16 -- store 0 4 4567 -- munmap 0 -- close 0
eq "the backing after stores of the same" "$(trace "$(v f)")" "$before"
tool open 0 "$B/f" rw -- mmap 0 16 -- store 0 4 XXXX -- store 0 4 4567 -- munmap 0 -- close 0
eq "the backing after other stores and back" "$(trace "$(v f)")" "$before"
tool open 0 "$B/f" rw -- mmap 0 16 -- store 0 4 XXXX -- munmap 0 -- close 0
eq "bytes after a store of others" "$(cat "$B/f")" 0123XXXX89abcdef
eq "bytes in the backing" "$(cat "$(v f)")" 0123XXXX89abcdef
