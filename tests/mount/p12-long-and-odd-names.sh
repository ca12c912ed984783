#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P12: any name the backing takes is good: of 255 bytes, with newlines, of bytes that are no text.
# BACKINGS: overlayfs bindfs
. "${0%/*}/lib.sh"

long=$(printf '%255s' '' | tr ' ' n)
names=("$long" $'with\nnewline' $'\xff\xfe\x80' ' ' '-rf' '*' '"quote\' '.hidden' 'ends with ~' $'\x01')
mnt
for name in "${names[@]}"; do
	for dir in "$B" "$B/$name.d"; do
		[[ "$name" == "$long" && "$dir" != "$B" ]] && continue
		[[ -d "$dir" ]] || mkdir "$dir"
		f=$dir/$name
		echo old >"$f"
		before=$(seen "$f")
		echo old >"$f"
		eq "$name: after a rewrite of the same" "$(seen "$f")" "$before"
		start w
		to w open 0 "$B" r,dir # not by name: steering knows no blanks
		ends w
		echo new >"$f"
		eq "$name: bytes" "$(cat "$f")" new
		ln "$f" "$dir/link"
		mv "$f" "$dir/other"
		mv "$dir/other" "$f"
		echo newer >"$dir/link"
		eq "$name: bytes by the other name" "$(cat "$f")" newer
		rm "$dir/link"
	done
done
eq "names in the mount" "$(ls -AR "$B" | sha256sum)" "$(cd "$(v .)" && ls -AR "$B" | sha256sum)"
umnt
for name in "${names[@]}"; do
	eq "$name: bytes in the backing" "$(cat "$B/$name")" newer
done

# symbolic links to anything, as long as a path can be; names and values of attributes likewise
mnt
target=$(printf '%4095s' '' | tr ' ' t)
ln -s "$target" "$B/link"
eq "a target of 4,095 bytes" "$(readlink "$B/link")" "$target"
eq "in the backing" "$(readlink "$(v link)")" "$target"
eq "a target of 4,096 bytes" "$(errno_of symlink "${target}t" "$B/longer")" ENAMETOOLONG
before=$(mtime "$B/link")
rm "$B/link"
ln -s "$target" "$B/link"
eq "mtime of the link that was made again" "$(mtime "$B/link")" "$before"
odd=$'new\nline\xff\x01\e[31m'
ln -s "$odd" "$B/odd-link"
eq "an odd target" "$(readlink "$B/odd-link" | od -c)" "$(echo "$odd" | od -c)"
: >"$B/attributes"
: >"$W/attributes"
attributes() { # FILE: which sizes of names and values it takes, and whether it gives them back
	python3 - "$1" <<'END'
import errno, os, sys
for name_size in 6, 250, 251:
    for size in 0, 1, 3000, 65536, 65537:
        name, value = "user." + "n" * name_size, bytes(i % 251 for i in range(size))
        try:
            os.setxattr(sys.argv[1], name, value)
            assert os.getxattr(sys.argv[1], name) == value, (name_size, size)
            assert os.listxattr(sys.argv[1]) == [name], os.listxattr(sys.argv[1])
            os.removexattr(sys.argv[1], name)
            print(name_size, size, "OK")
        except OSError as error:
            print(name_size, size, errno.errorcode[error.errno])
END
}
attributes "$W/attributes" >"$T/want"
attributes "$B/attributes" | diff "$T/want" - >&2 || fail "attributes"
has "attributes" "$(cat "$T/want")" "250 3000 "
umnt
