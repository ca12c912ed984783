#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# P19: what fio writes in all its ways, upon new files and upon what is there, it reads back, and the backing has it.
# AXES: root ext4
. "${0%/*}/lib.sh"
need fio

verify() { # NAME OPTION...
	local name=$1
	shift
	fio --name="$name" --directory="$B" --size=1m --bsrange=512-16k --bs_unaligned=1 --rw=randwrite --numjobs=2 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 "$@" >"$T/fio" 2>&1 || fail "$name: $(tail -n 20 "$T/fio")"
	sha256sum "$B/$name".* | sed "s:$B/::" >>"$T/seen"
}
mnt
for ((i = 0; i < 2; i++)); do
	: >"$T/seen"
	verify psync --ioengine=psync
	verify synced --ioengine=psync --fsync=32
	verify mmap --ioengine=mmap --bs=4k --bs_unaligned=0
	verify direct --ioengine=libaio --iodepth=8 --direct=1 --bs=4k --bs_unaligned=0
done
eq "failed" "$(status_value failed)" 0
umnt
(cd "$V" && sha256sum --quiet -c "$T/seen") || fail "the backing is not what the mount showed"
